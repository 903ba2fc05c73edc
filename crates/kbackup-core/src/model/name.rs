//! Names of backups and restores.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of a backup or a restore: a DNS-1123 subdomain of at most 253 characters.
///
/// It becomes a folder of the object store, the name of a Kubernetes object and a label, so the rule is the
/// strictest of the three (<https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>).
///
/// ```
/// use kbackup_core::model::BackupName;
///
/// assert!("nightly-20261123".parse::<BackupName>().is_ok());
/// assert!("../etc".parse::<BackupName>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct BackupName(String);

/// A name that cannot be a backup's, with the rule that it breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{name}\" is not a valid name: {rule}")]
pub struct NameError {
    name: String,
    rule: &'static str,
}

const LEN_MAX: usize = 253;

impl BackupName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn broken_rule(name: &str) -> Option<&'static str> {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if name.is_empty() {
        return Some("it must not be empty");
    }
    if name.len() > LEN_MAX {
        return Some("it must be at most 253 characters long");
    }
    if !name.chars().all(|c| edge(c) || c == '-' || c == '.') {
        return Some("only lower-case letters, digits, \"-\" and \".\" are allowed (DNS-1123 subdomain)");
    }
    if !name.split('.').all(|part| part.starts_with(edge) && part.ends_with(edge)) {
        return Some("each part between dots must start and end with a letter or a digit (DNS-1123 subdomain)");
    }
    None
}

impl FromStr for BackupName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match broken_rule(name) {
            Some(rule) => Err(NameError { name: name.to_owned(), rule }),
            None => Ok(Self(name.to_owned())),
        }
    }
}

impl TryFrom<String> for BackupName {
    type Error = NameError;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        name.parse()
    }
}

impl From<BackupName> for String {
    fn from(name: BackupName) -> Self {
        name.0
    }
}

impl fmt::Display for BackupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for BackupName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_dns_1123() {
        let long = "a".repeat(254);
        for (name, valid) in [
            ("nightly", true),
            ("nightly-20261123020000", true),
            ("a.b-c.d", true),
            ("0", true),
            ("", false),
            ("Nightly", false),
            ("a..b", false),
            ("-a", false),
            ("a-", false),
            ("a/b", false),
            ("..", false),
            ("naïve", false),
            (&*long, false),
        ] {
            assert_eq!(name.parse::<BackupName>().is_ok(), valid, "{name:?}");
        }
    }
}
