//! What a restore reads of a backup, and what it does about what it can't read.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use futures::stream::{BoxStream, StreamExt};
use kbackup_core::engine::Engine;
use kbackup_core::format::{BackupLayout, FormatError};
use kbackup_core::issue::{Code, Outcome};
use kbackup_core::model::{Gvr, ObjectRef};
use kbackup_core::restore::RestoreError;
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, ExistingPolicy, RestoreSpec};
use kbackup_core::store::{
    Capabilities, Children, Download, Key, MemoryStore, ObjectStore, ObjectStoreExt, Prefix, PutMode, StoreResult,
    Stored, Upload,
};
use serde_json::{Value, json};

use crate::world::{World, completed, configmap, in_shop, name, namespace, small};

/// Counts the bytes that are read of parts.
#[derive(Debug, Clone)]
struct CountingStore {
    inner: MemoryStore,
    read: Arc<AtomicU64>,
}

impl fmt::Display for CountingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for CountingStore {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn put(&self, key: &Key, body: Bytes, mode: PutMode) -> StoreResult<Stored> {
        self.inner.put(key, body, mode).await
    }

    async fn upload(&self, key: &Key, mode: PutMode) -> StoreResult<Box<dyn Upload>> {
        self.inner.upload(key, mode).await
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Download> {
        let counts = key.as_str().contains("/resources/");
        let (download, read) = (self.inner.get(key, range).await?, Arc::clone(&self.read));
        let body = download.body.inspect_ok(move |piece: &Bytes| {
            if counts {
                read.fetch_add(piece.len() as u64, Ordering::SeqCst);
            }
        });
        Ok(Download { body: body.boxed(), ..download })
    }

    async fn head(&self, key: &Key) -> StoreResult<Stored> {
        self.inner.head(key).await
    }

    fn list(&self, prefix: &Prefix) -> BoxStream<'_, StoreResult<Stored>> {
        self.inner.list(prefix)
    }

    async fn list_children(&self, prefix: &Prefix) -> StoreResult<Children> {
        self.inner.list_children(prefix).await
    }

    async fn delete(&self, keys: &[Key]) -> StoreResult<()> {
        self.inner.delete(keys).await
    }
}

/// A backup of many parts.
async fn in_many_parts() -> World {
    let world = World::new([namespace("shop")]);
    world.cluster.load((0..60).map(|n| configmap("shop", &format!("c{n:02}"), &"x".repeat(200)))).expect("they load");
    let made = world.engine().backup(&name("b"), &BackupSpec::default(), &small()).await.expect("it is made");
    assert!(made.manifest.parts.len() > 10, "{}", made.manifest.parts.len());
    world.elsewhere()
}

#[tokio::test]
async fn only_the_parts_with_something_wanted_are_read() {
    let world = in_many_parts().await;
    let store = CountingStore { inner: world.store.clone(), read: Arc::default() };
    let engine = Engine::new(world.cluster.clone(), store.clone());
    let manifest = engine.describe(&name("b")).await.expect("it exists");
    let whole: u64 = manifest.parts.iter().map(|part| part.file.bytes).sum();
    let largest = manifest.parts.iter().map(|part| part.file.bytes).max().expect("it has parts");

    let one = RestoreSpec::from_backup(name("b")).names(["configmaps/c30"]);
    let plan = engine.plan_restore(&name("r"), &one, &Run::default()).await.expect("planned");
    let read = store.read.load(Ordering::SeqCst);
    // The object, and its namespace.
    assert!(read > 0 && read <= 2 * largest, "{read} of {whole} bytes");
    completed(&engine.apply(&plan, &Run::default()).await.expect("applied"));
    assert!(world.get(&in_shop("configmaps", "c30")).is_some() && world.get(&in_shop("configmaps", "c31")).is_none());
}

#[tokio::test]
async fn of_what_was_not_touched_since_nothing_is_read() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    let store = CountingStore { inner: world.store.clone(), read: Arc::default() };
    let engine = Engine::new(world.cluster.clone(), store.clone());
    let spec = RestoreSpec::from_backup(name("b")).existing(ExistingPolicy::Update);
    let plan = engine.plan_restore(&name("r"), &spec, &Run::default()).await.expect("planned");
    assert_eq!(plan.counts().updated + plan.counts().created, 0);
    assert!(plan.counts().unchanged > 0);
    assert_eq!(store.read.load(Ordering::SeqCst), 0);
}

/// Changes a byte in the middle of a part.
async fn damage(world: &World, part: u32) {
    let key = BackupLayout::new(&name("b")).part(part);
    let mut bytes = world.store.get_bytes(&key, u64::MAX).await.expect("it is there").to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    world.store.put(&key, bytes.into(), PutMode::Overwrite).await.expect("it is written");
}

#[tokio::test]
async fn of_a_damaged_backup_nothing_is_restored_unless_that_is_asked_for() {
    let world = in_many_parts().await;
    let manifest = world.engine().describe(&name("b")).await.expect("it exists");
    let damaged = manifest.parts[manifest.parts.len() / 2].number;
    damage(&world, damaged).await;
    let before = world.cluster.revision();
    let spec = RestoreSpec::from_backup(name("b"));
    let refused = world.engine().plan_restore(&name("r"), &spec, &Run::default()).await;
    assert!(matches!(refused, Err(RestoreError::Backup(FormatError::Damaged { .. }))), "{refused:?}");
    assert_eq!(world.cluster.revision(), before, "nothing was applied");

    let report = world.restore("r", &RestoreSpec { skip_damaged: true, ..spec }).await;
    assert_eq!(report.outcome, Outcome::PartiallyFailed);
    assert!(report.counts.failed > 0 && report.counts.created > 30, "{:?}", report.counts);
    let index = manifest.read_index(&world.store).await.expect("it is whole");
    let missing: Vec<&ObjectRef> = report
        .issues
        .iter()
        .filter(|issue| issue.code == Code::Damaged)
        .filter_map(|issue| issue.object.as_ref())
        .collect();
    assert_eq!(missing.len() as u64, report.counts.failed);
    assert!(missing.iter().all(|object| world.get(object).is_none()));
    let held = index.iter().filter(|line| line.part == damaged).map(kbackup_core::format::IndexLine::object);
    assert!(missing.iter().all(|object| held.clone().any(|held| held == **object)), "{missing:?}");
}

/// A definition with these versions, the first of which is stored.
fn crd(versions: &[&str], strategy: &str) -> Value {
    let version = |(number, name): (usize, &&str)| {
        json!({ "name": name, "served": true, "storage": number == 0,
            "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } } })
    };
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "gadgets.example.com" },
        "spec": {
            "group": "example.com", "scope": "Namespaced", "conversion": { "strategy": strategy },
            "names": { "plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList" },
            "versions": versions.iter().enumerate().map(version).collect::<Vec<_>>()
        }
    })
}

#[tokio::test]
async fn a_version_that_the_target_does_not_serve_is_another_one_by_name_or_refused() {
    let gadget = json!({ "apiVersion": "example.com/v2", "kind": "Gadget", "metadata": { "namespace": "shop", "name": "g" },
        "spec": { "size": 3 } });
    let world = World::new([namespace("shop"), crd(&["v2", "v1"], "None")]);
    world.cluster.load([gadget]).expect("it loads");
    world.back_up("b", &BackupSpec::default()).await;
    let at = ObjectRef::namespaced(Gvr::new("example.com", "v1", "gadgets"), "shop", "g");

    let older = World { cluster: kbackup_core::cluster::MemoryCluster::new(), ..world.clone() };
    older.cluster.load([crd(&["v1"], "None")]).expect("it loads");
    let report = older.restore("r1", &RestoreSpec::from_backup(name("b"))).await;
    completed(&report);
    let restored = older.get(&at).expect("it is there");
    assert_eq!((restored["apiVersion"].clone(), restored["spec"]["size"].clone()), (json!("example.com/v1"), json!(3)));
    let again = older.restore("r2", &RestoreSpec::from_backup(name("b"))).await;
    assert_eq!(again.counts.created, 0, "{:?}", again.counts);

    let updated = World { cluster: kbackup_core::cluster::MemoryCluster::new(), ..world.clone() };
    updated.cluster.load([crd(&["v1"], "None")]).expect("it loads");
    completed(&updated.restore("r3", &RestoreSpec::from_backup(name("b")).existing(ExistingPolicy::Update)).await);
    assert!(updated.get(&ObjectRef { gvr: Gvr::new("example.com", "v2", "gadgets"), ..at.clone() }).is_some());

    let webhook = World { cluster: kbackup_core::cluster::MemoryCluster::new(), ..world };
    let mut definition = crd(&["v1"], "Webhook");
    definition["spec"]["conversion"]["webhook"] = json!({ "conversionReviewVersions": ["v1"],
        "clientConfig": { "url": "https://example.com" } });
    webhook.cluster.load([definition]).expect("it loads");
    let report = webhook.restore("r4", &RestoreSpec::from_backup(name("b"))).await;
    assert_eq!((report.outcome, report.counts.failed), (Outcome::PartiallyFailed, 1));
    let issue = report.issues.iter().find(|issue| issue.code == Code::TypeNotServed).expect("it says so");
    assert!(issue.message.contains("in v1, not in v2"), "{issue}");
}

/// A shop whose claim has a volume, and whose account has rights in the cluster; and others of both that nobody needs.
fn with_needs() -> World {
    let volume = |name: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
            "spec": {"storageClassName": "fast", "capacity": {"storage": "1Gi"}}})
    };
    let class = |name: &str| json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}, "provisioner": "x"});
    let role = |name: &str| json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": []});
    let binding = |name: &str, account: &str| {
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "namespace": "shop", "name": account}]})
    };
    World::new([
        namespace("shop"),
        namespace("web"),
        configmap("web", "a", "1"),
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"namespace": "shop", "name": "data"},
            "spec": {"volumeName": "pv", "storageClassName": "fast"}}),
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": "shop", "name": "till"}}),
        volume("pv"),
        volume("other"),
        class("fast"),
        class("slow"),
        role("count"),
        role("look"),
        binding("count", "till"),
        binding("look", "nobody"),
    ])
}

#[tokio::test]
async fn a_part_comes_with_what_it_needs_of_the_cluster() {
    let world = with_needs();
    world.back_up("b", &BackupSpec::default()).await;
    let restored = async |spec: RestoreSpec| {
        let target = world.elsewhere();
        let plan = target.plan(&spec).await;
        let of_cluster = plan.steps().filter(|step| step.object.namespace.is_none());
        of_cluster.map(|step| format!("{}/{}", step.object.gvr.plural, step.object.name)).collect::<Vec<_>>()
    };
    let spec = || RestoreSpec::from_backup(name("b"));
    let mut of_shop = restored(spec().namespaces(["shop"])).await;
    of_shop.sort();
    let needed = [
        "clusterrolebindings/count",
        "clusterroles/count",
        "namespaces/shop",
        "persistentvolumes/pv",
        "storageclasses/fast",
    ];
    assert_eq!(of_shop, needed);
    assert_eq!(restored(spec().namespaces(["web"])).await, ["namespaces/web"]);
    let alone = RestoreSpec { include_cluster_resources: Some(false), ..spec().namespaces(["shop"]) };
    assert_eq!(restored(alone).await, ["namespaces/shop"]);
    let without =
        RestoreSpec { excluded_resources: vec!["persistentvolumes".to_owned()], ..spec().namespaces(["shop"]) };
    assert!(!restored(without).await.contains(&"persistentvolumes/pv".to_owned()), "what is excluded stays away");
}
