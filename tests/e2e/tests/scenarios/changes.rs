//! Objects are changed on their way back: by what the target has already, by rules, and by what was asked for.

use std::sync::Arc;

use kbackup_core::cluster::{Created, DeleteOptions, Part, Patch, WriteOptions};
use kbackup_core::engine::Engine;
use kbackup_core::issue::{Code, Severity};
use kbackup_core::model::{Gvr, Object, ObjectRef};
use kbackup_core::report::RestoreReport;
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, RestoreSpec, RestoreStatus};
use kbackup_core::store::MemoryStore;
use kbackup_e2e::target::Target;
use kbackup_sandbox::manifest::{Manifest, read_text};
use serde_json::{Value, json};

fn manifests(text: &str) -> Vec<Manifest> {
    read_text("changes", text).expect("the manifests are valid")
}

fn engine(target: &Target) -> Engine {
    Engine::shared(Arc::clone(&target.cluster), Arc::new(MemoryStore::new()))
}

async fn back_up(engine: &Engine, namespaces: &[&str]) {
    let spec = BackupSpec::default().namespaces(namespaces.iter().copied());
    let report = engine.backup(&"b".parse().expect("a name"), &spec, &Run::default()).await;
    report.expect("the backup is made");
}

fn from_backup() -> RestoreSpec {
    RestoreSpec::from_backup("b".parse().expect("a name"))
}

async fn restore(engine: &Engine, spec: &RestoreSpec) -> RestoreReport {
    let (name, run) = ("r".parse().expect("a name"), Run::default());
    let plan = engine.plan_restore(&name, spec, &run).await.expect("a plan");
    let report = engine.apply(&plan, &run).await.expect("the restore is done");
    let errors: Vec<_> = report.issues.iter().filter(|issue| issue.severity == Severity::Error).collect();
    assert!(report.counts.failed == 0 && errors.is_empty(), "{:?} {errors:#?}", report.counts);
    report
}

async fn get(target: &Target, ty: &str, namespace: &str, name: &str) -> Value {
    let at = ObjectRef::namespaced(ty.parse::<Gvr>().expect("a type"), namespace, name);
    target.cluster.get(&at).await.expect("it can be read").unwrap_or_else(|| panic!("{at} is there")).to_value()
}

async fn create(target: &Target, ty: &str, object: &Value) -> Value {
    let discovery = target.cluster.discover().await.expect("the types are known");
    let ty = discovery.get(&ty.parse().expect("a type")).expect("it is served");
    let object = Object::from_value(object).expect("an object");
    match target.cluster.create(ty, &object, &WriteOptions::default()).await.expect("it is accepted") {
        Created::New(created) => created.to_value(),
        Created::Exists => panic!("{object} exists already"),
    }
}

fn service(namespace: &str, name: &str, spec: &Value) -> Value {
    let mut spec = spec.clone();
    if spec["ports"].is_null() {
        spec["ports"] = json!([{}]);
    }
    spec["ports"][0]["port"] = 80.into();
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": namespace, "name": name}, "spec": spec})
}

/// The Service `web` as kubectl applies it: what somebody asked for stands in an annotation. A real server also records it
/// in the managed fields.
fn applied(namespace: &str, spec: &Value) -> Value {
    let mut web = service(namespace, "web", spec);
    let text = web.to_string();
    web["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": text});
    web
}

/// A Service whose address and port another one has by now is created with others.
pub(crate) async fn a_taken_address_and_port_are_given_up(target: &Target) {
    let spaces = manifests(
        "{apiVersion: v1, kind: Namespace, metadata: {name: taken}}\n---\n{apiVersion: v1, kind: Namespace, metadata: {name: taker}}",
    );
    target.wipe(&spaces, &[]).await;
    target.load(&spaces).await;
    // Which addresses there are is the cluster's to say.
    let probe = create(target, "v1/services", &service("taker", "probe", &json!({}))).await;
    let ip = probe["spec"]["clusterIP"].clone();
    target
        .cluster
        .delete(&ObjectRef::namespaced(Gvr::new("", "v1", "services"), "taker", "probe"), &DeleteOptions::default())
        .await
        .expect("it goes");
    let asked = json!({"type": "NodePort", "clusterIP": ip, "ports": [{"nodePort": 30_991}]});
    create(target, "v1/services", &applied("taken", &asked)).await;
    let engine = engine(target);
    back_up(&engine, &["taken"]).await;

    target.wipe(&spaces, &[]).await;
    target.load(&spaces[1..]).await;
    create(target, "v1/services", &service("taker", "ip", &json!({"clusterIP": ip}))).await;
    create(
        target,
        "v1/services",
        &service("taker", "port", &json!({"type": "NodePort", "ports": [{"nodePort": 30_991}]})),
    )
    .await;
    let report = restore(&engine, &from_backup()).await;
    let web = get(target, "v1/services", "taken", "web").await;
    target.wipe(&spaces, &[]).await;

    let given_up: Vec<&str> = report
        .issues
        .iter()
        .filter(|issue| issue.code == Code::Reassigned)
        .map(|issue| issue.message.as_str())
        .collect();
    let ip = ip.as_str().expect("an address");
    assert!(given_up.iter().any(|message| message.contains(ip)), "{given_up:?}");
    assert!(given_up.iter().any(|message| message.contains("30991")), "{given_up:?}");
    assert_ne!(web["spec"]["clusterIP"], *ip);
    assert!(web["spec"]["ports"][0]["nodePort"].as_u64().is_some_and(|port| port != 30_991), "{web}");
}

/// What nobody else has is asked for again.
pub(crate) async fn an_address_and_port_that_were_asked_for_stay(target: &Target) {
    let spaces = manifests("{apiVersion: v1, kind: Namespace, metadata: {name: asked}}");
    target.wipe(&spaces, &[]).await;
    target.load(&spaces).await;
    let probe = create(target, "v1/services", &service("asked", "probe", &json!({}))).await;
    let ip = probe["spec"]["clusterIP"].clone();
    target
        .cluster
        .delete(&ObjectRef::namespaced(Gvr::new("", "v1", "services"), "asked", "probe"), &DeleteOptions::default())
        .await
        .expect("it goes");
    let asked = json!({"type": "NodePort", "clusterIP": ip, "ports": [{"nodePort": 30_992}]});
    create(target, "v1/services", &applied("asked", &asked)).await;
    let engine = engine(target);
    back_up(&engine, &["asked"]).await;
    target.wipe(&spaces, &[]).await;
    let report = restore(&engine, &from_backup()).await;
    let web = get(target, "v1/services", "asked", "web").await;
    target.wipe(&spaces, &[]).await;
    assert!(report.issues.iter().all(|issue| issue.code != Code::Reassigned), "{:?}", report.issues);
    assert_eq!((&web["spec"]["clusterIP"], &web["spec"]["ports"][0]["nodePort"]), (&ip, &json!(30_992)));
}

const WORKLOAD: &str = r"
{apiVersion: v1, kind: Namespace, metadata: {name: modified}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {namespace: modified, name: web, labels: {app: web}}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: 'registry.old.example/web:1'}
      - {name: log, image: 'log:1'}
";

/// Rules of all three kinds, and a mapping of images, on a server that validates what comes of them.
pub(crate) async fn rules_change_what_is_restored(target: &Target) {
    let workload = manifests(WORKLOAD);
    target.wipe(&workload, &["modified-two"]).await;
    target.load(&workload).await;
    let engine = engine(target);
    back_up(&engine, &["modified"]).await;
    let conditions = json!({"groupResource": "*.apps", "namespaces": ["modified"], "resourceNameRegex": "^web$",
        "labelSelector": {"matchLabels": {"app": "web"}}, "matches": [{"path": "/spec/replicas", "value": "0"}]});
    let strategic = json!({"spec": {"template": {"spec": {"containers": [{"name": "log", "image": "log:2"}]}}}});
    let merge = json!({"metadata": {"annotations": {"rule": "merge"}}});
    let rules = json!({"version": "v1", "resourceModifierRules": [
        {"conditions": conditions, "patches": [{"operation": "add", "path": "/metadata/labels/rule", "value": "json"}]},
        {"conditions": conditions, "mergePatches": [{"patchData": merge.to_string()}]},
        {"conditions": conditions, "strategicPatches": [{"patchData": strategic.to_string()}]},
    ]});
    let mut spec = from_backup().map_namespace("modified", "modified-two");
    spec.resource_modifiers = Some(serde_json::from_value(rules).expect("rules"));
    spec.image_mapping.insert("registry.old.example".to_owned(), "registry.new.example".to_owned());
    restore(&engine, &spec).await;
    let web = get(target, "apps/v1/deployments", "modified-two", "web").await;
    target.wipe(&workload, &["modified-two"]).await;
    assert_eq!(web["metadata"]["labels"]["rule"], "json");
    assert_eq!(web["metadata"]["annotations"]["rule"], "merge");
    let images: Vec<&Value> = web["spec"]["template"]["spec"]["containers"]
        .as_array()
        .expect("two")
        .iter()
        .map(|container| &container["image"])
        .collect();
    assert_eq!(images, ["registry.new.example/web:1", "log:2"]);
}

const GAUGES: &str = r"
{apiVersion: v1, kind: Namespace, metadata: {name: status}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gauges.changes.kbackup.dev}
spec:
  group: changes.kbackup.dev
  scope: Namespaced
  names: {kind: Gauge, plural: gauges, singular: gauge}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

/// A status comes back where it is asked for, and only there.
pub(crate) async fn a_status_is_restored_on_request(target: &Target) {
    let definition = manifests(GAUGES);
    target.wipe(&definition, &["status-two"]).await;
    target.load(&definition).await;
    let ty = "changes.kbackup.dev/v1/gauges";
    create(target, ty, &json!({"apiVersion": "changes.kbackup.dev/v1", "kind": "Gauge", "metadata": {"namespace": "status", "name": "g"}})).await;
    let at = ObjectRef::namespaced(ty.parse().expect("a type"), "status", "g");
    let reading = Patch::Merge(json!({"status": {"reading": 7}}));
    target.cluster.patch(&at, &reading, Part::Status, &WriteOptions::default()).await.expect("it takes a status");
    let engine = engine(target);
    back_up(&engine, &["status"]).await;
    let mut spec = from_backup().map_namespace("status", "status-two");
    spec.restore_status =
        Some(RestoreStatus { included_resources: vec!["gauges".to_owned()], ..RestoreStatus::default() });
    restore(&engine, &spec).await;
    let gauge = get(target, ty, "status-two", "g").await;
    target.wipe(&definition, &["status-two"]).await;
    assert_eq!(gauge["status"]["reading"], 7, "{gauge}");
}

pub(crate) async fn a_storage_class_that_the_target_lacks_is_told_beforehand(target: &Target) {
    let class = |name: &str| {
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name},
        "provisioner": "example.com/none", "volumeBindingMode": "WaitForFirstConsumer"})
    };
    let claim = |name: &str, class: &str| {
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "classy"}, "spec": {"accessModes": ["ReadWriteOnce"],
        "storageClassName": class, "resources": {"requests": {"storage": "1Gi"}}}})
    };
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "classy"}});
    let objects = [
        namespace,
        class("classy-old"),
        class("classy-new"),
        claim("a", "classy-old"),
        claim("b", "classy-old"),
        claim("c", "classy-new"),
    ];
    let loaded = manifests(&objects.map(|object| object.to_string()).join("\n---\n"));
    target.wipe(&loaded, &[]).await;
    target.load(&loaded).await;
    let engine = engine(target);
    back_up(&engine, &["classy"]).await;
    target.wipe(&loaded, &[]).await;
    create(target, "storage.k8s.io/v1/storageclasses", &class("classy-new")).await;

    let spec = RestoreSpec { include_cluster_resources: Some(false), ..from_backup() };
    let (name, run) = ("r".parse().expect("a name"), Run::default());
    let plan = engine.plan_restore(&name, &spec, &run).await.expect("a plan");
    let told: Vec<String> = plan.issues.iter().map(ToString::to_string).collect();
    assert!(told.len() == 1 && told[0].contains("no storage class \"classy-old\""), "{told:#?}");
    let mistaken = RestoreSpec {
        storage_class_mapping: [("classy-old".to_owned(), "classy-nwe".to_owned())].into(),
        ..spec.clone()
    };
    let plan = engine.plan_restore(&name, &mistaken, &run).await.expect("a plan");
    let refused = plan.issues.iter().filter(|issue| issue.code == Code::NotFound).count();
    assert_eq!((refused, plan.counts().failed), (2, 2), "{:#?}", plan.issues);
    let mapped =
        RestoreSpec { storage_class_mapping: [("classy-old".to_owned(), "classy-new".to_owned())].into(), ..spec };
    let report = restore(&engine, &mapped).await;
    let class_of = async |claim: &str| {
        let claim = get(target, "v1/persistentvolumeclaims", "classy", claim).await;
        claim["spec"]["storageClassName"].as_str().unwrap_or_default().to_owned()
    };
    let classes = [class_of("a").await, class_of("b").await, class_of("c").await];
    target.wipe(&loaded, &[]).await;
    assert!(report.issues.is_empty(), "{:#?}", report.issues);
    assert_eq!(classes, ["classy-new"; 3]);
}
