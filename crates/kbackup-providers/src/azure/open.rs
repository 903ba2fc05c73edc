//! From the options to a container.

use std::fs;
use std::sync::Arc;

use async_trait::async_trait;
use kbackup_core::limits::Limits;
use kbackup_core::model::Lock;
use kbackup_core::store::{Capabilities, StoreError, StoreErrorKind, StoreResult};
use object_store::azure::{AzureCredential, MicrosoftAzureBuilder};
use object_store::{CredentialProvider, RetryConfig};
use tokio::sync::OnceCell;

use super::credentials::{AzureCredentials, kind, var};
use super::lock::{self, AccountKey};
use super::options::{AzureOptions, CredentialKind};
use crate::cloud::{Attempt, Backend, CloudStore, Opener, OptionError, Parts, Place, Source, Transport, one_line};

/// The container that `place` names. Nothing is asked of it yet.
pub(crate) fn open(place: Place, limits: &Limits) -> Result<CloudStore, OptionError> {
    let options: AzureOptions = place.query.parse()?;
    let account = options
        .account
        .clone()
        .or_else(|| ["AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_ACCOUNT_NAME"].into_iter().find_map(var));
    let account = account.ok_or_else(|| {
        OptionError::new("it names no storage account", "add account=NAME, or set AZURE_STORAGE_ACCOUNT")
    })?;
    let source = Source::default();
    let part_bytes = options.transport.part_size.0 as usize;
    let opener = Azure {
        transport: Transport::new(&options.transport, limits)?,
        encryption_key: encryption_key(&options)?.map(Hidden),
        container: place.bucket,
        account,
        url: place.url.clone(),
        source: source.clone(),
        options,
    };
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

/// A container whose credentials are not known yet.
#[derive(Debug)]
struct Azure {
    container: String,
    account: String,
    url: String,
    options: AzureOptions,
    transport: Transport,
    encryption_key: Option<Hidden>,
    source: Source,
}

/// A text that is never shown.
struct Hidden(String);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hidden")
    }
}

#[async_trait]
impl Opener for Azure {
    async fn open(&self) -> StoreResult<Backend> {
        self.build(&self.transport, self.credentials()?)
    }

    async fn locked(&self, lock: Lock) -> StoreResult<Backend> {
        let credentials = self.credentials()?;
        let attempt = Attempt { verb: "lock", object: "", store: &self.url, source: &self.source };
        let credential = match &credentials {
            Some(credentials) => Some(credentials.get_credential().await.map_err(|error| attempt.failed(&error))?),
            None => None,
        };
        lock::check(&self.container_url(), &self.account, credential.as_deref(), &self.transport, &attempt).await?;
        let mut transport = self.transport.clone().with_headers_of_writes(lock::headers(lock));
        if let Some(credential) = credential.filter(|it| matches!(**it, AzureCredential::AccessKey(_))) {
            transport = transport.signed_again(Arc::new(AccountKey { account: self.account.clone(), credential }));
        }
        self.build(&transport, credentials)
    }
}

impl Azure {
    fn unfit(&self, kind: StoreErrorKind, why: &str) -> StoreError {
        StoreError::new(kind, format!("cannot open {}: {why}", self.url))
    }

    /// `None` where nobody is to be told who asks.
    fn credentials(&self) -> StoreResult<Option<Arc<AzureCredentials>>> {
        let kind = kind(&self.options, var);
        if kind == CredentialKind::Anonymous {
            return Ok(None);
        }
        match AzureCredentials::find(kind, &self.options, &self.source) {
            Ok(found) => Ok(Some(Arc::new(found))),
            Err(error) => Err(self.unfit(StoreErrorKind::Unauthenticated, &error.to_string())),
        }
    }

    fn container_url(&self) -> String {
        let endpoint = match &self.options.transport.endpoint {
            Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
            None => format!("https://{}.blob.core.windows.net", self.account),
        };
        format!("{endpoint}/{}", self.container)
    }

    fn build(&self, transport: &Transport, credentials: Option<Arc<AzureCredentials>>) -> StoreResult<Backend> {
        let mut builder = MicrosoftAzureBuilder::new()
            .with_account(&self.account)
            .with_container_name(&self.container)
            .with_skip_signature(credentials.is_none())
            // Tried again is what RetryStore finds worth it, and only there.
            .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
            .with_http_connector(transport.connector());
        if let Some(endpoint) = &self.options.transport.endpoint {
            builder = builder.with_endpoint(endpoint.clone());
        }
        if let Some(Hidden(key)) = &self.encryption_key {
            builder = builder.with_encryption_key(key);
        }
        if let Some(credentials) = credentials {
            builder = builder.with_credentials(credentials);
        }
        let built = builder.build();
        let main = built.map_err(|error| self.unfit(StoreErrorKind::Invalid, &one_line(&error.to_string())))?;
        Ok(Backend::plain(Arc::new(main), None))
    }
}

fn encryption_key(options: &AzureOptions) -> Result<Option<String>, OptionError> {
    let Some(path) = &options.encryption_key_file else { return Ok(None) };
    let unfit = |error: std::io::Error| {
        OptionError::new(
            format!("the encryption-key-file {} cannot be read: {error}", path.display()),
            "name a file with 32 bytes in Base64",
        )
    };
    Ok(Some(fs::read_to_string(path).map_err(unfit)?.trim().to_owned()))
}
