//! Against API servers: the sandbox always, and a real one where there is one: the cluster of the kubeconfig that
//! `KBACKUP_TEST_KUBECONFIG` names, which is written to (and that of `KBACKUP_TEST_FORGETFUL_KUBECONFIG`, which forgets its
//! history within half a minute). Without it the tests of the real one say that they were skipped; with
//! `KBACKUP_TEST_REQUIRE=1` they fail then.

mod contract;
mod reading;
mod writing;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::TryStreamExt;
use kbackup_core::cluster::{
    At, ClusterReader, ClusterResult, ClusterWriter, Created, DeleteOptions, ListQuery, Page, PageSize, WriteOptions,
};
use kbackup_core::model::{Discovery, Gvr, LabelSelector, Object, ObjectRef, ResourceType};
use kbackup_kube::{CallLimits, ConnectOptions, KubeCluster};
use kbackup_sandbox::Sandbox;
use serde_json::{Value, json};

/// Makes tests of functions: one a server.
macro_rules! tests {
    ($server:ident: $($module:ident::$name:ident,)+) => {
        mod $server {
            $(#[tokio::test]
            async fn $name() {
                if let Some(tested) = super::Tested::$server().await {
                    super::$module::$name(tested).await;
                }
            })+
        }
    };
}

// The sandbox has no aggregated APIs, no schemas and no record of who manages fields.
tests! { sandbox:
    contract::all,
    reading::tells_who_it_is,
    reading::every_type_lists_at_one_revision,
    reading::an_exact_list_is_as_it_was,
    reading::lists_can_be_narrowed,
    reading::what_is_not_there_is_none_or_not_found,
    writing::objects_are_created_once,
    writing::objects_are_changed_in_every_way,
    writing::the_status_is_a_part_of_its_own,
    writing::objects_are_deleted_if_they_are_the_right_ones,
    writing::waits_end_when_the_condition_holds_or_the_time_is_over,
    writing::a_new_type_is_waited_for_and_served,
}

tests! { forgetful:
    contract::a_server_forgets_in_its_own_time,
}

tests! { real:
    contract::all,
    contract::commands_run_in_pods,
    reading::tells_who_it_is,
    reading::every_type_lists_at_one_revision,
    reading::an_exact_list_is_as_it_was,
    reading::lists_can_be_narrowed,
    reading::what_is_not_there_is_none_or_not_found,
    reading::an_api_without_a_server_is_reported_and_costs_nothing_else,
    writing::objects_are_created_once,
    writing::refusals_say_why,
    writing::objects_are_changed_in_every_way,
    writing::the_status_is_a_part_of_its_own,
    writing::objects_are_deleted_if_they_are_the_right_ones,
    writing::waits_end_when_the_condition_holds_or_the_time_is_over,
    writing::a_new_type_is_waited_for_and_served,
    writing::writes_are_recorded_as_ours,
}

/// A cluster to test with, and a namespace of the test's own in it.
#[derive(Debug)]
struct Tested {
    cluster: KubeCluster,
    discovery: Discovery,
    namespace: String,
}

impl Tested {
    /// A new sandbox, without a socket.
    async fn sandbox() -> Option<Self> {
        let client = kube::Client::new(Sandbox::default(), "default");
        Some(Self::new(KubeCluster::new(client, "https://sandbox", CallLimits::default())).await)
    }

    /// The real cluster, where there is one.
    async fn real() -> Option<Self> {
        Self::named("KBACKUP_TEST_KUBECONFIG").await
    }

    /// The real cluster that forgets its history soon, where there is one.
    async fn forgetful() -> Option<Self> {
        Self::named("KBACKUP_TEST_FORGETFUL_KUBECONFIG").await
    }

    async fn named(variable: &str) -> Option<Self> {
        let Some(kubeconfig) = std::env::var_os(variable) else {
            assert!(
                std::env::var_os("KBACKUP_TEST_REQUIRE").is_none_or(|value| value != "1"),
                "KBACKUP_TEST_REQUIRE=1, and {variable} names no cluster"
            );
            eprintln!("skipped: {variable} names no cluster");
            return None;
        };
        let options = ConnectOptions { kubeconfig: Some(kubeconfig.into()), ..ConnectOptions::default() };
        Some(Self::new(KubeCluster::connect(&options).await.expect("the cluster answers")).await)
    }

    async fn new(cluster: KubeCluster) -> Self {
        let discovery = cluster.discover().await.expect("discovery");
        let tested = Self { cluster, discovery, namespace: unique("kube-port") };
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": tested.namespace}});
        tested.create("v1/namespaces", namespace).await.expect("the namespace is created");
        tested
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
        name: None,
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
