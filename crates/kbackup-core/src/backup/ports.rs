//! What a backup works with.

use crate::cluster::ClusterReader;
use crate::store::ObjectStore;

/// What a backup works with: the cluster that it reads and the store that it writes to. A reader is enough: a backup can't
/// change the cluster.
///
/// ```
/// use kbackup_core::backup::Ports;
/// use kbackup_core::cluster::MemoryCluster;
/// use kbackup_core::store::MemoryStore;
///
/// let (cluster, store) = (MemoryCluster::new(), MemoryStore::new());
/// let ports = Ports::new(&cluster, &store);
/// # drop(ports);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Ports<'a> {
    pub(super) cluster: &'a dyn ClusterReader,
    pub(super) store: &'a dyn ObjectStore,
}

impl<'a> Ports<'a> {
    /// This cluster and this store.
    #[must_use]
    pub fn new(cluster: &'a dyn ClusterReader, store: &'a dyn ObjectStore) -> Self {
        Self { cluster, store }
    }
}
