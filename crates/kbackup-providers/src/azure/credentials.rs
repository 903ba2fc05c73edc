//! Credentials as Azure's users expect them: the key of the account, a shared access signature, an application with a
//! secret, the identity of a pod or a machine, the login of `az`.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

use async_trait::async_trait;
use azure_core::credentials::{Secret, TokenCredential};
use azure_identity::{
    AzureCliCredential, ClientSecretCredential, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId, WorkloadIdentityCredential, WorkloadIdentityCredentialOptions,
};
use object_store::CredentialProvider;
use object_store::azure::{AzureAccessKey, AzureCredential};

use super::options::{AzureOptions, CredentialKind};
use crate::cloud::{CredentialFailure, Source, reasons};

const SCOPE: &str = "https://storage.azure.com/.default";

/// Where credentials come from. Tokens are kept and renewed by Azure's crate.
#[derive(Debug)]
pub(super) enum AzureCredentials {
    Static(Arc<AzureCredential>),
    Token { from: Arc<dyn TokenCredential>, described: &'static str },
}

impl AzureCredentials {
    /// The credentials of this kind.
    pub(super) fn find(
        kind: CredentialKind,
        options: &AzureOptions,
        source: &Source,
    ) -> Result<Self, CredentialFailure> {
        let described = described(kind);
        source.set(described);
        let token = |from: azure_core::Result<Arc<dyn TokenCredential>>| {
            let from = from.map_err(|error| failure(described, &error))?;
            Ok(Self::Token { from, described })
        };
        match kind {
            CredentialKind::SharedKey => shared_key(options),
            CredentialKind::Sas => sas(options),
            CredentialKind::ClientSecret => token(client_secret(options)?),
            CredentialKind::WorkloadIdentity => {
                let options = WorkloadIdentityCredentialOptions {
                    client_id: options.client_id.clone(),
                    tenant_id: options.tenant_id.clone(),
                    ..WorkloadIdentityCredentialOptions::default()
                };
                token(WorkloadIdentityCredential::new(Some(options)).map(|from| from as _))
            }
            CredentialKind::ManagedIdentity => {
                let id = options.client_id.clone().or_else(|| var("AZURE_CLIENT_ID"));
                let options = ManagedIdentityCredentialOptions {
                    user_assigned_id: id.map(UserAssignedId::ClientId),
                    ..ManagedIdentityCredentialOptions::default()
                };
                token(ManagedIdentityCredential::new(Some(options)).map(|from| from as _))
            }
            CredentialKind::Cli | CredentialKind::Anonymous => {
                token(AzureCliCredential::new(None).map(|from| from as _))
            }
        }
    }
}

#[async_trait]
impl CredentialProvider for AzureCredentials {
    type Credential = AzureCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AzureCredential>> {
        match self {
            Self::Static(credential) => Ok(Arc::clone(credential)),
            Self::Token { from, described } => match from.get_token(&[SCOPE], None).await {
                Ok(token) => Ok(Arc::new(AzureCredential::BearerToken(token.token.secret().to_owned()))),
                Err(error) => {
                    Err(object_store::Error::Generic { store: "Azure", source: Box::new(failure(described, &error)) })
                }
            },
        }
    }
}

/// The kind that the options name, or the first for which there is something.
pub(super) fn kind(options: &AzureOptions, var: impl Fn(&str) -> Option<String>) -> CredentialKind {
    let any = |names: &[&str]| names.iter().any(|name| var(name).is_some());
    if let Some(kind) = options.credentials {
        kind
    } else if options.key_file.is_some() {
        CredentialKind::SharedKey
    } else if options.sas_file.is_some() {
        CredentialKind::Sas
    } else if any(&KEY) {
        CredentialKind::SharedKey
    } else if any(&SAS) {
        CredentialKind::Sas
    } else if any(&["AZURE_CLIENT_SECRET"]) {
        CredentialKind::ClientSecret
    } else if any(&["AZURE_FEDERATED_TOKEN_FILE"]) {
        CredentialKind::WorkloadIdentity
    } else if any(&["IDENTITY_ENDPOINT", "KUBERNETES_SERVICE_HOST"]) {
        CredentialKind::ManagedIdentity
    } else {
        CredentialKind::Cli
    }
}

/// A variable of the environment that is not empty.
pub(super) fn var(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

const KEY: [&str; 2] = ["AZURE_STORAGE_KEY", "AZURE_STORAGE_ACCOUNT_KEY"];
const SAS: [&str; 1] = ["AZURE_STORAGE_SAS_TOKEN"];

fn described(kind: CredentialKind) -> &'static str {
    match kind {
        CredentialKind::SharedKey => "the key of the account",
        CredentialKind::Sas => "the shared access signature",
        CredentialKind::ClientSecret => "the application of AZURE_CLIENT_ID",
        CredentialKind::WorkloadIdentity => "the workload identity of this pod",
        CredentialKind::ManagedIdentity => "the managed identity of this machine",
        CredentialKind::Cli => "the login of az",
        CredentialKind::Anonymous => "nobody",
    }
}

fn shared_key(options: &AzureOptions) -> Result<AzureCredentials, CredentialFailure> {
    let key = secret(options.key_file.as_deref(), &KEY, "key-file")?;
    let unfit = |_| CredentialFailure("the key of the account is not Base64; copy it whole".to_owned());
    let key = AzureAccessKey::try_new(&key).map_err(unfit)?;
    Ok(AzureCredentials::Static(Arc::new(AzureCredential::AccessKey(key))))
}

fn sas(options: &AzureOptions) -> Result<AzureCredentials, CredentialFailure> {
    let sas = secret(options.sas_file.as_deref(), &SAS, "sas-file")?;
    let pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(sas.trim_start_matches('?').as_bytes()).into_owned().collect();
    if !pairs.iter().any(|(name, _)| name == "sig") {
        let why = "the shared access signature has no \"sig\"; copy all that stands behind the \"?\"";
        return Err(CredentialFailure(why.to_owned()));
    }
    Ok(AzureCredentials::Static(Arc::new(AzureCredential::SASToken(pairs))))
}

type FromToken = azure_core::Result<Arc<dyn TokenCredential>>;

fn client_secret(options: &AzureOptions) -> Result<FromToken, CredentialFailure> {
    let needed = |given: &Option<String>, name: &str| {
        let missing = || CredentialFailure(format!("an application needs {name}, which is not set"));
        given.clone().or_else(|| var(name)).ok_or_else(missing)
    };
    let tenant = needed(&options.tenant_id, "AZURE_TENANT_ID")?;
    let client = needed(&options.client_id, "AZURE_CLIENT_ID")?;
    let secret = needed(&None, "AZURE_CLIENT_SECRET")?;
    Ok(ClientSecretCredential::new(&tenant, client, Secret::new(secret), None).map(|from| from as _))
}

/// A secret of a file, or of the environment.
fn secret(file: Option<&Path>, vars: &[&str], option: &str) -> Result<String, CredentialFailure> {
    match file {
        Some(path) => fs::read_to_string(path)
            .map(|text| text.trim().to_owned())
            .map_err(|error| CredentialFailure(format!("the {option} {} cannot be read: {error}", path.display()))),
        None => vars.iter().find_map(|name| var(name)).ok_or_else(|| {
            CredentialFailure(format!("there is no secret; set {}, or add {option}=FILE", vars.join(" or ")))
        }),
    }
}

fn failure(of: &str, error: &(dyn Error + 'static)) -> CredentialFailure {
    let next = "run az login, set AZURE_STORAGE_KEY, or add credentials=KIND: docs/providers/azure.md lists the kinds";
    CredentialFailure(format!("{of} gives no token ({}); {next}", reasons(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_kind_for_which_there_is_something_is_used() {
        use CredentialKind::*;
        for (query, vars, expect) in [
            ("", &[][..], Cli),
            ("", &["AZURE_STORAGE_KEY", "AZURE_CLIENT_SECRET"], SharedKey),
            ("", &["AZURE_STORAGE_ACCOUNT_KEY"], SharedKey),
            ("", &["AZURE_STORAGE_SAS_TOKEN"], Sas),
            ("", &["AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE"], ClientSecret),
            ("", &["AZURE_FEDERATED_TOKEN_FILE", "KUBERNETES_SERVICE_HOST"], WorkloadIdentity),
            ("", &["KUBERNETES_SERVICE_HOST"], ManagedIdentity),
            ("sas-file=/x", &["AZURE_STORAGE_KEY"], Sas),
            ("credentials=cli&key-file=/x", &["AZURE_STORAGE_KEY"], Cli),
        ] {
            let options: AzureOptions = query.parse().expect(query);
            let var = |name: &str| vars.contains(&name).then(|| "set".to_owned());
            assert_eq!(kind(&options, var), expect, "{query} {vars:?}");
        }
    }
}
