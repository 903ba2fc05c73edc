//! Why a key can't be used, or an encrypted file not be opened.

/// A key, passphrase or file of keys that can't be used. It never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} can't be used: {why}")]
pub struct InvalidKey {
    what: String,
    why: String,
}

impl InvalidKey {
    pub(super) fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into() }
    }

    /// The key, where it is public, or what kind of file it is.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// What is wrong with it, and what would be right.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }
}

/// Why an encrypted file can't be opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum OpenError {
    /// It is encrypted for others, or this build reads no encrypted files.
    NoKey,
    /// It is not what was written.
    Damaged(String),
}
