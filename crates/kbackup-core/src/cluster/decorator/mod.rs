//! Clusters that change how another cluster behaves. Each is a cluster itself, so that they can be put around each other.

mod failures;
mod flaky;
mod read_only;

pub use failures::{Failures, Operation};
pub use flaky::FlakyCluster;
pub use read_only::ReadOnlyCluster;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cluster::{ClusterWriter, MemoryCluster};
    use crate::conformance;

    #[tokio::test]
    async fn decorators_that_change_nothing_conform() {
        let inner: Arc<dyn ClusterWriter> = Arc::new(MemoryCluster::new());
        conformance::cluster::all(Arc::new(FlakyCluster::new(inner, Failures::none()))).await;
    }

    #[tokio::test]
    async fn a_read_only_cluster_refuses_writes() {
        let inner: Arc<dyn ClusterWriter> = Arc::new(MemoryCluster::new());
        conformance::cluster::writes_are_refused(Arc::new(ReadOnlyCluster::new(inner))).await;
    }
}
