use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt;
use kbackup_core::cluster::{
    At, ClusterErrorKind, ClusterReader, ClusterWriter, Condition, DeleteOptions, ListQuery, PodExec, Waited,
};
use kbackup_core::conformance;
use kbackup_core::conformance::exec::{Pods, ScriptedPods};
use kbackup_core::model::{ObjectRef, Revision};
use kbackup_kube::{CallLimits, ConnectOptions, KubeCluster};
use kbackup_sandbox::{Sandbox, Server, Transport};
use serde_json::json;

use super::{Tested, unique};

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

/// Commands need a connection that can change its protocol, so the sandbox is served on a socket.
#[tokio::test]
async fn commands_run_in_the_pods_of_the_sandbox() {
    let sandbox = Sandbox::default();
    let memory = sandbox.cluster().clone();
    let server =
        Server::bind(sandbox, ([127, 0, 0, 1], 0).into(), Transport::Https).await.expect("a free port").start();
    let folder = tempfile::tempdir().expect("a folder");
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, server.kubeconfig()).expect("it can be written");
    let options = ConnectOptions { kubeconfig: Some(kubeconfig), ..ConnectOptions::default() };
    let cluster = KubeCluster::connect(&options).await.expect("it answers");
    conformance::exec::all(&ScriptedPods::new(memory, Arc::new(cluster))).await;
    server.stop().await;
}

/// The pods of a real cluster, on the machine that `testcluster -kubelet` has: commands are processes there.
pub(super) async fn commands_run_in_pods(tested: Tested) {
    conformance::exec::all(&tested).await;
    tested.clean_up().await;
}

/// How long a kubelet may take to say that a pod runs.
const LOOKS_MAX: usize = 300;

#[async_trait]
impl Pods for Tested {
    fn exec(&self) -> &dyn PodExec {
        &self.cluster
    }

    async fn make(&self) -> ObjectRef {
        let name = unique("pod");
        let container = |name: &str| json!({"name": name, "image": "none"});
        let body = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"nodeName": "testnode", "containers": [container("main"), container("side")],
                "automountServiceAccountToken": false}});
        self.create("v1/pods", body).await.expect("a pod");
        let at = self.at("v1/pods", &name);
        let mut looks = tokio::time::interval(Duration::from_millis(100));
        for _ in 0..LOOKS_MAX {
            looks.tick().await;
            let pod = self.cluster.get(&at).await.expect("an answer").expect("it is there");
            if pod.to_value()["status"]["phase"] == "Running" {
                return at;
            }
        }
        panic!("{at} does not run: was the test cluster started with -kubelet?");
    }

    async fn delete(&self, pod: &ObjectRef) {
        self.cluster.delete(pod, &DeleteOptions::default()).await.expect("the pod can be deleted");
        let waited = self.cluster.wait(pod, &Condition::Gone, Duration::from_secs(60)).await.expect("a wait");
        assert_eq!(waited, Waited::Met, "{pod} does not go");
    }
}
