//! What a plan is applied with.

use crate::action::Transforms;
use crate::cluster::{ClusterWriter, PodExec};
use crate::format::Access;
use crate::snapshot::SnapshotProviders;

/// What a plan is applied with: the cluster that is written to, the store that the backup is in (with the keys
/// that open it, where it is encrypted or must be signed), and the transforms that the
/// plan was made with. What runs commands in containers is needed for hooks alone: without it, each pod that has hooks is an
/// issue. The disk services are needed for volumes that have snapshots: without the one of a snapshot, its volume is an issue.
///
/// ```
/// use kbackup_core::action::Transforms;
/// use kbackup_core::cluster::MemoryCluster;
/// use kbackup_core::restore::Ports;
/// use kbackup_core::store::MemoryStore;
///
/// let (cluster, store, transforms) = (MemoryCluster::new(), MemoryStore::new(), Transforms::builtin());
/// let ports = Ports::new(&cluster, &store, &transforms).exec(&cluster);
/// # drop(ports);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Ports<'a> {
    pub(super) cluster: &'a dyn ClusterWriter,
    pub(super) access: Access<'a>,
    pub(super) transforms: &'a Transforms,
    pub(super) exec: Option<&'a dyn PodExec>,
    pub(super) snapshots: Option<&'a SnapshotProviders>,
}

impl<'a> Ports<'a> {
    /// This cluster, this store and these transforms.
    #[must_use]
    pub fn new(cluster: &'a dyn ClusterWriter, from: impl Into<Access<'a>>, transforms: &'a Transforms) -> Self {
        Self { cluster, access: from.into(), transforms, exec: None, snapshots: None }
    }

    /// The same, and this to run the commands of hooks with.
    #[must_use]
    pub fn exec(self, exec: &'a dyn PodExec) -> Self {
        Self { exec: Some(exec), ..self }
    }

    /// The same, and these to make disks of snapshots with.
    #[must_use]
    pub fn snapshots(self, snapshots: &'a SnapshotProviders) -> Self {
        Self { snapshots: Some(snapshots), ..self }
    }
}
