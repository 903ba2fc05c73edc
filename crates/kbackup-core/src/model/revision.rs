//! A point in a cluster's history.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A `resourceVersion` of the cluster: the number of the write after which it looked like this.
///
/// All types that live in the API server's own store share one counter, so one revision names one state of all of them
/// (<https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions>). Aggregated APIs count for themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Revision(pub u64);

/// A `resourceVersion` that is not a number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a resourceVersion: a decimal number was expected")]
pub struct RevisionError(String);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Revision {
    type Err = RevisionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The number parser of Rust takes a sign, and no server sends one.
        let digits = Some(text).filter(|text| !text.starts_with('+'));
        digits.and_then(|text| text.parse().ok()).map(Self).ok_or_else(|| RevisionError(text.to_owned()))
    }
}
