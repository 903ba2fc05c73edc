//! What can go wrong with a cluster.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// The result of a call to a cluster.
pub type ClusterResult<T> = Result<T, ClusterError>;

/// Why a call to a cluster failed.
///
/// [`ClusterError::kind`] is what a caller decides on. The message is the server's own where it gave one, in one line,
/// without credentials and without the data of an object.
#[derive(Debug)]
pub struct ClusterError {
    kind: ClusterErrorKind,
    message: String,
    retry_after: Option<Duration>,
    fields: Vec<FieldError>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What a caller can decide on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClusterErrorKind {
    /// The type or the object does not exist (404).
    NotFound,
    /// An object of that name exists (409 `AlreadyExists`).
    AlreadyExists,
    /// The object was changed meanwhile, or its state does not allow this (409 `Conflict`).
    Conflict,
    /// The revision was compacted away (410).
    Expired,
    /// The server does not accept the object (400, 422). [`ClusterError::fields`] may say which fields.
    Invalid,
    /// The credentials are missing, wrong or expired (401).
    Unauthenticated,
    /// The credentials are known and may not do this (403); admission refusals are this too.
    Forbidden,
    /// The type cannot do this (405, 406, 415).
    Unsupported,
    /// The server asks to slow down (429).
    Throttled,
    /// The server, or an API behind it, is not there or failed within (5xx, connection errors). Retrying may help.
    Unavailable,
    /// The call took longer than it may.
    Timeout,
    /// The answer is not what a Kubernetes API server says.
    BadResponse,
}

/// A field that the server did not accept, as it named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The path of the field (`spec.ports[0].nodePort`); may be empty.
    pub field: String,
    /// The machine-readable reason (`FieldValueInvalid`); may be empty.
    pub reason: String,
    /// What the server says of it.
    pub message: String,
}

impl ClusterError {
    /// An error of `kind`.
    #[must_use]
    pub fn new(kind: ClusterErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after: None, fields: Vec::new(), source: None }
    }

    /// The same error with what caused it, which the message does not repeat.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error with the time after which the server wants to be asked again.
    #[must_use]
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// The same error with the fields that the server did not accept.
    #[must_use]
    pub fn with_fields(mut self, fields: Vec<FieldError>) -> Self {
        self.fields = fields;
        self
    }

    /// What a caller can decide on.
    #[must_use]
    pub fn kind(&self) -> ClusterErrorKind {
        self.kind
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, ClusterErrorKind::Throttled | ClusterErrorKind::Unavailable | ClusterErrorKind::Timeout)
    }

    /// After which time the server wants to be asked again, where it said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The fields that the server did not accept, where it said which.
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        &self.fields
    }
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ClusterError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
