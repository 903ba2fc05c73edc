//! Credentials as Google's tools find them: `GOOGLE_APPLICATION_CREDENTIALS`, the login of `gcloud`, the metadata server of a
//! machine or a workload identity; keys of service accounts, federated identities and impersonation.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use google_cloud_auth::credentials::service_account::AccessSpecifier;
use google_cloud_auth::credentials::{
    AccessTokenCredentials, Builder, Credentials, external_account, impersonated, service_account, user_account,
};
use object_store::CredentialProvider;
use object_store::gcp::GcpCredential;
use serde_json::Value;

use super::options::GcsOptions;
use crate::cloud::{CredentialFailure, Source, reasons};

const SCOPE: &str = "https://www.googleapis.com/auth/devstorage.read_write";
/// What an identity that acts as another one needs.
const SCOPE_OF_ALL: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Where tokens come from. They are kept and renewed by Google's crate.
#[derive(Debug)]
pub(super) struct GoogleCredentials {
    tokens: AccessTokenCredentials,
    described: String,
}

impl GoogleCredentials {
    /// The credentials that the options name, or those that Google's tools would use here.
    pub(super) fn find(options: &GcsOptions, source: &Source) -> Result<Self, CredentialFailure> {
        let (tokens, described) = match (&options.credentials_file, &options.impersonate) {
            (Some(file), None) => (of_file(file)?, format!("the file {}", file.display())),
            (None, None) => {
                let tokens = Builder::default().with_scopes([SCOPE]).build_access_token_credentials();
                (tokens.map_err(|error| failure(DEFAULTS, &error))?, DEFAULTS.to_owned())
            }
            (file, Some(account)) => {
                let (own, of) = match file {
                    Some(file) => (credentials_of_file(file)?, format!("the file {}", file.display())),
                    None => {
                        let own = Builder::default().with_scopes([SCOPE_OF_ALL]).build();
                        (own.map_err(|error| failure(DEFAULTS, &error))?, DEFAULTS.to_owned())
                    }
                };
                let described = format!("{account}, impersonated by {of}");
                let acting = impersonated::Builder::from_source_credentials(own).with_target_principal(account);
                let tokens = acting.with_scopes([SCOPE]).build_access_token_credentials();
                (tokens.map_err(|error| failure(&described, &error))?, described)
            }
        };
        source.set(described.as_str());
        Ok(Self { tokens, described })
    }
}

const DEFAULTS: &str = "the application default credentials";

#[async_trait]
impl CredentialProvider for GoogleCredentials {
    type Credential = GcpCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<GcpCredential>> {
        match self.tokens.access_token().await {
            Ok(token) => Ok(Arc::new(GcpCredential { bearer: token.token })),
            Err(error) => {
                Err(object_store::Error::Generic { store: "GCS", source: Box::new(failure(&self.described, &error)) })
            }
        }
    }
}

fn of_file(path: &Path) -> Result<AccessTokenCredentials, CredentialFailure> {
    let json = read(path)?;
    let tokens = match kind(path, &json)?.as_str() {
        "service_account" => {
            let access = AccessSpecifier::from_scopes([SCOPE]);
            service_account::Builder::new(json).with_access_specifier(access).build_access_token_credentials()
        }
        "authorized_user" => user_account::Builder::new(json).with_scopes([SCOPE]).build_access_token_credentials(),
        "external_account" => {
            external_account::Builder::new(json).with_scopes([SCOPE]).build_access_token_credentials()
        }
        _ => impersonated::Builder::new(json).with_scopes([SCOPE]).build_access_token_credentials(),
    };
    tokens.map_err(|error| failure(&format!("the file {}", path.display()), &error))
}

fn credentials_of_file(path: &Path) -> Result<Credentials, CredentialFailure> {
    let json = read(path)?;
    let credentials = match kind(path, &json)?.as_str() {
        "service_account" => {
            let access = AccessSpecifier::from_scopes([SCOPE_OF_ALL]);
            service_account::Builder::new(json).with_access_specifier(access).build()
        }
        "authorized_user" => user_account::Builder::new(json).with_scopes([SCOPE_OF_ALL]).build(),
        "external_account" => external_account::Builder::new(json).with_scopes([SCOPE_OF_ALL]).build(),
        _ => impersonated::Builder::new(json).with_scopes([SCOPE_OF_ALL]).build(),
    };
    credentials.map_err(|error| failure(&format!("the file {}", path.display()), &error))
}

fn read(path: &Path) -> Result<Value, CredentialFailure> {
    let unfit = |why: &str| CredentialFailure(format!("the credentials-file {} {why}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| unfit(&format!("cannot be read: {error}")))?;
    // What serde says of a file names no value of it, only a place.
    serde_json::from_str(&text).map_err(|error| unfit(&format!("is not JSON: {error}")))
}

fn kind(path: &Path, json: &Value) -> Result<String, CredentialFailure> {
    const KINDS: [&str; 4] = ["service_account", "authorized_user", "external_account", "impersonated_service_account"];
    match json.get("type").and_then(Value::as_str) {
        Some(kind) if KINDS.contains(&kind) => Ok(kind.to_owned()),
        _ => Err(CredentialFailure(format!(
            "the credentials-file {} is none of Google's: its type is none of {}",
            path.display(),
            KINDS.join(", ")
        ))),
    }
}

fn failure(of: &str, error: &(dyn Error + 'static)) -> CredentialFailure {
    let next =
        "run gcloud auth application-default login, set GOOGLE_APPLICATION_CREDENTIALS, or add credentials-file=FILE";
    CredentialFailure(format!("{of} give no token ({}); {next}", reasons(error)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn files_that_are_none_are_explained() {
        for (content, part) in
            [("{", "is not JSON"), ("{\"type\":\"x\"}", "none of Google's"), ("[]", "none of Google's")]
        {
            let mut file = tempfile::NamedTempFile::new().expect("a file");
            file.write_all(content.as_bytes()).expect("a write");
            let error = of_file(file.path()).expect_err(content).to_string();
            assert!(error.contains(part), "{error}");
        }
        let error = of_file(Path::new("/missing.json")).expect_err("no file").to_string();
        assert!(error.contains("/missing.json cannot be read"), "{error}");
    }
}
