use std::sync::Arc;

use kbackup_core::conformance;
use kbackup_kube::{CallLimits, KubeCluster};
use kbackup_sandbox::Sandbox;

use super::Tested;

pub(super) async fn all(tested: Tested) {
    conformance::cluster::all(Arc::new(tested.cluster.clone())).await;
    tested.clean_up().await;
}

/// A real server forgets when it likes to, so only the sandbox can be tested for it.
#[tokio::test]
async fn compacted_revisions_are_expired() {
    let sandbox = Sandbox::default();
    let memory = sandbox.cluster().clone();
    let cluster = KubeCluster::new(kube::Client::new(sandbox, "default"), "https://sandbox", CallLimits::default());
    let compact = |revision| {
        memory.compact(revision);
        std::future::ready(())
    };
    conformance::cluster::compacted_revisions_are_expired(Arc::new(cluster), compact).await;
}
