//! The namespace that one function of the suite has for itself.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, TryStreamExt};
use serde_json::{Value, json};

use crate::cluster::{
    At, ClusterErrorKind, ClusterResult, ClusterWriter, Condition, Created, DeleteOptions, ListQuery, Page, PageSize,
    Part, Patch, Waited, WriteOptions,
};
use crate::model::{Gvr, LabelSelector, Object, ObjectRef, ResourceType};

/// How long a real cluster may take for what its controllers do.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// The label that all objects of a function have: a real cluster puts others into every namespace.
const LABEL: (&str, &str) = ("conformance.kbackup.dev/part", "yes");

/// A namespace of its own in a cluster, and the type that most functions write.
pub(super) struct Area {
    pub(super) cluster: Arc<dyn ClusterWriter>,
    pub(super) namespace: String,
    pub(super) config_maps: Arc<ResourceType>,
}

impl Area {
    /// Makes a namespace, runs `function` in it, and deletes it whatever happens.
    pub(super) async fn run<F: Future<Output = ()>>(
        cluster: &Arc<dyn ClusterWriter>,
        function: impl FnOnce(Arc<Self>) -> F,
    ) {
        let area = Arc::new(Self::new(cluster.clone()).await);
        let outcome = AssertUnwindSafe(function(area.clone())).catch_unwind().await;
        let deleted = cluster.delete(&area.place(), &DeleteOptions::default()).await;
        if let Err(panicked) = outcome {
            std::panic::resume_unwind(panicked);
        }
        deleted.expect("the namespace can be deleted");
    }

    async fn new(cluster: Arc<dyn ClusterWriter>) -> Self {
        let discovery = cluster.discover().await.expect("discovery");
        let ty = |plural| discovery.get(&Gvr::new("", "v1", plural)).cloned();
        let namespaces = ty("namespaces").expect("every cluster has namespaces");
        let namespace = format!("kbackup-conformance-{}", unique());
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        let object = Object::from_value(&body).expect("an object");
        let created = cluster.create(&namespaces, &object, &WriteOptions::default()).await.expect("a namespace");
        assert!(matches!(created, Created::New(_)), "the namespace {namespace} was there already");
        Self { cluster, namespace, config_maps: ty("configmaps").expect("every cluster has configmaps") }
    }

    /// The namespace itself.
    pub(super) fn place(&self) -> ObjectRef {
        ObjectRef::cluster(Gvr::new("", "v1", "namespaces"), &self.namespace)
    }

    /// The ConfigMap of this name.
    pub(super) fn at(&self, name: &str) -> ObjectRef {
        ObjectRef::namespaced(self.config_maps.gvr.clone(), &self.namespace, name)
    }

    /// A ConfigMap that could be created.
    pub(super) fn config_map(&self, name: &str, data: &str) -> Object {
        self.config_map_with(name, data, &json!({}))
    }

    /// A ConfigMap with further metadata.
    pub(super) fn config_map_with(&self, name: &str, data: &str, metadata: &Value) -> Object {
        let mut body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"key": data}});
        body["metadata"]["name"] = json!(name);
        body["metadata"]["namespace"] = json!(self.namespace);
        body["metadata"]["labels"][LABEL.0] = json!(LABEL.1);
        Object::from_value(&body).expect("an object")
    }

    pub(super) async fn try_create(&self, object: &Object) -> ClusterResult<Created> {
        self.cluster.create(&self.config_maps, object, &WriteOptions::default()).await
    }

    /// Creates an object that was not there.
    pub(super) async fn create(&self, object: &Object) -> Object {
        match self.try_create(object).await {
            Ok(Created::New(created)) => created,
            Ok(Created::Exists) => panic!("{object} was there already"),
            Err(error) => panic!("{object} cannot be created: {error}"),
        }
    }

    /// Changes the one value of a ConfigMap.
    pub(super) async fn change(&self, name: &str, data: &str) -> Object {
        self.merge(name, json!({"data": {"key": data}})).await
    }

    pub(super) async fn merge(&self, name: &str, change: Value) -> Object {
        let patched = self.patch(name, Patch::Merge(change), &WriteOptions::default()).await;
        patched.unwrap_or_else(|error| panic!("{name} cannot be changed: {error}"))
    }

    pub(super) async fn patch(&self, name: &str, patch: Patch, options: &WriteOptions) -> ClusterResult<Object> {
        self.cluster.patch(&self.at(name), &patch, Part::Main, options).await
    }

    pub(super) async fn get(&self, name: &str) -> Option<Object> {
        self.cluster.get(&self.at(name)).await.expect("a get")
    }

    /// A list of what the function created.
    pub(super) fn query(&self) -> ListQuery {
        ListQuery {
            ty: self.config_maps.clone(),
            namespace: Some(self.namespace.clone()),
            labels: LabelSelector::label(LABEL.0, LABEL.1),
            name: None,
            at: At::Newest,
            page: PageSize { objects_max: 500, bytes_target: 16 << 20 },
            metadata_only: false,
        }
    }

    pub(super) async fn pages(&self, query: &ListQuery) -> Vec<Page> {
        self.cluster.list(query).try_collect().await.unwrap_or_else(|error| panic!("a list failed: {error}"))
    }

    /// What a list finds: name and value of each.
    pub(super) async fn found(&self, query: &ListQuery) -> Vec<(String, String)> {
        let objects = self.pages(query).await.into_iter().flat_map(|page| page.objects);
        objects.map(|object| (object.meta().name.clone(), data_of(&object))).collect()
    }

    /// Waits for what the cluster does by itself.
    pub(super) async fn wait(&self, at: &ObjectRef, until: &Condition) {
        let waited = self.cluster.wait(at, until, PATIENCE).await.expect("a wait");
        assert_eq!(waited, Waited::Met, "{at} did not become {until:?} within {PATIENCE:?}");
    }
}

/// The one value of a ConfigMap; empty where it has none.
pub(super) fn data_of(object: &Object) -> String {
    object.to_value()["data"]["key"].as_str().unwrap_or_default().to_owned()
}

/// A part of a name that nobody else uses.
pub(in crate::conformance) fn unique() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..10].to_owned()
}

/// That a call failed, and as what.
pub(in crate::conformance) fn assert_kind<T>(result: ClusterResult<T>, expect: ClusterErrorKind, what: &str) {
    match result {
        Ok(_) => panic!("{what} succeeded instead of failing as {expect:?}"),
        Err(error) => {
            assert_eq!(error.kind(), expect, "{what}: {error}");
            assert!(!error.to_string().contains('\n'), "{what}: the message is not one line: {error}");
        }
    }
}
