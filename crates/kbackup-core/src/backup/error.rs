//! Why a backup as a whole could not be made.

use jiff::Timestamp;

use crate::cluster::ClusterError;
use crate::crypt::InvalidKey;
use crate::format::LocationError;
use crate::model::{BackupName, Gvr};
use crate::spec::Violations;
use crate::store::StoreError;

/// Why there is no backup of that name now. What went wrong with single objects is in the report of a backup that exists.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The request itself is wrong. Nothing was touched.
    #[error("the backup's spec is not valid: {0}")]
    Invalid(Violations),
    /// There is a backup of that name. Nothing was touched.
    #[error("backup \"{name}\" exists already in {store}")]
    NameTaken {
        /// The name.
        name: BackupName,
        /// The store's URL.
        store: String,
    },
    /// The last backup of that name is being deleted, or was until that broke off. Nothing was touched.
    #[error("a backup \"{name}\" is being deleted from {store}")]
    Deleting {
        /// The name.
        name: BackupName,
        /// The store's URL.
        store: String,
    },
    /// Another run is making a backup of that name, or broke off while it did. Nothing was touched.
    #[error("backup \"{name}\" is being made by another run since {started_at} (last sign of life {heartbeat_at})")]
    InProgress {
        /// The name.
        name: BackupName,
        /// When the other run began.
        started_at: Timestamp,
        /// When it last said that it is alive.
        heartbeat_at: Timestamp,
    },
    /// The store's prefix is used by something else, or by a newer kbackup. Nothing was touched.
    #[error("{store} is not a location that this kbackup can write to: {why}")]
    ForeignLocation {
        /// The store's URL.
        store: String,
        /// What was found there.
        why: String,
    },
    /// The store is read-only. Nothing was touched.
    #[error("{store} is read-only: no backup can be made or deleted there")]
    ReadOnly {
        /// The store's URL.
        store: String,
    },
    /// It could not be encrypted or signed.
    #[error("the backup could not be protected")]
    Protection(#[source] InvalidKey),
    /// The store refused or failed.
    #[error("the object store failed while {during}")]
    Store {
        /// What was being done.
        during: &'static str,
        /// The store's error.
        source: StoreError,
    },
    /// The cluster refused or failed as a whole.
    #[error("the cluster failed while {during}")]
    Cluster {
        /// What was being done.
        during: &'static str,
        /// The cluster's error.
        source: ClusterError,
    },
    /// A strict backup could not read a type at the revision of the others.
    #[error("{gvr} could not be read at revision {revision}, and the backup is to be strictly of one revision")]
    Inconsistent {
        /// The type.
        gvr: Gvr,
        /// The revision of the others.
        revision: crate::model::Revision,
        /// The cluster's error.
        source: ClusterError,
    },
    /// The store failed while the manifest was written, and could not be asked whether it has it: the backup may exist.
    /// What was written is left as it is.
    #[error("the object store failed while the manifest of \"{name}\" was written: the backup may exist or not")]
    Uncertain {
        /// The backup.
        name: BackupName,
        /// The store's error.
        source: StoreError,
    },
    /// Somebody asked the run to end. What it had written is removed.
    #[error("the backup was cancelled")]
    Cancelled,
}

impl BackupError {
    pub(super) fn location(error: LocationError) -> Self {
        match error {
            LocationError::Foreign { store, why } => Self::ForeignLocation { store, why },
            LocationError::Store(source) => Self::Store { during: "opening the location", source },
        }
    }

    pub(super) fn store(during: &'static str) -> impl FnOnce(StoreError) -> Self {
        move |source| Self::Store { during, source }
    }

    pub(super) fn cluster(during: &'static str) -> impl FnOnce(ClusterError) -> Self {
        move |source| Self::Cluster { during, source }
    }
}
