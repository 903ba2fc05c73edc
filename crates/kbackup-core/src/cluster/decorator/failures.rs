//! Which operations of a [`FlakyCluster`](super::FlakyCluster) fail, and how.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::cluster::{ClusterError, ClusterErrorKind, ClusterResult};

/// A plan of failures: which operations fail, counted from 1, when, and as what.
///
/// By default every operation counts, and the chosen ones fail as `Unavailable` before they take effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failures {
    which: Which,
    of: Vec<Operation>,
    after_effect: bool,
    kind: ClusterErrorKind,
    retry_after: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    None,
    At(u64),
    From(u64),
    Every(u64),
}

/// What a cluster can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the method of that name")]
pub enum Operation {
    Info,
    Discover,
    Revision,
    List,
    Get,
    Create,
    Replace,
    Patch,
    Delete,
    Wait,
    Exec,
}

impl Failures {
    /// Nothing fails.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Which::None)
    }

    /// The n-th operation fails, and no other.
    #[must_use]
    pub fn at_nth(n: u64) -> Self {
        Self::new(Which::At(n))
    }

    /// The n-th operation fails and every one after it: as if the server had died.
    #[must_use]
    pub fn from_nth(n: u64) -> Self {
        Self::new(Which::From(n))
    }

    /// Each n-th operation fails.
    #[must_use]
    pub fn every_nth(n: u64) -> Self {
        Self::new(Which::Every(n))
    }

    fn new(which: Which) -> Self {
        let kind = ClusterErrorKind::Unavailable;
        Self { which, of: Vec::new(), after_effect: false, kind, retry_after: None }
    }

    /// Only these operations count and fail.
    #[must_use]
    pub fn of(self, operations: &[Operation]) -> Self {
        Self { of: operations.to_vec(), ..self }
    }

    /// The operation takes effect and its answer is lost; a list fails after its first page.
    #[must_use]
    pub fn after_effect(self) -> Self {
        Self { after_effect: true, ..self }
    }

    /// The failures are of this kind.
    #[must_use]
    pub fn kind(self, kind: ClusterErrorKind) -> Self {
        Self { kind, ..self }
    }

    /// The failures say after which time to ask again.
    #[must_use]
    pub fn retry_after(self, after: Duration) -> Self {
        Self { retry_after: Some(after), ..self }
    }

    fn is_about(&self, operation: Operation) -> bool {
        self.of.is_empty() || self.of.contains(&operation)
    }

    fn chooses(&self, number: u64) -> bool {
        match self.which {
            Which::None => false,
            Which::At(n) => number == n,
            Which::From(n) => number >= n,
            Which::Every(n) => number.is_multiple_of(n),
        }
    }

    fn error(&self, message: String) -> ClusterError {
        let error = ClusterError::new(self.kind, message);
        match self.retry_after {
            Some(after) => error.with_retry_after(after),
            None => error,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Info => "info",
            Self::Discover => "discover",
            Self::Revision => "revision",
            Self::List => "list",
            Self::Get => "get",
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::Wait => "wait",
            Self::Exec => "exec",
        })
    }
}

/// A plan, and how far it is.
#[derive(Debug)]
pub(super) struct Tally {
    plan: Failures,
    operations: AtomicU64,
    failures: AtomicU64,
}

impl Tally {
    pub(super) fn new(plan: Failures) -> Self {
        Self { plan, operations: AtomicU64::new(0), failures: AtomicU64::new(0) }
    }

    pub(super) fn operations(&self) -> u64 {
        self.operations.load(Ordering::Acquire)
    }

    pub(super) fn failures(&self) -> u64 {
        self.failures.load(Ordering::Acquire)
    }

    /// Counts an operation and says what becomes of it.
    pub(super) fn next(&self, operation: Operation, about: &dyn fmt::Display) -> Fault {
        let after_effect = self.plan.after_effect;
        if !self.plan.is_about(operation) {
            return Fault { error: None, after_effect };
        }
        let number = self.operations.fetch_add(1, Ordering::AcqRel) + 1;
        let error = self.plan.chooses(number).then(|| {
            self.failures.fetch_add(1, Ordering::AcqRel);
            self.plan.error(format!("operation {number} ({operation} {about}) was made to fail"))
        });
        Fault { error, after_effect }
    }
}

/// What becomes of one operation.
#[derive(Debug)]
pub(super) struct Fault {
    error: Option<ClusterError>,
    after_effect: bool,
}

impl Fault {
    /// Fails here where the operation is not to take effect.
    pub(super) fn before(self) -> ClusterResult<Self> {
        match self.error {
            Some(error) if !self.after_effect => Err(error),
            error => Ok(Self { error, ..self }),
        }
    }

    /// Fails here where the operation has taken effect and its answer is lost.
    pub(super) fn after<T>(self, answer: T) -> ClusterResult<T> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(answer),
        }
    }

    /// The failure, whenever it was to happen.
    pub(super) fn into_error(self) -> Option<ClusterError> {
        self.error
    }
}
