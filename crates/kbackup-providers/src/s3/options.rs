//! The options of `s3://`.

use std::path::PathBuf;
use std::str::FromStr;

use crate::cloud::{OptionError, Pairs, TransportOptions};

/// The options of an `s3://` URL, as they stand behind its `?`.
///
/// ```
/// use kbackup_providers::s3::S3Options;
///
/// let options: S3Options = "region=eu-west-1&profile=backup".parse()?;
/// assert_eq!(options.region.as_deref(), Some("eu-west-1"));
/// let error = "regoin=eu-west-1".parse::<S3Options>().unwrap_err();
/// assert_eq!(error.to_string(), "there is no option \"regoin\"; did you mean region?");
/// # Ok::<(), kbackup_providers::OptionError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct S3Options {
    /// `region`: where the bucket is. Without it, that of the environment or the profile; with an endpoint `us-east-1`.
    pub region: Option<String>,
    /// `profile`: whose credentials of `~/.aws` are used. Without it, the credentials that the AWS tools would use.
    pub profile: Option<String>,
    /// `credentials-file`: where the profile is looked for, instead of `~/.aws/credentials`.
    pub credentials_file: Option<PathBuf>,
    /// `anonymous`: whether requests go without credentials, to a public bucket.
    pub anonymous: bool,
    /// `path-style`: whether the bucket stands in the path rather than in the name of the host. Without it, as the store
    /// needs it: in the path behind an `endpoint` of your own, and for buckets with a dot in their names.
    pub path_style: Option<bool>,
    /// `sse` and what belongs to it: how the store encrypts what is written. Without it, as the bucket says.
    pub encryption: Option<Encryption>,
    /// `checksum`: what is sent along with every piece, for the store to check.
    pub checksum: Checksum,
    /// `conditional-create`: whether the store decides which of several writers is first. Amazon, MinIO, R2 and Ceph
    /// (from Squid on) do.
    pub conditional_create: bool,
    /// `bulk-delete`: whether the store deletes many objects by one request.
    pub bulk_delete: bool,
    /// `request-payer`: whether requests are paid for by whoever asks.
    pub request_payer: bool,
    /// What every kind of cloud takes.
    pub transport: TransportOptions,
}

/// How an S3 store encrypts what is written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encryption {
    /// `sse=AES256`: with keys of the store.
    Store,
    /// `sse=aws:kms`: with a key of its key management, the bucket's own or `sse-kms-key-id`.
    Kms {
        /// `sse-kms-key-id`.
        key: Option<String>,
        /// `sse=aws:kms:dsse`: twice.
        twice: bool,
        /// `sse-bucket-key`: with fewer requests to the key management.
        bucket_key: Option<bool>,
    },
    /// `sse=sse-c`: with a key that the store does not keep: 32 bytes in Base64, in the file `sse-customer-key-file`.
    Customer(PathBuf),
}

/// The checksum that is sent along with every piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checksum {
    /// `none`: the signature covers the content already. Every S3 store understands it.
    #[default]
    None,
    /// `sha256`: needed where objects are locked.
    Sha256,
    /// `crc64nvme`.
    Crc64Nvme,
}

impl FromStr for S3Options {
    type Err = OptionError;

    fn from_str(query: &str) -> Result<Self, Self::Err> {
        let mut pairs = Pairs::parse(query)?;
        let options = Self {
            region: pairs.text("region")?,
            profile: pairs.text("profile")?,
            credentials_file: pairs.text("credentials-file")?.map(PathBuf::from),
            anonymous: pairs.flag("anonymous")?.unwrap_or_default(),
            path_style: pairs.flag("path-style")?,
            encryption: encryption(&mut pairs)?,
            checksum: pairs.take("checksum", "none, sha256 or crc64nvme")?.unwrap_or_default(),
            conditional_create: pairs.flag("conditional-create")?.unwrap_or(true),
            bulk_delete: pairs.flag("bulk-delete")?.unwrap_or(true),
            request_payer: pairs.flag("request-payer")?.unwrap_or_default(),
            transport: TransportOptions::take(&mut pairs)?,
        };
        pairs.finish()?;
        match options {
            Self { anonymous: true, profile: Some(_), .. } => {
                Err(OptionError::new("the options anonymous and profile contradict each other", "give one of them"))
            }
            options => Ok(options),
        }
    }
}

fn encryption(pairs: &mut Pairs) -> Result<Option<Encryption>, OptionError> {
    let kind = pairs.text("sse")?;
    let key = pairs.text("sse-kms-key-id")?;
    let bucket_key = pairs.flag("sse-bucket-key")?;
    let customer = pairs.text("sse-customer-key-file")?.map(PathBuf::from);
    let stray = |what: &str, needs: &str| {
        Err(OptionError::new(
            format!("the option {what} needs sse={needs}"),
            format!("add sse={needs}, or leave it out"),
        ))
    };
    match (kind.as_deref(), key, customer) {
        (Some("aws:kms" | "aws:kms:dsse"), key, None) => {
            let twice = kind.as_deref() == Some("aws:kms:dsse");
            Ok(Some(Encryption::Kms { key, twice, bucket_key }))
        }
        (_, Some(_), _) => stray("sse-kms-key-id", "aws:kms"),
        _ if bucket_key.is_some() => stray("sse-bucket-key", "aws:kms"),
        (Some("sse-c"), _, Some(file)) => Ok(Some(Encryption::Customer(file))),
        (Some("sse-c"), _, None) => Err(OptionError::new(
            "sse=sse-c needs a key",
            "add sse-customer-key-file=FILE, a file with 32 bytes in Base64",
        )),
        (_, _, Some(_)) => stray("sse-customer-key-file", "sse-c"),
        (Some("AES256"), _, _) => Ok(Some(Encryption::Store)),
        (Some(other), _, _) => Err(OptionError::new(
            format!("the option sse={other} makes no sense"),
            "give AES256, aws:kms, aws:kms:dsse or sse-c",
        )),
        (None, _, _) => Ok(None),
    }
}

impl FromStr for Checksum {
    type Err = OptionError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "none" => Ok(Self::None),
            "sha256" => Ok(Self::Sha256),
            "crc64nvme" => Ok(Self::Crc64Nvme),
            _ => Err(OptionError::new("there is no such checksum", "give none, sha256 or crc64nvme")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read() {
        let read: S3Options =
            "region=eu-west-1&profile=b&path-style=true&sse=aws:kms&sse-kms-key-id=arn:x&checksum=sha256\
                               &conditional-create=false&bulk-delete=false&request-payer=true"
                .parse()
                .expect("valid");
        assert_eq!((read.region.as_deref(), read.profile.as_deref()), (Some("eu-west-1"), Some("b")));
        assert_eq!(
            read.encryption,
            Some(Encryption::Kms { key: Some("arn:x".to_owned()), twice: false, bucket_key: None })
        );
        assert_eq!((read.path_style, read.checksum), (Some(true), Checksum::Sha256));
        assert!(!read.conditional_create && !read.bulk_delete && read.request_payer);
        let plain: S3Options = "".parse().expect("none");
        assert!(plain.conditional_create && plain.bulk_delete && plain.encryption.is_none());
        for (query, expect) in [
            ("sse=AES256", Encryption::Store),
            ("sse=sse-c&sse-customer-key-file=/k", Encryption::Customer("/k".into())),
            ("sse=aws:kms:dsse", Encryption::Kms { key: None, twice: true, bucket_key: None }),
        ] {
            assert_eq!(query.parse::<S3Options>().expect(query).encryption, Some(expect), "{query}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_explained() {
        for (query, parts) in [
            ("regio=x", &["no option \"regio\"", "did you mean region?"][..]),
            ("path_style=true", &["did you mean path-style?"]),
            ("sse=rot13", &["sse=rot13", "aws:kms"]),
            ("sse-kms-key-id=x", &["needs sse=aws:kms"]),
            ("sse=AES256&sse-bucket-key=true", &["sse-bucket-key needs sse=aws:kms"]),
            ("sse=sse-c", &["sse-customer-key-file"]),
            ("sse-customer-key-file=/k", &["needs sse=sse-c"]),
            ("checksum=md5", &["sha256"]),
            ("anonymous=true&profile=x", &["contradict"]),
            ("access_key_id=hunter2", &["a secret into a URL"]),
        ] {
            let error = query.parse::<S3Options>().expect_err(query).to_string();
            for part in parts {
                assert!(error.contains(part), "{query}: {error}");
            }
            assert!(!error.contains("hunter2"), "{query}: {error}");
        }
    }
}
