//! One call to the API server: sent, tried again where that can help, its errors understood, its body read with a limit
//! on the pauses.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, Request, Response, header};
use http_body_util::BodyExt;
use kbackup_core::cluster::{ClusterError, ClusterResult};
use kube::client::Body;
use serde::de::DeserializeOwned;

use crate::CallLimits;
use crate::error::{self, Failure};
use crate::retry::{Attempts, Fault, Repeat};
use crate::url::Uri;

pub(crate) const JSON: &str = "application/json";

/// Lists of metadata alone; or of whole objects, from servers that do not know such lists.
pub(crate) const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

/// An answer that is not streamed: an object is at most a few MiB in etcd, a discovery document less.
const BODY_BYTES_MAX: usize = 64 << 20;

/// Of the body of an answer other than 2xx: a `Status` is small.
const ERROR_BYTES_MAX: usize = 1 << 20;

/// The way to one API server.
#[derive(Clone)]
pub(crate) struct Http {
    client: kube::Client,
    server: Arc<str>,
    limits: Arc<CallLimits>,
    /// How often the server has asked to slow down, over all clones.
    throttled: Arc<AtomicU64>,
}

/// What to ask.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    method: Method,
    uri: String,
    accept: &'static str,
    content: Option<(&'static str, Bytes)>,
    repeat: Repeat,
}

/// The body of an answer, as it arrives.
#[derive(Debug)]
pub(crate) struct Chunks {
    body: Body,
    server: Arc<str>,
    limits: Arc<CallLimits>,
}

impl Call {
    /// A `GET` of JSON.
    pub(crate) fn get(uri: Uri) -> Self {
        Self::new(Method::GET, uri, Repeat::Safe)
    }

    /// A call without a body.
    pub(crate) fn new(method: Method, uri: Uri, repeat: Repeat) -> Self {
        Self { method, uri: uri.into_string(), accept: JSON, content: None, repeat }
    }

    /// The same, asking for `accept`.
    pub(crate) fn accept(self, accept: &'static str) -> Self {
        Self { accept, ..self }
    }

    /// The same with a body.
    pub(crate) fn body(self, content_type: &'static str, body: Bytes) -> Self {
        Self { content: Some((content_type, body)), ..self }
    }

    fn request(&self) -> Result<Request<Body>, http::Error> {
        let mut request = Request::builder().method(&self.method).uri(&self.uri);
        request = request.header(header::ACCEPT, HeaderValue::from_static(self.accept));
        match &self.content {
            None => request.body(Body::empty()),
            Some((content_type, body)) => request
                .header(header::CONTENT_TYPE, HeaderValue::from_static(content_type))
                .body(Body::from(body.clone())),
        }
    }
}

impl Http {
    pub(crate) fn new(client: kube::Client, server: &str, limits: CallLimits) -> Self {
        Self { client, server: server.into(), limits: Arc::new(limits), throttled: Arc::default() }
    }

    /// How often the server has asked to slow down.
    pub(crate) fn throttled(&self) -> u64 {
        self.throttled.load(Ordering::Relaxed)
    }

    pub(crate) fn client(&self) -> &kube::Client {
        &self.client
    }

    /// The server's URL, without credentials.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    pub(crate) fn limits(&self) -> &CallLimits {
        &self.limits
    }

    /// The same way with other bounds.
    pub(crate) fn with_limits(&self, limits: CallLimits) -> Self {
        Self { limits: Arc::new(limits), ..self.clone() }
    }

    /// The answer to a call, where it is 2xx. Its body is yet to be read.
    pub(crate) async fn send(&self, call: &Call) -> ClusterResult<Chunks> {
        let mut attempts = Attempts::default();
        loop {
            match self.attempt(call).await {
                Ok(chunks) => return Ok(chunks),
                Err(failure) => self.pause(&mut attempts, call, failure).await?,
            }
        }
    }

    /// The whole body of the answer to a call.
    pub(crate) async fn bytes(&self, call: &Call) -> ClusterResult<Bytes> {
        let mut attempts = Attempts::default();
        loop {
            match self.attempt_whole(call).await {
                Ok(body) => return Ok(body),
                Err(failure) => self.pause(&mut attempts, call, failure).await?,
            }
        }
    }

    /// Waits before the next attempt at `call`.
    ///
    /// # Errors
    /// That of the failed attempt, where there should be no other.
    pub(crate) async fn pause(&self, attempts: &mut Attempts, call: &Call, failure: Failure) -> ClusterResult<()> {
        let Failure { error, fault } = failure;
        if fault == Fault::Throttled {
            self.throttled.fetch_add(1, Ordering::Relaxed);
        }
        let jitter = RandomState::new().hash_one(&call.uri);
        let Some(wait) = attempts.next(fault, call.repeat, error.retry_after(), &self.limits, jitter) else {
            return Err(error);
        };
        tracing::debug!(method = %call.method, uri = call.uri, ?wait, %error, "the call is tried again");
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// The answer to a call, as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: &Call) -> ClusterResult<T> {
        let body = self.bytes(call).await?;
        serde_json::from_slice(&body).map_err(|error| not_understood(&call.uri, &error))
    }

    async fn attempt(&self, call: &Call) -> Result<Chunks, Failure> {
        let request =
            call.request().map_err(|error| error::from_client(kube::Error::HttpError(error), &self.server))?;
        let answer = tokio::time::timeout(self.limits.answer_max, self.client.send(request)).await;
        let response = answer
            .map_err(|_| error::too_slow(&self.server, self.limits.answer_max))?
            .map_err(|error| error::from_client(error, &self.server))?;
        self.accepted(response).await
    }

    async fn attempt_whole(&self, call: &Call) -> Result<Bytes, Failure> {
        self.attempt(call).await?.collect(BODY_BYTES_MAX).await
    }

    async fn accepted(&self, response: Response<Body>) -> Result<Chunks, Failure> {
        let (head, body) = response.into_parts();
        let chunks = Chunks { body, server: Arc::clone(&self.server), limits: Arc::clone(&self.limits) };
        if head.status.is_success() {
            return Ok(chunks);
        }
        let body = chunks.collect(ERROR_BYTES_MAX).await?;
        Err(error::from_answer(head.status, &head.headers, &body))
    }
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").field("server", &self.server).field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Chunks {
    /// The next bytes; `None` at the end. Nothing is read from the network between two calls but what the sockets
    /// hold anyway, so a reader that stops stops the server.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let frame = tokio::time::timeout(self.limits.stall_max, self.body.frame()).await;
            let frame = match frame.map_err(|_| error::too_slow(&self.server, self.limits.stall_max))? {
                None => return Ok(None),
                Some(Err(error)) => return Err(error::broken(&self.server, &error::root_cause(&error))),
                Some(Ok(frame)) => frame,
            };
            // What is no data is trailers, which say nothing here.
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
    }

    async fn collect(mut self, bytes_max: usize) -> Result<Bytes, Failure> {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.next().await? {
            if body.len() + chunk.len() > bytes_max {
                let message = format!("an answer of {} is larger than {bytes_max} bytes", self.server);
                return Err(Failure { error: error::bad_response(message), fault: crate::retry::Fault::Final });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

/// An answer of JSON that is not the document that was asked for. The data of objects is not quoted.
fn not_understood(uri: &str, error: &serde_json::Error) -> ClusterError {
    let place = format!("line {} column {}", error.line(), error.column());
    error::bad_response(format!("the answer to {uri} is not understood ({:?} error at {place})", error.classify()))
}
