//! Which operations of a [`FlakyStore`](super::FlakyStore) fail, and how.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::store::{StoreError, StoreErrorKind, StoreResult};

/// A plan of failures: which operations fail, counted from 1, when, and as what.
///
/// By default every operation counts, and the chosen ones fail as `Unavailable` before they take effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failures {
    which: Which,
    of: Vec<Operation>,
    after_effect: bool,
    kind: StoreErrorKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    None,
    At(u64),
    From(u64),
    Every(u64),
}

/// What a store can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the method of that name")]
pub enum Operation {
    Put,
    Upload,
    Write,
    Complete,
    Abort,
    Get,
    Head,
    List,
    ListChildren,
    Delete,
}

impl Failures {
    /// Nothing fails.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Which::None)
    }

    /// The n-th operation fails, and no other: what a retry overcomes.
    #[must_use]
    pub fn at_nth(n: u64) -> Self {
        Self::new(Which::At(n))
    }

    /// The n-th operation fails and every one after it: as if the process had died, or the network with it, so that
    /// nothing is cleaned up.
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
        Self { which, of: Vec::new(), after_effect: false, kind: StoreErrorKind::Unavailable }
    }

    /// Only these operations count and fail.
    #[must_use]
    pub fn of(self, operations: &[Operation]) -> Self {
        Self { of: operations.to_vec(), ..self }
    }

    /// The operation takes effect and its answer is lost. The body of a `get` breaks after half of its bytes (rounded up),
    /// a list after its first object. A piece of an upload still fails before: by the contract it was not appended then.
    #[must_use]
    pub fn after_effect(self) -> Self {
        Self { after_effect: true, ..self }
    }

    /// The failures are of this kind.
    #[must_use]
    pub fn kind(self, kind: StoreErrorKind) -> Self {
        Self { kind, ..self }
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
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Put => "put",
            Self::Upload => "upload",
            Self::Write => "write",
            Self::Complete => "complete",
            Self::Abort => "abort",
            Self::Get => "get",
            Self::Head => "head",
            Self::List => "list",
            Self::ListChildren => "list_children",
            Self::Delete => "delete",
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

    /// Counts an operation on the key or prefix `name`, and says what becomes of it.
    pub(super) fn next(&self, operation: Operation, name: &str) -> Fault {
        let after_effect = self.plan.after_effect;
        if !self.plan.is_about(operation) {
            return Fault { error: None, after_effect };
        }
        let number = self.operations.fetch_add(1, Ordering::AcqRel) + 1;
        let error = self.plan.chooses(number).then(|| {
            self.failures.fetch_add(1, Ordering::AcqRel);
            StoreError::new(self.plan.kind, format!("operation {number} ({operation} {name}) was made to fail"))
        });
        Fault { error, after_effect }
    }
}

/// What becomes of one operation.
#[derive(Debug)]
pub(super) struct Fault {
    error: Option<StoreError>,
    after_effect: bool,
}

impl Fault {
    /// Fails here where the operation is not to take effect.
    pub(super) fn before(self) -> StoreResult<Self> {
        match self.error {
            Some(error) if !self.after_effect => Err(error),
            error => Ok(Self { error, ..self }),
        }
    }

    /// Fails here where the operation has taken effect and its answer is lost.
    pub(super) fn after<T>(self, answer: T) -> StoreResult<T> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(answer),
        }
    }

    /// The failure, whenever it was to happen.
    pub(super) fn into_error(self) -> Option<StoreError> {
        self.error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(plan: &Failures, expect: [bool; 6]) {
        let tally = Tally::new(plan.clone());
        let failed = expect.map(|_| tally.next(Operation::Put, "a").into_error().is_some());
        assert_eq!(failed, expect, "{plan:?}");
        assert_eq!(tally.failures(), expect.into_iter().filter(|failed| *failed).count() as u64);
    }

    #[test]
    fn plans_choose_by_number() {
        let (o, x) = (false, true);
        check(&Failures::none(), [o, o, o, o, o, o]);
        check(&Failures::at_nth(1), [x, o, o, o, o, o]);
        check(&Failures::at_nth(4), [o, o, o, x, o, o]);
        check(&Failures::from_nth(4), [o, o, o, x, x, x]);
        check(&Failures::every_nth(2), [o, x, o, x, o, x]);
        check(&Failures::at_nth(1).of(&[Operation::Get]), [o, o, o, o, o, o]);
    }
}
