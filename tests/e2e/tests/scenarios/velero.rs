//! Backups in Velero's layout: one that Velero made, and one that was exported, come back through the same engine.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use kbackup_core::catalog::export_velero;
use kbackup_core::compare::Snapshot;
use kbackup_core::engine::Engine;
use kbackup_core::format::read_manifest;
use kbackup_core::issue::Severity;
use kbackup_core::model::{BackupName, Object, ObjectRef};
use kbackup_core::restore::RestorePlan;
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use kbackup_core::store::{MemoryStore, ObjectStore, PutMode};
use kbackup_e2e::target::Target;
use kbackup_e2e::{archive, fixtures};
use kbackup_sandbox::manifest::{Manifest, read_text};
use serde_json::Value;

const BACKUP: &str = "shop-monitoring";

pub(crate) async fn a_shop_that_velero_backed_up_comes_back(target: &Target) {
    comes_back(target, &fixtures::small_velero_bucket()).await;
}

pub(crate) async fn monitoring_and_a_shop_that_velero_backed_up_come_back(target: &Target) {
    if let Some(bucket) = fixtures::velero_bucket() {
        comes_back(target, &bucket).await;
    }
}

pub(crate) async fn a_shop_that_was_exported_comes_back_as_it_was(target: &Target) {
    let manifests = fixtures::shop();
    target.wipe(&manifests, &[]).await;
    target.load(&manifests).await;
    let before = target.snapshot().await;
    let (own, exported) = (Arc::new(MemoryStore::new()), Arc::new(MemoryStore::new()));
    let engine = Engine::shared(Arc::clone(&target.cluster), Arc::clone(&own) as Arc<dyn ObjectStore>);
    engine.backup(&name("shop"), &BackupSpec::default(), &Run::default()).await.expect("the backup is made");
    export_velero(&*own, &name("shop"), &*exported, &Run::default()).await.expect("it is exported");

    target.wipe(&manifests, &[]).await;
    restore(target, exported, "shop").await;
    let comparison = target.becomes(&before).await;
    target.wipe(&manifests, &[]).await;
    assert!(comparison.is_equal(), "{comparison}");
}

/// Restores the bucket's backup, and compares each object that was restored with the one in the tarball.
async fn comes_back(target: &Target, bucket: &Path) {
    let store = Arc::new(load(bucket).await);
    let manifest = read_manifest(&*store, &name(BACKUP)).await.expect("Velero's backup is there");
    assert!(manifest.is_velero());
    let archived = archive::objects(&*store, &manifest).await.expect("its tarball is whole");
    assert_eq!(archived.len() as u64, manifest.counts.objects);
    let manifests = manifests(&archived);
    target.wipe(&manifests, &[]).await;
    let with_status = target.snapshot().await.with_status;

    let plan = restore(target, Arc::clone(&store) as Arc<dyn ObjectStore>, BACKUP).await;
    let written = |at: &&ObjectRef| plan.steps().any(|step| step.is_write() && step.object == **at);
    let objects: BTreeMap<ObjectRef, Object> =
        archived.keys().filter(written).map(|at| (at.clone(), settled(&archived[at]))).collect();
    assert!(objects.len() * 10 > archived.len() * 8, "{} of {} objects are written", objects.len(), archived.len());
    let expected = Snapshot { objects, with_status };
    let comparison = target.becomes_among(&expected, settled).await;
    target.wipe(&manifests, &[]).await;
    assert!(comparison.is_equal(), "{comparison}");
}

/// What controllers and admission add to objects, and where: a cluster has them or not, and that in which Velero ran is not
/// the one of the scenario.
const ADDED: [(&str, &str, &[&str]); 4] = [
    ("Deployment", "/metadata/annotations", &["deployment.kubernetes.io/revision"]),
    (
        "Job",
        "/metadata/labels",
        &["batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name"],
    ),
    ("Pod", "/metadata", &["ownerReferences"]),
    ("Pod", "/spec", &["priority", "preemptionPolicy"]),
];

/// An object without what is [`ADDED`] to it. A map that is empty then is as good as none.
fn settled(object: &Object) -> Object {
    let mut value = object.to_value();
    for (_, place, fields) in ADDED.iter().filter(|(kind, ..)| *kind == object.meta().kind) {
        if let Some(map) = value.pointer_mut(place).and_then(Value::as_object_mut) {
            map.retain(|field, _| !fields.contains(&field.as_str()));
        }
    }
    without_token(&mut value);
    if let Some(metadata) = value["metadata"].as_object_mut() {
        metadata.retain(|_, field| field.as_object().is_none_or(|map| !map.is_empty()));
    }
    Object::from_value(&value).expect("it is still an object")
}

/// Admission mounts the token of the ServiceAccount into each container.
fn without_token(pod: &mut Value) {
    let is_token = |entry: &Value| entry["name"].as_str().is_some_and(|name| name.starts_with("kube-api-access-"));
    let places = ["/spec/volumes", "/spec/containers/0/volumeMounts"];
    for place in places {
        if let Some(list) = pod.pointer_mut(place).and_then(Value::as_array_mut) {
            list.retain(|entry| !is_token(entry));
        }
    }
}

async fn restore(target: &Target, store: Arc<dyn ObjectStore>, backup: &str) -> RestorePlan {
    let engine = Engine::shared(Arc::clone(&target.cluster), store);
    let (spec, run) = (RestoreSpec::from_backup(name(backup)), Run::default());
    let plan = engine.plan_restore(&name("back"), &spec, &run).await.expect("a plan");
    let report = engine.apply(&plan, &run).await.expect("the restore is done");
    let errors: Vec<_> = report.issues.iter().filter(|issue| issue.severity == Severity::Error).collect();
    assert!(report.counts.failed == 0 && errors.is_empty(), "{:?}\n{errors:#?}", report.counts);
    plan
}

/// What is to be wiped: the namespaces, and what is in none.
fn manifests(archived: &BTreeMap<ObjectRef, Object>) -> Vec<Manifest> {
    let of_the_cluster = archived.iter().filter(|(at, _)| at.namespace.is_none());
    let texts: Vec<String> =
        of_the_cluster.map(|(_, object)| String::from_utf8_lossy(object.raw()).into_owned()).collect();
    read_text("velero", &texts.join("\n---\n")).expect("objects are manifests")
}

/// The backups of a bucket, in memory: the original stays as it is.
async fn load(bucket: &Path) -> MemoryStore {
    let store = MemoryStore::new();
    let folder = bucket.join("backups").join(BACKUP);
    for file in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = file.expect("the folder can be read").path();
        let file = path.file_name().expect("it has a name").to_string_lossy().into_owned();
        let key = format!("backups/{BACKUP}/{file}").parse().expect("a key");
        let bytes = std::fs::read(&path).expect("it can be read");
        store.put(&key, bytes.into(), PutMode::Create).await.expect("stored");
    }
    store
}

fn name(name: &str) -> BackupName {
    name.parse().expect("a name")
}
