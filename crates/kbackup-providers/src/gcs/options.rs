//! The options of `gs://`.

use std::path::PathBuf;
use std::str::FromStr;

use crate::cloud::{OptionError, Pairs, TransportOptions};

/// The options of a `gs://` URL, as they stand behind its `?`.
///
/// ```
/// use kbackup_providers::gcs::GcsOptions;
///
/// let options: GcsOptions = "impersonate=backup@project.iam.gserviceaccount.com".parse()?;
/// assert!(options.impersonate.is_some());
/// let error = "credential-file=/key.json".parse::<GcsOptions>().unwrap_err();
/// assert_eq!(error.next_step(), "did you mean credentials-file?");
/// # Ok::<(), kbackup_providers::OptionError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct GcsOptions {
    /// `credentials-file`: a JSON file of Google's: the key of a service account, a user's login, or a workload identity
    /// federation. Without it, the application default credentials.
    pub credentials_file: Option<PathBuf>,
    /// `impersonate`: the service account that the credentials are allowed to act as.
    pub impersonate: Option<String>,
    /// `anonymous`: whether requests go without credentials, to a public bucket.
    pub anonymous: bool,
    /// `kms-key`: the key (`projects/…/cryptoKeys/…`) that Google encrypts with what is written.
    pub kms_key: Option<String>,
    /// What every kind of cloud takes.
    pub transport: TransportOptions,
}

impl FromStr for GcsOptions {
    type Err = OptionError;

    fn from_str(query: &str) -> Result<Self, Self::Err> {
        let mut pairs = Pairs::parse(query)?;
        let options = Self {
            credentials_file: pairs.text("credentials-file")?.map(PathBuf::from),
            impersonate: pairs.text("impersonate")?,
            anonymous: pairs.flag("anonymous")?.unwrap_or_default(),
            kms_key: pairs.text("kms-key")?,
            transport: TransportOptions::take(&mut pairs)?,
        };
        pairs.finish()?;
        if options.anonymous && (options.impersonate.is_some() || options.credentials_file.is_some()) {
            return Err(OptionError::new("the option anonymous contradicts credentials", "leave one of them out"));
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_checked() {
        let read: GcsOptions =
            "credentials-file=/key.json&kms-key=projects/p/k&endpoint=http://localhost:1".parse().expect("valid");
        assert_eq!(read.credentials_file, Some("/key.json".into()));
        assert_eq!(read.kms_key.as_deref(), Some("projects/p/k"));
        for (query, part) in [
            ("impersonat=x", "did you mean impersonate?"),
            ("region=x", "no option \"region\""),
            ("anonymous=true&impersonate=x", "contradicts"),
        ] {
            let error = query.parse::<GcsOptions>().expect_err(query).to_string();
            assert!(error.contains(part), "{query}: {error}");
        }
    }
}
