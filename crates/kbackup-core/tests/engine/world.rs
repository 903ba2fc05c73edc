//! What the tests share: a small cluster, a store, and the words to speak of them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::TryStreamExt;
use futures::stream::BoxStream;
use kbackup_core::backup::BackupReport;
use kbackup_core::cluster::{
    At, ClusterInfo, ClusterReader, ClusterResult, ClusterWriter, Condition, Created, DeleteOptions, ListQuery,
    MemoryCluster, Page, PageSize, Part, Patch, Waited, WriteOptions,
};
use kbackup_core::crypt::{Identities, Keyring, Protection, Recipients, SigningKey};
use kbackup_core::engine::Engine;
use kbackup_core::format::{Access, read_manifest};
use kbackup_core::issue::Outcome;
use kbackup_core::limits::Limits;
use kbackup_core::model::{BackupName, Discovery, Gvr, LabelSelector, Object, ObjectRef, ResourceType, Revision};
use kbackup_core::report::RestoreReport;
use kbackup_core::restore::RestorePlan;
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use kbackup_core::store::{MemoryStore, ObjectStore};
use serde_json::{Value, json};

/// A cluster and a store, and the keys that its backups are made and read with.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) cluster: MemoryCluster,
    pub(crate) store: MemoryStore,
    pub(crate) protection: Protection,
    pub(crate) keyring: Keyring,
}

/// A new identity: its recipient, and what opens.
pub(crate) fn identity() -> (String, Identities) {
    let new = Identities::generate();
    (new.recipient(), Identities::parse(new.file("").as_bytes(), None).expect("it is one"))
}

pub(crate) fn name(name: &str) -> BackupName {
    name.parse().expect("a valid name")
}

pub(crate) fn configmap(namespace: &str, name: &str, value: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "namespace": namespace, "name": name, "labels": { "app": name } },
        "data": { "value": value }
    })
}

pub(crate) fn namespace(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "annotations": { "owner": "ops" } } })
}

pub(crate) fn widget_crd() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "widgets.example.com" },
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": { "plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList" },
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } }
            }]
        }
    })
}

pub(crate) fn widget(namespace: &str, name: &str) -> Value {
    json!({ "apiVersion": "example.com/v1", "kind": "Widget", "metadata": { "namespace": namespace, "name": name }, "spec": { "size": 3 } })
}

impl World {
    pub(crate) fn new(objects: impl IntoIterator<Item = Value>) -> Self {
        let cluster = MemoryCluster::new();
        cluster.load(objects).expect("the objects load");
        Self { cluster, store: MemoryStore::new(), protection: Protection::default(), keyring: Keyring::default() }
    }

    /// Two namespaces with a little of everything.
    pub(crate) fn shop() -> Self {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "namespace": "shop", "name": "key" },
            "data": { "token": "aHVudGVyMg==" }
        });
        let role = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": { "namespace": "shop", "name": "system:reader" }, "rules": []
        });
        Self::new([
            namespace("shop"),
            namespace("web"),
            configmap("shop", "a", "1"),
            configmap("shop", "b", "2"),
            configmap("web", "a", "3"),
            secret,
            role,
            widget_crd(),
            widget("shop", "w1"),
        ])
    }

    /// An empty cluster with the same store.
    pub(crate) fn elsewhere(&self) -> Self {
        Self { cluster: MemoryCluster::new(), ..self.clone() }
    }

    pub(crate) fn engine(&self) -> Engine {
        Engine::new(self.cluster.clone(), self.store.clone())
            .protect(self.protection.clone())
            .unlock(self.keyring.clone())
    }

    /// The same world, whose backups are encrypted and signed.
    pub(crate) fn protected(self) -> Self {
        let (recipient, identities) = identity();
        let signer = SigningKey::generate().expect("there is randomness");
        let recipients = Recipients::of([recipient]).expect("it is one");
        let keyring = Keyring::default().identities(identities).trust(signer.public().expect("it is whole"));
        Self { protection: Protection::default().encrypt(recipients).sign(signer), keyring, ..self }
    }

    pub(crate) fn access(&self) -> Access<'_> {
        Access::new(&self.store, &self.keyring)
    }

    pub(crate) async fn back_up(&self, as_name: &str, spec: &BackupSpec) -> BackupReport {
        let report = self.engine().backup(&name(as_name), spec, &Run::default()).await.expect("the backup is made");
        assert_eq!(report.manifest, read_manifest(self.access(), &name(as_name)).await.expect("it exists"));
        report
    }

    pub(crate) async fn plan(&self, spec: &RestoreSpec) -> RestorePlan {
        self.engine().plan_restore(&name("r"), spec, &Run::default()).await.expect("the restore can be planned")
    }

    pub(crate) async fn restore(&self, as_name: &str, spec: &RestoreSpec) -> RestoreReport {
        let engine = self.engine();
        let plan =
            engine.plan_restore(&name(as_name), spec, &Run::default()).await.expect("the restore can be planned");
        engine.apply(&plan, &Run::default()).await.expect("the plan can be applied")
    }

    /// The names of what a backup holds of a type, as `namespace/name` or `name`.
    pub(crate) async fn held(&self, backup: &str, plural: &str) -> Vec<String> {
        let manifest = read_manifest(self.access(), &name(backup)).await.expect("it exists");
        let index = manifest.read_index(self.access()).await.expect("its index is whole");
        let own = index.iter().filter(|line| line.gvr.plural == plural);
        own.map(|line| line.ns.iter().map(String::as_str).chain([line.name.as_str()]).collect::<Vec<_>>().join("/"))
            .collect()
    }

    pub(crate) fn get(&self, at: &ObjectRef) -> Option<Value> {
        self.cluster.get(at).ok().map(|object| object.to_value())
    }

    pub(crate) fn delete(&self, at: &ObjectRef) {
        self.cluster.delete(at, &DeleteOptions::default()).expect("it can be deleted");
    }
}

pub(crate) fn core(plural: &str) -> Gvr {
    Gvr::new("", "v1", plural)
}

pub(crate) fn in_shop(plural: &str, name: &str) -> ObjectRef {
    ObjectRef::namespaced(core(plural), "shop", name)
}

pub(crate) fn completed(report: &RestoreReport) {
    assert_eq!(report.outcome, Outcome::Completed, "{:#?}", report.issues);
    assert_eq!(report.counts.failed, 0);
}

/// Every object of a type in a cluster, at a revision.
pub(crate) async fn all(cluster: &dyn ClusterReader, gvr: &Gvr, at: At) -> Vec<Object> {
    let discovery = cluster.discover().await.expect("it can be discovered");
    let query = ListQuery {
        ty: discovery.get(gvr).expect("the type is served").clone(),
        namespace: None,
        labels: LabelSelector::default(),
        name: None,
        at,
        page: PageSize { objects_max: 100, bytes_target: 1 << 20 },
        metadata_only: false,
    };
    let pages: Vec<Page> = cluster.list(&query).try_collect().await.expect("it can be listed");
    pages.into_iter().flat_map(|page| page.objects).collect()
}

/// Small pages and parts, so that few objects make many.
pub(crate) fn small() -> Run {
    Run::default().limits(Limits {
        page_objects_max: 2,
        part_bytes_raw: 2_000,
        upload_piece_bytes: 512,
        ..Limits::default()
    })
}

/// A cluster in which something happens between two pages of every list.
pub(crate) struct Meddled {
    inner: MemoryCluster,
    meddle: Arc<dyn Fn(&MemoryCluster, &ListQuery, usize) -> ClusterResult<()> + Send + Sync>,
    /// So many creates are answered, and no other.
    creates_left: Arc<AtomicUsize>,
}

impl Meddled {
    /// `meddle` is called before each page, with the number of pages that the list has given.
    pub(crate) fn new(
        inner: &MemoryCluster,
        meddle: impl Fn(&MemoryCluster, &ListQuery, usize) -> ClusterResult<()> + Send + Sync + 'static,
    ) -> Self {
        Self { inner: inner.clone(), meddle: Arc::new(meddle), creates_left: Arc::new(AtomicUsize::new(usize::MAX)) }
    }

    /// A cluster that answers so many creates, and then none.
    pub(crate) fn hanging(inner: &MemoryCluster, creates: usize) -> Self {
        let meddled = Self::new(inner, |_, _, _| Ok(()));
        meddled.creates_left.store(creates, Ordering::SeqCst);
        meddled
    }
}

impl fmt::Debug for Meddled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meddled")
    }
}

#[async_trait]
impl ClusterReader for Meddled {
    async fn info(&self) -> ClusterResult<ClusterInfo> {
        self.inner.info().await
    }

    async fn discover(&self) -> ClusterResult<Discovery> {
        self.inner.discover().await
    }

    async fn revision(&self) -> ClusterResult<Revision> {
        ClusterReader::revision(&self.inner).await
    }

    fn list(&self, query: &ListQuery) -> BoxStream<'_, ClusterResult<Page>> {
        let (query, pages) = (query.clone(), self.inner.list(query));
        let state = (pages, 0, query);
        Box::pin(futures::stream::try_unfold(state, move |(mut pages, number, query)| async move {
            (self.meddle)(&self.inner, &query, number)?;
            let page = pages.try_next().await?;
            Ok(page.map(|page| (page, (pages, number + 1, query))))
        }))
    }

    async fn get(&self, object: &ObjectRef) -> ClusterResult<Option<Object>> {
        ClusterReader::get(&self.inner, object).await
    }
}

#[async_trait]
impl ClusterWriter for Meddled {
    async fn create(&self, ty: &ResourceType, object: &Object, options: &WriteOptions) -> ClusterResult<Created> {
        let left = self.creates_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_err() {
            std::future::pending::<()>().await;
        }
        ClusterWriter::create(&self.inner, ty, object, options).await
    }

    async fn replace(
        &self,
        at: &ObjectRef,
        object: &Object,
        part: Part,
        options: &WriteOptions,
    ) -> ClusterResult<Object> {
        ClusterWriter::replace(&self.inner, at, object, part, options).await
    }

    async fn patch(&self, at: &ObjectRef, patch: &Patch, part: Part, options: &WriteOptions) -> ClusterResult<Object> {
        ClusterWriter::patch(&self.inner, at, patch, part, options).await
    }

    async fn delete(&self, at: &ObjectRef, options: &DeleteOptions) -> ClusterResult<()> {
        ClusterWriter::delete(&self.inner, at, options).await
    }

    async fn wait(&self, at: &ObjectRef, until: &Condition, limit: std::time::Duration) -> ClusterResult<Waited> {
        self.inner.wait(at, until, limit).await
    }
}

/// Every object of a store, by key.
pub(crate) async fn keys(store: &dyn ObjectStore) -> Vec<String> {
    let root = kbackup_core::store::Prefix::root();
    store.list(&root).map_ok(|stored| stored.key.to_string()).try_collect().await.expect("it can be listed")
}
