//! Against a real API server: the cluster of the kubeconfig that `KBACKUP_TEST_KUBECONFIG` names, which is written to.
//! Without it these tests say that they were skipped; with `KBACKUP_TEST_REQUIRE=1` they fail then.

mod reading;
mod writing;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::TryStreamExt;
use kbackup_core::cluster::{
    At, ClusterReader, ClusterResult, ClusterWriter, Created, DeleteOptions, ListQuery, Page, PageSize, WriteOptions,
};
use kbackup_core::model::{Discovery, Gvr, LabelSelector, Object, ObjectRef, ResourceType};
use kbackup_kube::{ConnectOptions, KubeCluster};
use serde_json::{Value, json};

/// The real cluster, where there is one, and a namespace of the test's own in it.
struct Real {
    cluster: KubeCluster,
    discovery: Discovery,
    namespace: String,
}

impl Real {
    async fn new() -> Option<Self> {
        let Some(kubeconfig) = std::env::var_os("KBACKUP_TEST_KUBECONFIG") else {
            assert!(
                std::env::var_os("KBACKUP_TEST_REQUIRE").is_none_or(|value| value != "1"),
                "KBACKUP_TEST_REQUIRE=1, and KBACKUP_TEST_KUBECONFIG names no cluster"
            );
            eprintln!("skipped: KBACKUP_TEST_KUBECONFIG names no cluster");
            return None;
        };
        let options = ConnectOptions { kubeconfig: Some(kubeconfig.into()), ..ConnectOptions::default() };
        let cluster = KubeCluster::connect(&options).await.expect("the cluster answers");
        let discovery = cluster.discover().await.expect("discovery");
        let real = Self { cluster, discovery, namespace: unique("kube-port") };
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": real.namespace}});
        real.create("v1/namespaces", namespace).await.expect("the namespace is created");
        Some(real)
    }

    fn ty(&self, gvr: &str) -> Arc<ResourceType> {
        Arc::clone(self.discovery.get(&gvr.parse().expect("a gvr")).expect("the type is served"))
    }

    async fn create(&self, gvr: &str, object: Value) -> ClusterResult<Created> {
        self.cluster.create(&self.ty(gvr), &parse(&object), &WriteOptions::default()).await
    }

    /// A ConfigMap of the test's namespace.
    fn config_map(&self, name: &str, data: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"key": data},
            "metadata": {"name": name, "namespace": self.namespace, "labels": {"name": name}}})
    }

    fn at(&self, gvr: &str, name: &str) -> ObjectRef {
        ObjectRef::namespaced(gvr.parse().expect("a gvr"), &self.namespace, name)
    }

    /// A list of the ConfigMaps of the test's namespace.
    fn config_maps(&self) -> ListQuery {
        ListQuery { namespace: Some(self.namespace.clone()), ..all_of(self.ty("v1/configmaps")) }
    }

    async fn list(&self, query: &ListQuery) -> ClusterResult<Vec<Page>> {
        self.cluster.list(query).try_collect().await
    }

    /// Asks for the deletion of the test's namespace, and of all that is in it.
    async fn clean_up(self) {
        let namespace = ObjectRef::cluster(Gvr::new("", "v1", "namespaces"), &self.namespace);
        self.cluster.delete(&namespace, &DeleteOptions::default()).await.expect("the namespace goes");
    }
}

fn all_of(ty: Arc<ResourceType>) -> ListQuery {
    ListQuery {
        ty,
        namespace: None,
        labels: LabelSelector::default(),
        at: At::Newest,
        page: PageSize { objects_max: 5_000, bytes_target: 16 << 20 },
        metadata_only: false,
    }
}

fn parse(object: &Value) -> Object {
    Object::from_value(object).expect("an object")
}

/// A name that no other test and no earlier run has.
fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_millis();
    format!("{name}-{now}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
