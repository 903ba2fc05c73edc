//! From the options to a bucket.

use std::fs;
use std::sync::Arc;

use async_trait::async_trait;
use http::header::{HeaderMap, HeaderValue, IF_NONE_MATCH};
use kbackup_core::limits::Limits;
use kbackup_core::model::Lock;
use kbackup_core::store::{Capabilities, StoreError, StoreErrorKind, StoreResult};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::{ClientOptions, RetryConfig};
use tokio::sync::OnceCell;

use super::credentials::{AwsCredentials, region};
use super::lock;
use super::options::{Checksum, Encryption, S3Options};
use crate::cloud::{
    Attempt, Backend, CloudStore, Native, Opener, OptionError, Parts, Place, Source, Transport, one_line,
};

/// The bucket that `place` names. Nothing is asked of it yet.
pub(crate) fn open(place: Place, limits: &Limits) -> Result<CloudStore, OptionError> {
    let options: S3Options = place.query.parse()?;
    let source = Source::default();
    let mut capabilities = Capabilities::default();
    capabilities.conditional_create = options.conditional_create;
    let part_bytes = options.transport.part_size.0 as usize;
    let opener = S3 {
        transport: Transport::new(&options.transport, limits)?,
        customer_key: customer_key(&options)?,
        bucket: place.bucket,
        url: place.url.clone(),
        source: source.clone(),
        options,
    };
    Ok(CloudStore::new(Parts {
        url: place.url,
        prefix: place.prefix,
        part_bytes,
        capabilities,
        source,
        opener: Arc::new(opener),
        backend: OnceCell::new(),
        locked: false,
    }))
}

/// A bucket whose region and credentials are not known yet.
#[derive(Debug)]
struct S3 {
    bucket: String,
    url: String,
    options: S3Options,
    transport: Transport,
    customer_key: Option<CustomerKey>,
    source: Source,
}

/// A key that is never shown.
#[derive(Clone)]
struct CustomerKey(String);

impl std::fmt::Debug for CustomerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CustomerKey")
    }
}

#[async_trait]
impl Opener for S3 {
    async fn open(&self) -> StoreResult<Backend> {
        let builder = self.ready().await?;
        let main: Arc<dyn Native> = self.build(builder.clone(), HeaderMap::new())?;
        Ok(Backend::plain(main, self.creator(builder)?))
    }

    async fn locked(&self, lock: Lock) -> StoreResult<Backend> {
        // A store takes an object that is to be locked only with a checksum of its content.
        let (checksum, named) = match self.options.checksum {
            Checksum::Crc64Nvme => (object_store::aws::Checksum::CRC64NVME, "CRC64NVME"),
            Checksum::Sha256 | Checksum::None => (object_store::aws::Checksum::SHA256, "SHA256"),
        };
        let builder = self.ready().await?.with_checksum_algorithm(checksum);
        let main = self.build(builder.clone(), HeaderMap::new())?;
        let attempt = Attempt { verb: "lock", object: "", store: &self.url, source: &self.source };
        lock::check(&main, &self.transport, &attempt).await?;
        let beginner = self.build(builder.clone(), lock::headers(lock))?;
        let writer = self.build(builder.clone(), lock::headers_with_checksum(lock, named))?;
        Ok(Backend { main, writer, beginner, creator: self.creator(builder)? })
    }
}

impl S3 {
    fn unfit(&self, why: &str) -> StoreError {
        StoreError::new(StoreErrorKind::Invalid, format!("cannot open {}: {why}", self.url))
    }

    /// What is known of the bucket, with its region and credentials.
    async fn ready(&self) -> StoreResult<AmazonS3Builder> {
        let Some(region) = region(&self.options).await else {
            return Err(self.unfit("its region is not known; add region=…, or set AWS_REGION"));
        };
        let builder = self.builder(&region)?;
        if self.options.anonymous {
            return Ok(builder);
        }
        let credentials = AwsCredentials::find(&self.options, &region, &self.source).await;
        Ok(builder.with_credentials(Arc::new(credentials)))
    }

    /// The bucket, with these headers in every request.
    fn build(&self, builder: AmazonS3Builder, headers: HeaderMap) -> StoreResult<Arc<AmazonS3>> {
        let built = builder.with_client_options(ClientOptions::new().with_default_headers(headers)).build();
        built.map(Arc::new).map_err(|error| self.unfit(&one_line(&error.to_string())))
    }

    /// The bucket, for completing uploads that must be the first at their keys.
    fn creator(&self, builder: AmazonS3Builder) -> StoreResult<Option<Arc<dyn Native>>> {
        if !self.options.conditional_create {
            return Ok(None);
        }
        let only_first = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static("*"))]);
        Ok(Some(self.build(builder, only_first)?))
    }

    fn builder(&self, region: &str) -> StoreResult<AmazonS3Builder> {
        let options = &self.options;
        let in_path = self.in_path();
        let conditional =
            if options.conditional_create { S3ConditionalPut::ETagMatch } else { S3ConditionalPut::Disabled };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&self.bucket)
            .with_region(region)
            .with_virtual_hosted_style_request(!in_path)
            .with_conditional_put(conditional)
            .with_disable_bulk_delete(!options.bulk_delete)
            .with_request_payer(options.request_payer)
            .with_skip_signature(options.anonymous)
            // Tried again is what RetryStore finds worth it, and only there.
            .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
            .with_http_connector(self.transport.connector());
        if let Some(endpoint) = &options.transport.endpoint {
            let endpoint = if in_path { endpoint.clone() } else { in_host(endpoint, &self.bucket) };
            builder = builder.with_endpoint(endpoint);
        }
        match options.checksum {
            Checksum::None => {}
            Checksum::Sha256 => builder = builder.with_checksum_algorithm(object_store::aws::Checksum::SHA256),
            Checksum::Crc64Nvme => builder = builder.with_checksum_algorithm(object_store::aws::Checksum::CRC64NVME),
        }
        self.encrypted(builder)
    }

    fn encrypted(&self, builder: AmazonS3Builder) -> StoreResult<AmazonS3Builder> {
        let set = |builder: AmazonS3Builder, name: &str, value: &str| -> StoreResult<AmazonS3Builder> {
            let key: AmazonS3ConfigKey = name.parse().map_err(|_| self.unfit("it can't be encrypted like that"))?;
            Ok(builder.with_config(key, value))
        };
        match &self.options.encryption {
            None => Ok(builder),
            Some(Encryption::Store) => set(builder, "aws_server_side_encryption", "AES256"),
            Some(Encryption::Kms { key, twice, bucket_key }) => {
                let kind = if *twice { "aws:kms:dsse" } else { "aws:kms" };
                let mut builder = set(builder, "aws_server_side_encryption", kind)?;
                if let Some(key) = key {
                    builder = set(builder, "aws_sse_kms_key_id", key)?;
                }
                Ok(bucket_key.iter().fold(builder, |builder, enabled| builder.with_bucket_key(*enabled)))
            }
            Some(Encryption::Customer(_)) => {
                Ok(self.customer_key.iter().fold(builder, |builder, key| builder.with_ssec_encryption(&key.0)))
            }
        }
    }

    /// Whether the bucket stands in the path. In the name of a host, no certificate covers one with a dot.
    fn in_path(&self) -> bool {
        let default = self.options.transport.endpoint.is_some() || self.bucket.contains('.');
        self.options.path_style.unwrap_or(default)
    }
}

/// The endpoint with the bucket in front of the name of its host.
fn in_host(endpoint: &str, bucket: &str) -> String {
    endpoint.replacen("://", &format!("://{bucket}."), 1)
}

fn customer_key(options: &S3Options) -> Result<Option<CustomerKey>, OptionError> {
    let Some(Encryption::Customer(path)) = &options.encryption else { return Ok(None) };
    let unfit = |error: std::io::Error| {
        OptionError::new(
            format!("the sse-customer-key-file {} cannot be read: {error}", path.display()),
            "name a file with 32 bytes in Base64",
        )
    };
    let key = fs::read_to_string(path).map_err(unfit)?;
    Ok(Some(CustomerKey(key.trim().to_owned())))
}
