//! Whether a store lets us do what backups need, tried out.

use std::fmt;

use futures::TryStreamExt;
use uuid::Uuid;

use crate::format::{LocationError, probes, read_marker};
use crate::store::{Key, ObjectStore, ObjectStoreExt, PutMode, StoreError, StoreErrorKind, StoreResult};

/// What is written as a probe.
const BODY: &str = "written to see whether it can be; it may be deleted at any time\n";

/// What a store was asked to do, and whether it did.
#[derive(Debug)]
pub struct Probe {
    /// Each step, in the order in which they were tried. What needs a step that failed is not tried.
    pub steps: Vec<ProbeStep>,
}

/// One thing that a store was asked to do.
#[derive(Debug)]
pub struct ProbeStep {
    /// What.
    pub action: Probed,
    /// Whether it did.
    pub result: Result<(), ProbeError>,
}

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is what it says")]
pub enum Probed {
    Marker,
    List,
    Write,
    CreateOnce,
    Read,
    Delete,
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// The location is not ours, or its marker can't be read.
    #[error(transparent)]
    Location(LocationError),
    /// The store refused or failed.
    #[error(transparent)]
    Store(StoreError),
    /// The store did something else than it was asked to.
    #[error("{0}")]
    Wrong(&'static str),
}

impl Probe {
    /// Whether every step went well.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.steps.iter().all(|step| step.result.is_ok())
    }
}

impl fmt::Display for Probed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Marker => "marker",
            Self::List => "list",
            Self::Write => "write",
            Self::CreateOnce => "create-once",
            Self::Read => "read",
            Self::Delete => "delete",
        })
    }
}

/// Tries out whether the store can be used as a location: reads its marker and lists it; where it is writable, also writes,
/// reads and deletes a small object that no reader of backups looks at, and sees that of two creators one is refused.
///
/// Nothing is left behind, unless deleting is what fails.
///
/// ```
/// use kbackup_core::catalog::probe;
/// use kbackup_core::store::MemoryStore;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// assert!(probe(&MemoryStore::new()).await.is_good());
/// # });
/// ```
pub async fn probe(store: &dyn ObjectStore) -> Probe {
    let mut steps = Vec::new();
    let marker = read_marker(store).await.map(|_| ()).map_err(ProbeError::Location);
    steps.push(ProbeStep { action: Probed::Marker, result: marker });
    let listed = store.list(&probes()).try_next().await.map(|_| ());
    steps.push(ProbeStep { action: Probed::List, result: listed.map_err(ProbeError::Store) });
    if !store.capabilities().writable || steps.iter().any(|step| step.result.is_err()) {
        return Probe { steps };
    }
    let key = crate::format::probe(Uuid::new_v4());
    let written = store.put(&key, BODY.into(), PutMode::Create).await.map(|_| ());
    let is_written = written.is_ok();
    steps.push(ProbeStep { action: Probed::Write, result: written.map_err(ProbeError::Store) });
    if is_written {
        steps.push(ProbeStep { action: Probed::CreateOnce, result: create_again(store, &key).await });
        steps.push(ProbeStep { action: Probed::Read, result: read_back(store, &key).await });
        steps.push(ProbeStep { action: Probed::Delete, result: delete_again(store, &key).await });
    }
    Probe { steps }
}

async fn create_again(store: &dyn ObjectStore, key: &Key) -> Result<(), ProbeError> {
    match store.put(key, "another".into(), PutMode::Create).await {
        Err(error) if error.kind() == StoreErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(ProbeError::Store(error)),
        Ok(_) => Err(ProbeError::Wrong("of two that created the same object both were told that they did")),
    }
}

async fn read_back(store: &dyn ObjectStore, key: &Key) -> Result<(), ProbeError> {
    let bytes = store.get_bytes(key, 1 << 10).await.map_err(ProbeError::Store)?;
    if bytes == BODY {
        return Ok(());
    }
    Err(ProbeError::Wrong("what was read is not what was written"))
}

async fn delete_again(store: &dyn ObjectStore, key: &Key) -> Result<(), ProbeError> {
    let gone: StoreResult<bool> = async {
        store.delete(std::slice::from_ref(key)).await?;
        Ok(!store.exists(key).await?)
    }
    .await;
    match gone {
        Ok(true) => Ok(()),
        Ok(false) => Err(ProbeError::Wrong("what was deleted is still there")),
        Err(error) => Err(ProbeError::Store(error)),
    }
}
