//! From the options to a bucket.

use std::sync::Arc;

use async_trait::async_trait;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use kbackup_core::limits::Limits;
use kbackup_core::model::Lock;
use kbackup_core::store::{Capabilities, StoreError, StoreErrorKind, StoreResult};
use object_store::CredentialProvider;
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder};
use object_store::{RetryConfig, StaticCredentialProvider};
use tokio::sync::OnceCell;

use super::credentials::GoogleCredentials;
use super::lock;
use super::options::GcsOptions;
use crate::cloud::{Attempt, Backend, CloudStore, Opener, OptionError, Parts, Place, Source, Transport, one_line};

/// Where Google's own buckets are.
const ENDPOINT: &str = "https://storage.googleapis.com";
const KMS_KEY: HeaderName = HeaderName::from_static("x-goog-encryption-kms-key-name");

/// The bucket that `place` names. Nothing is asked of it yet.
pub(crate) fn open(place: Place, limits: &Limits) -> Result<CloudStore, OptionError> {
    let options: GcsOptions = place.query.parse()?;
    let source = Source::default();
    let part_bytes = options.transport.part_size.0 as usize;
    let transport = Transport::new(&options.transport, limits)?.with_headers_of_writes(headers(&options)?);
    let opener = Gcs { bucket: place.bucket, url: place.url.clone(), transport, source: source.clone(), options };
    Ok(CloudStore::new(Parts {
        url: place.url,
        prefix: place.prefix,
        part_bytes,
        capabilities: Capabilities::default(),
        source,
        opener: Arc::new(opener),
        backend: OnceCell::new(),
        locked: false,
    }))
}

type GcpCredentialProvider = Arc<dyn CredentialProvider<Credential = GcpCredential>>;

/// A bucket whose credentials are not known yet.
#[derive(Debug)]
struct Gcs {
    bucket: String,
    url: String,
    options: GcsOptions,
    transport: Transport,
    source: Source,
}

#[async_trait]
impl Opener for Gcs {
    async fn open(&self) -> StoreResult<Backend> {
        self.build(&self.transport, &self.credentials()?)
    }

    async fn locked(&self, lock: Lock) -> StoreResult<Backend> {
        let credentials = self.credentials()?;
        let attempt = Attempt { verb: "lock", object: "", store: &self.url, source: &self.source };
        let credential = match self.options.anonymous {
            true => None,
            false => Some(credentials.get_credential().await.map_err(|error| attempt.failed(&error))?),
        };
        let endpoint = self.options.transport.endpoint.as_deref().unwrap_or(ENDPOINT);
        lock::check((endpoint, &self.bucket), credential.as_deref(), &self.transport, &attempt).await?;
        let transport = self.transport.clone().with_headers_of_writes(lock::headers(lock)).asking_for_retention();
        self.build(&transport, &credentials)
    }
}

impl Gcs {
    fn unfit(&self, kind: StoreErrorKind, why: &str) -> StoreError {
        StoreError::new(kind, format!("cannot open {}: {why}", self.url))
    }

    fn credentials(&self) -> StoreResult<GcpCredentialProvider> {
        if self.options.anonymous {
            // Without any, it would look for some, and fail where there are none.
            return Ok(Arc::new(StaticCredentialProvider::new(GcpCredential { bearer: String::new() })));
        }
        match GoogleCredentials::find(&self.options, &self.source) {
            Ok(found) => Ok(Arc::new(found)),
            Err(error) => Err(self.unfit(StoreErrorKind::Unauthenticated, &error.to_string())),
        }
    }

    fn build(&self, transport: &Transport, credentials: &GcpCredentialProvider) -> StoreResult<Backend> {
        let mut builder = GoogleCloudStorageBuilder::new()
            .with_bucket_name(&self.bucket)
            .with_skip_signature(self.options.anonymous)
            .with_credentials(Arc::clone(credentials))
            // Tried again is what RetryStore finds worth it, and only there.
            .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
            .with_http_connector(transport.connector());
        if let Some(endpoint) = &self.options.transport.endpoint {
            builder = builder.with_base_url(endpoint);
        }
        let built = builder.build();
        let main = built.map_err(|error| self.unfit(StoreErrorKind::Invalid, &one_line(&error.to_string())))?;
        Ok(Backend::plain(Arc::new(main), None))
    }
}

fn headers(options: &GcsOptions) -> Result<HeaderMap, OptionError> {
    let Some(key) = &options.kms_key else { return Ok(HeaderMap::new()) };
    let unfit = |_| OptionError::new("the option kms-key is no name of a key", "write projects/…/cryptoKeys/…");
    Ok(HeaderMap::from_iter([(KMS_KEY, HeaderValue::from_str(key).map_err(unfit)?)]))
}
