//! The options of `az://`.

use std::path::PathBuf;
use std::str::FromStr;

use kbackup_core::model::nearest;

use crate::cloud::{OptionError, Pairs, TransportOptions};

/// The options of an `az://` URL, as they stand behind its `?`.
///
/// ```
/// use kbackup_providers::azure::{AzureOptions, CredentialKind};
///
/// let options: AzureOptions = "account=backups&credentials=managed-identity".parse()?;
/// assert_eq!(options.credentials, Some(CredentialKind::ManagedIdentity));
/// let error = "account=backups&credentials=manged-identity".parse::<AzureOptions>().unwrap_err();
/// assert!(error.next_step().contains("managed-identity"));
/// # Ok::<(), kbackup_providers::OptionError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct AzureOptions {
    /// `account`: the storage account. Without it, `AZURE_STORAGE_ACCOUNT`.
    pub account: Option<String>,
    /// `credentials`: which kind is used. Without it, the first for which there is something in the options and the
    /// environment.
    pub credentials: Option<CredentialKind>,
    /// `key-file`: a file with the key of the account.
    pub key_file: Option<PathBuf>,
    /// `sas-file`: a file with a shared access signature.
    pub sas_file: Option<PathBuf>,
    /// `client-id`: the identity, where there are several. Without it, `AZURE_CLIENT_ID`.
    pub client_id: Option<String>,
    /// `tenant-id`: its directory. Without it, `AZURE_TENANT_ID`.
    pub tenant_id: Option<String>,
    /// `encryption-key-file`: a key that the store does not keep, 32 bytes in Base64, which it encrypts with what is
    /// written.
    pub encryption_key_file: Option<PathBuf>,
    /// What every kind of cloud takes.
    pub transport: TransportOptions,
}

/// A kind of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialKind {
    /// `shared-key`: the key of the account, of `key-file` or `AZURE_STORAGE_KEY`.
    SharedKey,
    /// `sas`: a shared access signature, of `sas-file` or `AZURE_STORAGE_SAS_TOKEN`.
    Sas,
    /// `client-secret`: an application, of `AZURE_CLIENT_ID`, `AZURE_TENANT_ID` and `AZURE_CLIENT_SECRET`.
    ClientSecret,
    /// `workload-identity`: the service account of this pod, of `AZURE_FEDERATED_TOKEN_FILE`.
    WorkloadIdentity,
    /// `managed-identity`: the identity of this machine.
    ManagedIdentity,
    /// `cli`: the login of `az`.
    Cli,
    /// `anonymous`: none, for a public container.
    Anonymous,
}

const KINDS: [(&str, CredentialKind); 7] = [
    ("shared-key", CredentialKind::SharedKey),
    ("sas", CredentialKind::Sas),
    ("client-secret", CredentialKind::ClientSecret),
    ("workload-identity", CredentialKind::WorkloadIdentity),
    ("managed-identity", CredentialKind::ManagedIdentity),
    ("cli", CredentialKind::Cli),
    ("anonymous", CredentialKind::Anonymous),
];

impl FromStr for AzureOptions {
    type Err = OptionError;

    fn from_str(query: &str) -> Result<Self, Self::Err> {
        let mut pairs = Pairs::parse(query)?;
        let options = Self {
            account: pairs.text("account")?,
            credentials: pairs.text("credentials")?.map(|kind| kind.parse()).transpose()?,
            key_file: pairs.text("key-file")?.map(PathBuf::from),
            sas_file: pairs.text("sas-file")?.map(PathBuf::from),
            client_id: pairs.text("client-id")?,
            tenant_id: pairs.text("tenant-id")?,
            encryption_key_file: pairs.text("encryption-key-file")?.map(PathBuf::from),
            transport: TransportOptions::take(&mut pairs)?,
        };
        pairs.finish()?;
        if options.key_file.is_some() && options.sas_file.is_some() {
            return Err(OptionError::new(
                "the options key-file and sas-file contradict each other",
                "give one of them",
            ));
        }
        Ok(options)
    }
}

impl FromStr for CredentialKind {
    type Err = OptionError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let names = KINDS.map(|(name, _)| name);
        KINDS.into_iter().find(|(known, _)| *known == name).map(|(_, kind)| kind).ok_or_else(|| {
            let next = match &nearest(name, names)[..] {
                [] => format!("give one of {}", names.join(", ")),
                near => format!("did you mean {}?", near.join(" or ")),
            };
            OptionError::new(format!("there are no credentials \"{name}\""), next)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_checked() {
        let read: AzureOptions =
            "account=a&credentials=sas&sas-file=/sas&client-id=c&tenant-id=t".parse().expect("valid");
        assert_eq!((read.account.as_deref(), read.credentials), (Some("a"), Some(CredentialKind::Sas)));
        for (name, kind) in KINDS {
            assert_eq!(name.parse::<CredentialKind>().expect(name), kind);
        }
        for (query, part) in [
            ("acount=x", "did you mean account?"),
            ("credentials=magic", "give one of shared-key"),
            ("credentials=workload-identiy", "did you mean workload-identity?"),
            ("key-file=/a&sas-file=/b", "contradict"),
            ("account-key=hunter2", "a secret into a URL"),
        ] {
            let error = query.parse::<AzureOptions>().expect_err(query).to_string();
            assert!(error.contains(part) && !error.contains("hunter2"), "{query}: {error}");
        }
    }
}
