//! How often the cluster was asked for what: a test can prove that a run costs so many requests.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the requests are named as the methods of the cluster")]
pub enum Request {
    Discover,
    Get,
    List,
    Watch,
    Create,
    Replace,
    Patch,
    Delete,
    DeleteCollection,
    Exec,
}

/// How many requests of each kind there were since the cluster was made, or since the counts were reset. Each page of a
/// list is a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RequestCounts([u64; KINDS.len()]);

const KINDS: [Request; 10] = [
    Request::Discover,
    Request::Get,
    Request::List,
    Request::Watch,
    Request::Create,
    Request::Replace,
    Request::Patch,
    Request::Delete,
    Request::DeleteCollection,
    Request::Exec,
];

impl RequestCounts {
    /// How many of this kind.
    #[must_use]
    pub fn of(&self, request: Request) -> u64 {
        self.0[request as usize]
    }

    /// How many of all kinds.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// How many that change the cluster.
    #[must_use]
    pub fn writes(&self) -> u64 {
        let writes = [Request::Create, Request::Replace, Request::Patch, Request::Delete, Request::DeleteCollection];
        writes.into_iter().map(|request| self.of(request)).sum()
    }
}

impl fmt::Display for RequestCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = KINDS.iter().filter(|kind| self.of(**kind) > 0);
        let told: Vec<String> = told.map(|kind| format!("{kind:?} {}", self.of(*kind))).collect();
        f.write_str(&told.join(", "))
    }
}

/// The counters behind [`RequestCounts`].
#[derive(Debug, Default)]
pub(super) struct Counters([AtomicU64; KINDS.len()]);

impl Counters {
    pub(super) fn count(&self, request: Request) {
        self.0[request as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> RequestCounts {
        RequestCounts(std::array::from_fn(|at| self.0[at].load(Ordering::Relaxed)))
    }

    pub(super) fn reset(&self) {
        self.0.iter().for_each(|counter| counter.store(0, Ordering::Relaxed));
    }
}
