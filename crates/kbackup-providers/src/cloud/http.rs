//! The HTTP client of all clouds: one for each store, with the limits of the run, that reads refusals itself.

use std::fmt::Debug;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, RETRY_AFTER};
use http::{Method, Request, StatusCode};
use kbackup_core::limits::Limits;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpResponseBody,
    HttpService,
};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Proxy};

use super::error::Refusal;
use super::options::{OptionError, TransportOptions};

/// What is read of an answer that is no success: an explanation, not data.
const EXPLANATION_BYTES_MAX: usize = 64 << 10;
/// Where S3 says in which region a bucket is, and Azure which error it is.
const REGION: HeaderName = HeaderName::from_static("x-amz-bucket-region");
const AZURE_CODE: HeaderName = HeaderName::from_static("x-ms-error-code");
/// How S3 and Azure say that an object is locked.
const LOCK_MODES: [HeaderName; 2] =
    [HeaderName::from_static("x-amz-object-lock-mode"), HeaderName::from_static("x-ms-immutability-policy-mode")];

/// How requests are sent: what the options and the limits say.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    client: reqwest::Client,
    /// What is said about every object that is written: how it is to be encrypted, say.
    writing: HeaderMap,
    /// Signs what was signed before that was added, where a signature covers headers.
    signer: Option<Arc<dyn SignAgain>>,
    /// Whether what an object is retained by must be asked for: what describes an object does not say it.
    asks_for_retention: bool,
}

/// Signs requests whose headers have changed since they were signed.
pub(crate) trait SignAgain: Debug + Send + Sync {
    /// Signs `request`, in place of the signature that it has.
    fn sign(&self, request: &mut HttpRequest) -> Result<(), HttpError>;
}

impl Transport {
    /// The transport of these options.
    ///
    /// # Errors
    /// Where the file of certificates can't be read, or the address of the proxy makes no sense.
    pub(crate) fn new(options: &TransportOptions, limits: &Limits) -> Result<Self, OptionError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("kbackup/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(limits.store_connect_max)
            .read_timeout(limits.store_silence_max)
            .http1_only()
            // A request is signed for one address: elsewhere it is refused, and the answer would hide why.
            .redirect(Policy::none())
            // A store's Content-Length is the size of the object only where nothing is compressed on the way.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .tls_certs_merge(certificates(options)?)
            .tls_danger_accept_invalid_certs(options.insecure_skip_tls_verify);
        if let Some(proxy) = &options.proxy {
            let unfit =
                |_| OptionError::new("the option proxy is not the address of a proxy", "write http://host:port");
            builder = builder.proxy(Proxy::all(proxy).map_err(unfit)?);
        }
        let unfit = |error: reqwest::Error| {
            OptionError::new(format!("no connection can be set up: {error}"), "check the options ca-file and proxy")
        };
        let client = builder.build().map_err(unfit)?;
        Ok(Self { client, writing: HeaderMap::new(), signer: None, asks_for_retention: false })
    }

    /// The same, with more headers that are sent along wherever an object is written, unsigned.
    #[cfg(any(feature = "gcs", feature = "azure"))]
    pub(crate) fn with_headers_of_writes(mut self, writing: HeaderMap) -> Self {
        self.writing.extend(writing);
        self
    }

    /// The same, and `signer` signs what is sent with such headers.
    #[cfg(feature = "azure")]
    pub(crate) fn signed_again(self, signer: Arc<dyn SignAgain>) -> Self {
        Self { signer: Some(signer), ..self }
    }

    /// The same, and wherever an object is looked at, what it is retained by is asked for too.
    #[cfg(feature = "gcs")]
    pub(crate) fn asking_for_retention(self) -> Self {
        Self { asks_for_retention: true, ..self }
    }

    /// Asks what `object_store` has no word for: headers and text of the answer.
    pub(crate) async fn ask(&self, request: HttpRequest) -> Result<(HeaderMap, String), HttpError> {
        let (parts, body) = self.client.call(request).await?.into_parts();
        let text = explanation(body).await;
        match parts.status.is_success() {
            true => Ok((parts.headers, text)),
            false => Err(refused(Refusal::read(parts.status, &text).with_headers(&parts.headers))),
        }
    }

    /// What `object_store` takes as a maker of clients. All that it makes share their connections.
    pub(crate) fn connector(&self) -> Connector {
        Connector(HttpClient::new(self.clone()))
    }
}

/// What an answer carries with it where the store says that the object is locked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Locked;

/// Gives out one client, whatever it is asked for: all its settings are made already.
#[derive(Debug)]
pub(crate) struct Connector(HttpClient);

impl HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.0.clone())
    }
}

#[async_trait]
impl HttpService for Transport {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if !self.writing.is_empty() && writes_object(request.method(), request.uri().query()) {
            request.headers_mut().extend(self.writing.clone());
            if let Some(signer) = &self.signer {
                signer.sign(&mut request)?;
            }
        }
        let question = retention_of(&request).filter(|_| self.asks_for_retention);
        let late = may_fail_late(request.method(), request.uri().query());
        let (mut parts, body) = self.client.call(request).await?.into_parts();
        if !parts.status.is_success() {
            let text = explanation(body).await;
            return Err(refused(Refusal::read(parts.status, &text).with_headers(&parts.headers)));
        }
        if LOCK_MODES.iter().any(|mode| parts.headers.contains_key(mode)) || self.retains(question).await? {
            parts.extensions.insert(Locked);
        }
        if !late {
            return Ok(HttpResponse::from_parts(parts, body));
        }
        let body = body.bytes().await?;
        let text = String::from_utf8_lossy(&body);
        if text.contains("<Error>") {
            return Err(refused(Refusal::read(StatusCode::INTERNAL_SERVER_ERROR, &text)));
        }
        Ok(HttpResponse::from_parts(parts, body.into()))
    }
}

impl Transport {
    /// Asks what an object is retained by.
    async fn retains(&self, question: Option<HttpRequest>) -> Result<bool, HttpError> {
        let Some(question) = question else { return Ok(false) };
        let (parts, body) = self.client.call(question).await?.into_parts();
        let text = explanation(body).await;
        match parts.status {
            StatusCode::NOT_FOUND => Ok(false),
            status if status.is_success() => Ok(text.contains("<RetainUntilDate>")),
            status => Err(refused(Refusal::read(status, &text).with_headers(&parts.headers))),
        }
    }
}

/// The question what an object is retained by, of a request that looks at it.
fn retention_of(look: &HttpRequest) -> Option<HttpRequest> {
    if look.method() != Method::HEAD {
        return None;
    }
    let mut question = Request::get(format!("{}?retention", look.uri()));
    if let Some(authorization) = look.headers().get(AUTHORIZATION) {
        question = question.header(AUTHORIZATION, authorization);
    }
    question.body(HttpRequestBody::empty()).ok()
}

impl Refusal {
    fn with_headers(mut self, headers: &HeaderMap) -> Self {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        if self.code.is_empty() {
            self.code = text(&AZURE_CODE).unwrap_or_default();
        }
        self.region = text(&REGION);
        // A date is allowed too; nobody sends one.
        self.retry_after = text(&RETRY_AFTER).and_then(|value| value.trim().parse().ok()).map(Duration::from_secs);
        self
    }
}

fn refused(refusal: Refusal) -> HttpError {
    HttpError::new(HttpErrorKind::Unknown, refusal)
}

/// A store answers 200 to the completion of an upload before it knows how it ends, and says in the body if it failed.
fn may_fail_late(method: &Method, query: Option<&str>) -> bool {
    *method == Method::POST && query.is_some_and(|query| query.contains("uploadId="))
}

/// Whether a request makes an object or begins an upload of one, rather than reading, or sending a part.
fn writes_object(method: &Method, query: Option<&str>) -> bool {
    let query = query.unwrap_or_default();
    let is_part = |pair: &str| pair == "comp=block" || pair.starts_with("uploadId=");
    match *method {
        Method::PUT => !query.split('&').any(is_part),
        Method::POST => query.starts_with("uploads"),
        _ => false,
    }
}

async fn explanation(body: HttpResponseBody) -> String {
    use futures::StreamExt;
    let mut pieces = body.bytes_stream();
    let mut text = Vec::new();
    while let Some(Ok(piece)) = pieces.next().await {
        text.extend_from_slice(&piece);
        if text.len() > EXPLANATION_BYTES_MAX {
            break;
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

fn certificates(options: &TransportOptions) -> Result<Vec<Certificate>, OptionError> {
    let Some(path) = &options.ca_file else { return Ok(Vec::new()) };
    let unfit = |why: String| {
        OptionError::new(format!("the ca-file {} {why}", path.display()), "name a file of certificates in PEM")
    };
    let pem = fs::read(path).map_err(|error| unfit(format!("cannot be read: {error}")))?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(unfit("holds no certificate".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_that_write_are_known() {
        for (method, query, writes, late) in [
            (Method::PUT, None, true, false),
            (Method::PUT, Some("partNumber=1&uploadId=x"), false, false),
            (Method::PUT, Some("comp=block&blockid=x"), false, false),
            (Method::PUT, Some("comp=blocklist"), true, false),
            (Method::POST, Some("uploads="), true, false),
            (Method::POST, Some("uploadId=x"), false, true),
            (Method::POST, Some("delete"), false, false),
            (Method::GET, None, false, false),
        ] {
            assert_eq!(writes_object(&method, query), writes, "{method} {query:?}");
            assert_eq!(may_fail_late(&method, query), late, "{method} {query:?}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_explained() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        for (path, part) in
            [(file.path(), "holds no certificate"), (std::path::Path::new("/missing"), "cannot be read")]
        {
            let options = TransportOptions { ca_file: Some(path.to_owned()), ..TransportOptions::default() };
            let error = Transport::new(&options, &Limits::default()).expect_err("no certificates").to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
