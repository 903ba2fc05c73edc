//! That something must not be deleted or changed before its time.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How firmly an object store holds what is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LockMode {
    /// Who has a permission of its own may still delete it.
    Governance,
    /// Nobody may, whoever it is, until its time has come.
    Compliance,
}

/// A lock on every file of a backup.
///
/// ```
/// use kbackup_core::model::{Lock, LockMode};
///
/// let lock = Lock { mode: LockMode::Governance, until: "2026-12-24T00:00:00Z".parse().unwrap() };
/// assert!(lock.holds_at("2026-12-23T23:59:59Z".parse().unwrap()));
/// assert!(!lock.holds_at(lock.until));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Lock {
    /// How firmly it is held.
    pub mode: LockMode,
    /// Until when.
    #[schemars(with = "String")]
    pub until: Timestamp,
}

/// A word that is no lock mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{word}\" is not a way to lock: give governance or compliance")]
pub struct LockModeError {
    word: String,
}

impl Lock {
    /// Whether it still holds.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

impl fmt::Display for LockMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Governance => "governance",
            Self::Compliance => "compliance",
        })
    }
}

impl FromStr for LockMode {
    type Err = LockModeError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Governance, Self::Compliance]
            .into_iter()
            .find(|mode| mode.to_string() == word)
            .ok_or_else(|| LockModeError { word: word.to_owned() })
    }
}
