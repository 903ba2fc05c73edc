//! Why a store could not be opened.

use std::fmt;

/// Why a store could not be opened. Nothing was touched.
///
/// `Display` is one line of all three parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenError {
    kind: OpenErrorKind,
    what: String,
    why: String,
    next: String,
}

/// What a caller can decide on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OpenErrorKind {
    /// The text is not the URL of a store.
    InvalidUrl,
    /// It is the URL of a store of a kind that this build does not have.
    NotBuiltIn,
    /// The URL is fine, and what it names cannot be used as a store.
    Unusable,
}

impl OpenError {
    pub(super) fn new(
        kind: OpenErrorKind,
        what: impl Into<String>,
        why: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self { kind, what: what.into(), why: why.into(), next: next.into() }
    }

    /// What a caller can decide on.
    #[must_use]
    pub fn kind(&self) -> OpenErrorKind {
        self.kind
    }

    /// What could not be done.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Why not.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.why
    }

    /// What to do next.
    #[must_use]
    pub fn next_step(&self) -> &str {
        &self.next
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.what, self.why, self.next)
    }
}

impl std::error::Error for OpenError {}
