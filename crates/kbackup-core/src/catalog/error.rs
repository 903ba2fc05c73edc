//! Why something could not be done with the backups of a store.

use jiff::Timestamp;

use crate::format::FormatError;
use crate::model::BackupName;
use crate::store::StoreError;

/// Why something could not be done with the backups of a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// The backup can't be read, or does not exist.
    #[error(transparent)]
    Backup(#[from] FormatError),
    /// A run is making it.
    #[error("backup \"{name}\" is being made by a run that gave its last sign of life at {heartbeat_at}")]
    InProgress {
        /// The backup.
        name: BackupName,
        /// When the run last said that it is alive.
        heartbeat_at: Timestamp,
    },
    /// Velero made it.
    #[error(
        "backup \"{name}\" was made by Velero, and Velero deletes it, with its snapshots and its own records of it"
    )]
    Velero {
        /// The backup.
        name: BackupName,
    },
    /// The store is read-only.
    #[error("{store} is read-only: no backup can be deleted there")]
    ReadOnly {
        /// The store's URL.
        store: String,
    },
    /// The store refused or failed.
    #[error("the object store failed while {during}")]
    Store {
        /// What was being done.
        during: &'static str,
        /// The store's error.
        source: StoreError,
    },
}

impl CatalogError {
    pub(super) fn store(during: &'static str) -> impl Fn(StoreError) -> Self {
        move |source| Self::Store { during, source }
    }
}
