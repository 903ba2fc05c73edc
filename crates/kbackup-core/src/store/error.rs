//! What can go wrong with an object store.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// The result of a call to an object store.
pub type StoreResult<T> = Result<T, StoreError>;

/// Why a call to an object store failed.
///
/// [`StoreError::kind`] is what a caller decides on. The message says what was tried and why it failed, in one line,
/// without credentials; the provider's own error is the source and is not repeated in the message.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
    retry_after: Option<Duration>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What a caller can decide on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// There is no object of that key.
    NotFound,
    /// There is one already, and the call was to create it.
    AlreadyExists,
    /// The credentials are missing, wrong or expired.
    Unauthenticated,
    /// The credentials are known and may not do this; or the store is read-only.
    PermissionDenied,
    /// The store cannot do this at all ([`Capabilities`](super::Capabilities) says so beforehand).
    Unsupported,
    /// The request makes no sense: a range behind the end of an object, a key that this store cannot hold.
    Invalid,
    /// There is no space left.
    Full,
    /// The store asks to slow down. Retrying later helps.
    Throttled,
    /// The store cannot be reached, or failed within. Retrying may help.
    Unavailable,
    /// The data is not what was stored.
    Corrupt,
    /// Anything else. Retrying does not help.
    Other,
}

impl StoreError {
    /// An error of `kind`.
    #[must_use]
    pub fn new(kind: StoreErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None, source: None }
    }

    /// The same error with what caused it, which the message does not repeat.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error with the time after which the store wants to be asked again.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// What a caller can decide on.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, StoreErrorKind::Throttled | StoreErrorKind::Unavailable)
    }

    /// After which time the store wants to be asked again, where it said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
