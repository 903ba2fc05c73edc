//! Why something could not be done with the backups of a store.

use jiff::Timestamp;

use crate::crypt::InvalidKey;
use crate::format::{FormatError, LocationError};
use crate::model::{BackupName, Lock};
use crate::snapshot::{SnapshotError, SnapshotId};
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
    /// The store holds it, and it is not to be deleted before its time.
    #[error("backup \"{name}\" is locked ({mode}) until {until}", mode = lock.mode, until = lock.until)]
    Locked {
        /// The backup.
        name: BackupName,
        /// How it is held, and until when.
        lock: Lock,
    },
    /// Velero made it, and its copy would be none that Velero knows.
    #[error("backup \"{name}\" was made by Velero: only kbackup's own are copied")]
    NotOurs {
        /// The backup.
        name: BackupName,
    },
    /// The other store has another backup of that name.
    #[error("{store} has another backup \"{name}\"")]
    NameTaken {
        /// The name.
        name: BackupName,
        /// The store's URL.
        store: String,
    },
    /// The other store has a copy of it that is encrypted or signed otherwise.
    #[error("{store} has a copy of backup \"{name}\" that is encrypted or signed otherwise")]
    OtherCopy {
        /// The name.
        name: BackupName,
        /// The store's URL.
        store: String,
    },
    /// The keys of the other store demand a signature that the backup has not.
    #[error("{store} takes only what one of its trusted keys has signed")]
    NotTrusted {
        /// The store's URL.
        store: String,
        /// What is wrong with the signature.
        source: FormatError,
    },
    /// The copy can't be encrypted or signed as it is asked for.
    #[error("the copy can't be protected as it is asked for")]
    Protection(#[source] InvalidKey),
    /// A run that broke off has left a part of another backup of that name.
    #[error("an unfinished backup \"{name}\" is in the way in {store}")]
    Unfinished {
        /// The name.
        name: BackupName,
        /// The store's URL.
        store: String,
    },
    /// The other store's prefix is not a location of ours.
    #[error(transparent)]
    Location(#[from] LocationError),
    /// A snapshot of the backup belongs to a disk service that is not known here. Nothing was touched.
    #[error("backup \"{name}\" has snapshots at \"{provider}\", which is not set up here")]
    NoProvider {
        /// The backup.
        name: BackupName,
        /// The provider's name.
        provider: String,
    },
    /// A disk service failed to delete a snapshot.
    #[error("snapshot {snapshot} of backup \"{name}\" could not be deleted")]
    Snapshot {
        /// The backup.
        name: BackupName,
        /// The snapshot.
        snapshot: SnapshotId,
        /// The disk service's error.
        source: SnapshotError,
    },
    /// Somebody asked the run to end.
    #[error("it was cancelled")]
    Cancelled,
    /// The store is read-only.
    #[error("{store} is read-only: no backup can be made or deleted there")]
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
