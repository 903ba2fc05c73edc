//! Why a restore as a whole could not be planned or done.

use crate::cluster::ClusterError;
use crate::format::FormatError;
use crate::model::{BackupName, ObjectRef};
use crate::spec::Violations;
use crate::store::StoreError;

/// Why a restore could not be planned, or not go on. What goes wrong with single objects is an issue in the report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// The request itself is wrong. Nothing was touched.
    #[error("the restore's spec is not valid: {0}")]
    Invalid(Violations),
    /// There is a restore of that name. Nothing was touched.
    #[error("restore \"{name}\" exists already in {store}")]
    NameTaken {
        /// The name.
        name: BackupName,
        /// The store's URL.
        store: String,
    },
    /// The backup can't be read. While planning, nothing was touched.
    #[error(transparent)]
    Backup(#[from] FormatError),
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
    /// The plan is of another backup than the store has under that name. Nothing was touched.
    #[error("the plan was made for another backup \"{name}\" than the one in {store} now: plan again")]
    OtherBackup {
        /// The backup's name.
        name: BackupName,
        /// The store's URL.
        store: String,
    },
    /// Objects exist and differ, and the spec says to fail then. Nothing was touched.
    #[error("{first} exists and differs from the backup, and so do {more} more objects: nothing was restored")]
    Exists {
        /// The first of them.
        first: Box<ObjectRef>,
        /// How many there are beside it.
        more: usize,
    },
    /// There is no plan of a restore of that name. Nothing was touched.
    #[error("there is no plan of a restore \"{name}\" in {store}")]
    NoPlan {
        /// The name.
        name: BackupName,
        /// The store's URL.
        store: String,
    },
    /// Somebody else applies the same plan by now. What this one had restored stays.
    #[error("somebody else applies this plan by now")]
    Superseded,
    /// Somebody asked the run to end. What it had restored stays; applying the same plan again goes on from there.
    #[error("the restore was cancelled: what it had restored stays, and applying its plan again goes on from there")]
    Cancelled,
}

impl RestoreError {
    pub(super) fn cluster(during: &'static str) -> impl FnOnce(ClusterError) -> Self {
        move |source| Self::Cluster { during, source }
    }
}
