//! The port: what every disk service does, and guarantees.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::model::Object;

/// The result of a call to a disk service.
pub type SnapshotResult<T> = Result<T, SnapshotError>;

/// Takes, restores and deletes snapshots of the volumes that one disk service owns.
///
/// # Contract
/// - [`claim`](SnapshotProvider::claim) and [`rebind`](SnapshotProvider::rebind) are pure: no call, no clock.
/// - [`create`](SnapshotProvider::create) is idempotent by `spec.client_token`: a second call with the same token gives
///   the first one's snapshot, so that a retry after a lost answer does not pay twice.
/// - The same token for another volume or snapshot is `Invalid`: it is a mistake, never a second answer.
/// - A snapshot that was returned by `create` is found by `status` until it is deleted.
/// - [`delete`](SnapshotProvider::delete) of a snapshot that does not exist is fine.
/// - Cancel: a dropped `create` or `restore` may have taken effect; its client token finds it again.
#[async_trait]
pub trait SnapshotProvider: Debug + Send + Sync + 'static {
    /// The provider's name, as it is written into backups (`ebs`). It never changes.
    fn name(&self) -> &'static str;

    /// The volume behind a PersistentVolume, if this disk service owns it.
    fn claim(&self, volume: &Object) -> Option<VolumeId>;

    /// The same PersistentVolume, pointing at another volume of this service.
    ///
    /// # Errors
    /// `Invalid` where the PersistentVolume is not one that this provider claims.
    fn rebind(&self, persistent_volume: &Object, volume: &VolumeId) -> SnapshotResult<Object>;

    /// Begins a snapshot, and returns as soon as the service has fixed the moment that it shows. Its bytes may be copied
    /// afterwards: [`status`](SnapshotProvider::status) says when that is done.
    ///
    /// # Errors
    /// `NotFound` where the volume does not exist.
    async fn create(&self, volume: &VolumeId, spec: &SnapshotSpec) -> SnapshotResult<SnapshotId>;

    /// How far a snapshot is.
    ///
    /// # Errors
    /// `NotFound` where the snapshot does not exist.
    async fn status(&self, snapshot: &SnapshotId) -> SnapshotResult<SnapshotStatus>;

    /// Makes a new volume of a snapshot.
    ///
    /// # Errors
    /// `NotFound` where the snapshot does not exist; `NotReady` where its bytes are still being copied.
    async fn restore(&self, snapshot: &SnapshotId, target: &VolumeTarget) -> SnapshotResult<VolumeId>;

    /// Deletes a snapshot.
    async fn delete(&self, snapshot: &SnapshotId) -> SnapshotResult<()>;
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// A volume, as its disk service names it (`vol-0abc`).
    VolumeId
}
id! {
    /// A snapshot, as its disk service names it (`snap-0abc`).
    SnapshotId
}

/// How a snapshot is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotSpec {
    /// What makes the request unique: the same token never makes a second snapshot.
    pub client_token: String,
    /// Tags of the snapshot: the backup, the PersistentVolume.
    pub tags: BTreeMap<String, String>,
}

/// How far a snapshot is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotStatus {
    /// Its bytes are being copied.
    Pending {
        /// How much is done, from 0 to 100, where the service says so.
        percent: Option<u8>,
    },
    /// It can be restored.
    Ready,
    /// It will never be ready.
    Failed {
        /// What the service says.
        message: String,
    },
}

/// Where a volume is restored to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VolumeTarget {
    /// The zone; not given: the one of the original volume.
    pub zone: Option<String>,
    /// What makes the request unique: the same token never makes a second volume. Empty: every request is its own.
    pub client_token: String,
    /// Tags of the volume.
    pub tags: BTreeMap<String, String>,
}

/// Why a call to a disk service failed.
#[derive(Debug)]
pub struct SnapshotError {
    kind: SnapshotErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What a caller can decide on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SnapshotErrorKind {
    /// The volume or the snapshot does not exist.
    NotFound,
    /// The snapshot's bytes are still being copied.
    NotReady,
    /// The request makes no sense to this service.
    Invalid,
    /// The credentials may not do this.
    PermissionDenied,
    /// The service asks to slow down, or cannot be reached. Retrying may help.
    Unavailable,
    /// Anything else. Retrying does not help.
    Other,
}

impl SnapshotError {
    /// An error of `kind`.
    #[must_use]
    pub fn new(kind: SnapshotErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// The same error with what caused it, which the message does not repeat.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What a caller can decide on.
    #[must_use]
    pub fn kind(&self) -> SnapshotErrorKind {
        self.kind
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, SnapshotErrorKind::Unavailable | SnapshotErrorKind::NotReady)
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SnapshotError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}
