//! Versions of the store format, with a real order.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A version of the store format: a plain number. A reader reads every version up to its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct FormatVersion(pub u32);

impl FormatVersion {
    /// The version that this crate writes, and the newest that it reads.
    pub const CURRENT: Self = Self(1);

    /// Whether this crate reads backups of this version.
    #[must_use]
    pub fn is_readable(self) -> bool {
        self.0 >= 1 && self <= Self::CURRENT
    }
}

impl fmt::Display for FormatVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
