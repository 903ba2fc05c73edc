//! The flags that encrypt and sign a backup, and those that hold it back.

use std::path::PathBuf;

use kbackup_core::limits::Limits;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct ProtectionArgs {
    /// Encrypt for this public key (repeatable): age1…, ssh-ed25519 …, ssh-rsa …. Each of them opens the backup alone.
    #[arg(short, long, value_name = "KEY")]
    pub(crate) recipient: Vec<String>,
    /// Encrypt for the public keys in this file, one a line (repeatable).
    #[arg(long, value_name = "FILE")]
    pub(crate) recipients_file: Vec<PathBuf>,
    /// Sign the manifest with this key of minisign's format, which has no password (kbackup keygen --signing).
    #[arg(long, value_name = "FILE")]
    pub(crate) sign_key: Option<PathBuf>,
}

impl ProtectionArgs {
    /// Whether nobody was named to encrypt for.
    pub(crate) fn names_nobody(&self) -> bool {
        self.recipient.is_empty() && self.recipients_file.is_empty()
    }
}

/// How hard a backup works. It is a good guest without these flags too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::Args)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Pace {
    /// How hard the archive is compressed; not given: 2.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=22))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) compression_level: Option<i32>,
    /// Lists that are read from the cluster at the same time, at most; not given: 4.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lists_in_flight: Option<usize>,
    /// Bytes of JSON that are read from the cluster in a second, at most (500k, 10MiB); not given: as fast as it gets.
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes_per_second: Option<u64>,
}

impl Pace {
    /// What this says, and `other` where it says nothing.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            compression_level: self.compression_level.or(other.compression_level),
            lists_in_flight: self.lists_in_flight.or(other.lists_in_flight),
            bytes_per_second: self.bytes_per_second.or(other.bytes_per_second),
        }
    }

    /// The bounds of a run that keeps this pace.
    pub(crate) fn limits(self) -> Limits {
        let usual = Limits::default();
        Limits {
            compression_level: self.compression_level.unwrap_or(usual.compression_level),
            lists_max: self.lists_in_flight.unwrap_or(usual.lists_max),
            bytes_per_second_max: self.bytes_per_second.or(usual.bytes_per_second_max),
            ..usual
        }
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| format!("\"{text}\" is not a number of at least 1"))
}

/// A number of bytes: `500000`, `500k` and `500kB` (thousands), `10MiB` (of 1,024).
fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit = match &*text[digits..].trim().to_ascii_lowercase() {
        "" | "b" => Some(1),
        "k" | "kb" => Some(1_000),
        "m" | "mb" => Some(1_000_000),
        "g" | "gb" => Some(1_000_000_000),
        "ki" | "kib" => Some(1 << 10),
        "mi" | "mib" => Some(1 << 20),
        "gi" | "gib" => Some(1 << 30),
        _ => None,
    };
    let number: Option<u64> = text[..digits].parse().ok();
    let bytes = number.zip(unit).and_then(|(number, unit)| number.checked_mul(unit)).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| format!("\"{text}\" is not a number of bytes: write it as 500k, 10MB or 10MiB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_units() {
        for (text, expect) in [
            ("1", Some(1)),
            ("500k", Some(500_000)),
            ("500 kB", Some(500_000)),
            ("10MiB", Some(10 << 20)),
            ("2Gi", Some(2 << 30)),
            ("0", None),
            ("", None),
            ("k", None),
            ("-1", None),
            ("1.5M", None),
            ("10 apples", None),
            ("99999999999G", None),
        ] {
            assert_eq!(bytes(text).ok(), expect, "{text}");
        }
    }
}
