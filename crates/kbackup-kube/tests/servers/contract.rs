use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use kbackup_core::cluster::{At, ClusterErrorKind, ClusterReader, ListQuery};
use kbackup_core::conformance;
use kbackup_core::model::Revision;
use kbackup_kube::{CallLimits, KubeCluster};
use kbackup_sandbox::Sandbox;

use super::Tested;

/// How long a server that forgets soon may take, and how often it is asked.
const FORGETS_WITHIN: Duration = Duration::from_secs(90);
const ASK_EVERY: Duration = Duration::from_millis(500);

pub(super) async fn all(tested: Tested) {
    conformance::cluster::all(Arc::new(tested.cluster.clone())).await;
    tested.clean_up().await;
}

/// The sandbox forgets at once.
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

/// A real server forgets when it likes to: the suite waits for it.
pub(super) async fn a_server_forgets_in_its_own_time(tested: Tested) {
    let list = tested.config_maps();
    let forgotten = |revision: Revision| {
        let (cluster, at) = (tested.cluster.clone(), At::Exact(Revision(revision.0 - 1)));
        let query = ListQuery { at, ..list.clone() };
        async move {
            let asking = tokio::time::timeout(FORGETS_WITHIN, until_forgotten(&cluster, &query)).await;
            asking.expect("the server forgets");
        }
    };
    conformance::cluster::compacted_revisions_are_expired(Arc::new(tested.cluster.clone()), forgotten).await;
    tested.clean_up().await;
}

async fn until_forgotten(cluster: &KubeCluster, query: &ListQuery) {
    let mut asks = tokio::time::interval(ASK_EVERY);
    loop {
        asks.tick().await;
        match cluster.list(query).try_next().await {
            Err(error) if error.kind() == ClusterErrorKind::Expired => return,
            Err(error) => panic!("the server can be asked what it remembers: {error}"),
            Ok(_) => {}
        }
    }
}
