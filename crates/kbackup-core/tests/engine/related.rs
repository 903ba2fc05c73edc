//! What the chosen objects need is in the backup too, and nothing else.

use kbackup_core::action::{ActionError, BackupAction, BackupActions, Related};
use kbackup_core::backup;
use kbackup_core::issue::{Code, Outcome};
use kbackup_core::model::{Gvr, LabelSelector, ObjectRef};
use kbackup_core::run::Run;
use kbackup_core::spec::BackupSpec;
use serde_json::{Value, json};

use super::world::{World, configmap, name, namespace, widget, widget_crd};

#[expect(clippy::needless_pass_by_value, reason = "rows read better with values")]
fn object(api_version: &str, kind: &str, metadata: Value, rest: Value) -> Value {
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata});
    if let (Some(object), Value::Object(rest)) = (object.as_object_mut(), rest) {
        object.extend(rest);
    }
    object
}

fn volume(number: u8) -> Value {
    let spec = json!({
        "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/d"},
        "storageClassName": format!("class-{number}"),
    });
    object("v1", "PersistentVolume", json!({"name": format!("pv-{number}")}), json!({"spec": spec}))
}

fn claim(namespace: &str, number: u8) -> Value {
    let spec = json!({
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}},
        "volumeName": format!("pv-{number}"), "storageClassName": format!("class-{number}"),
    });
    let metadata = json!({"namespace": namespace, "name": format!("data-{number}")});
    object("v1", "PersistentVolumeClaim", metadata, json!({"spec": spec}))
}

fn class(number: u8) -> Value {
    object(
        "storage.k8s.io/v1",
        "StorageClass",
        json!({"name": format!("class-{number}")}),
        json!({"provisioner": "example.com/disks"}),
    )
}

fn binding(name: &str, namespace: &str, account: &str, role: &str) -> Value {
    let subject = json!({"kind": "ServiceAccount", "namespace": namespace, "name": account});
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role});
    object(
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        json!({"name": name}),
        json!({"roleRef": role, "subjects": [subject]}),
    )
}

fn role(name: &str) -> Value {
    object("rbac.authorization.k8s.io/v1", "ClusterRole", json!({"name": name}), json!({"rules": []}))
}

fn account(namespace: &str, name: &str) -> Value {
    object("v1", "ServiceAccount", json!({"namespace": namespace, "name": name}), json!({}))
}

fn pod() -> Value {
    let spec = json!({
        "serviceAccountName": "web", "priorityClassName": "high",
        "containers": [{"name": "web", "image": "web"}],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data-1"}}],
    });
    let metadata = json!({"namespace": "shop", "name": "web-0", "labels": {"app": "web"}});
    object("v1", "Pod", metadata, json!({"spec": spec}))
}

/// Two namespaces, each with a claim on a volume of its own and an account with rights of its own.
fn world() -> World {
    let priority =
        |name: &str| object("scheduling.k8s.io/v1", "PriorityClass", json!({"name": name}), json!({"value": 1_000}));
    World::new([
        namespace("shop"),
        namespace("web"),
        widget_crd(),
        priority("high"),
        priority("low"),
        class(1),
        class(2),
        volume(1),
        volume(2),
        claim("shop", 1),
        claim("web", 2),
        account("shop", "web"),
        account("web", "other"),
        role("of-web"),
        role("of-other"),
        binding("web-reads", "shop", "web", "of-web"),
        binding("other-reads", "web", "other", "of-other"),
        pod(),
        configmap("shop", "a", "1"),
        configmap("web", "a", "1"),
        widget("web", "w1"),
    ])
}

#[tokio::test]
async fn a_namespace_comes_with_what_it_needs_of_the_cluster() {
    let world = world();
    let report = world.back_up("b", &BackupSpec::default().namespaces(["shop"])).await;
    assert_eq!(report.manifest.outcome, Outcome::Completed, "{:?}", report.issues);
    for (plural, expect) in [
        ("persistentvolumes", &["pv-1"][..]),
        ("storageclasses", &["class-1"]),
        ("clusterrolebindings", &["web-reads"]),
        ("clusterroles", &["of-web"]),
        ("priorityclasses", &["high"]),
        ("customresourcedefinitions", &[]),
        ("namespaces", &["shop"]),
        ("configmaps", &["shop/a", "shop/kube-root-ca.crt"]),
    ] {
        assert_eq!(world.held("b", plural).await, expect, "{plural}");
    }
    let held = &report.manifest.counts;
    assert_eq!(held.by_type[&Gvr::new("", "v1", "persistentvolumes")], 1);
    assert_eq!(held.objects, held.by_type.values().sum::<u64>());
}

#[tokio::test]
async fn labels_bring_what_the_labelled_objects_need() {
    let world = world();
    world.back_up("b", &BackupSpec::default().selector(LabelSelector::label("app", "web"))).await;
    for (plural, expect) in [
        ("pods", &["shop/web-0"][..]),
        ("persistentvolumeclaims", &["shop/data-1"]),
        ("persistentvolumes", &["pv-1"]),
        ("serviceaccounts", &["shop/web"]),
        ("clusterroles", &["of-web"]),
        ("namespaces", &["shop"]),
        ("configmaps", &[]),
    ] {
        assert_eq!(world.held("b", plural).await, expect, "{plural}");
    }
}

#[tokio::test]
async fn what_is_excluded_is_not_needed_by_anybody() {
    let world = world();
    let excluded = ["persistentvolumes", "clusterroles"].map(str::to_owned).to_vec();
    let spec = BackupSpec { excluded_resources: excluded, ..BackupSpec::default().namespaces(["shop"]) };
    world.back_up("b", &spec).await;
    for (plural, expect) in [
        ("persistentvolumes", &[][..]),
        ("storageclasses", &["class-1"]),
        ("clusterrolebindings", &["web-reads"]),
        ("clusterroles", &[]),
    ] {
        assert_eq!(world.held("b", plural).await, expect, "{plural}");
    }
    let spec = BackupSpec { include_cluster_resources: Some(false), ..BackupSpec::default().namespaces(["shop"]) };
    world.back_up("c", &spec).await;
    assert_eq!(world.held("c", "storageclasses").await.len() + world.held("c", "clusterroles").await.len(), 0);
}

/// A ConfigMap names another one in its data; one that names itself can't be understood.
#[derive(Debug)]
struct Chained;

impl BackupAction for Chained {
    fn name(&self) -> &'static str {
        "chained"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        ty.plural == "configmaps"
    }

    fn targets(&self) -> &'static [&'static str] {
        &["configmaps"]
    }

    fn related(&self, at: &ObjectRef, object: &Value, related: &mut Related) -> Result<(), ActionError> {
        if object["data"]["value"] == at.name.as_str() {
            return Err(ActionError::new("it names itself"));
        }
        related.in_namespace("configmaps", at, &object["data"]["value"]);
        Ok(())
    }
}

#[tokio::test]
async fn an_own_action_brings_its_objects_and_its_errors_are_issues() {
    let chain = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "d"), ("e", "f")];
    let objects = chain.map(|(name, next)| configmap("shop", name, next));
    let world = World::new([namespace("shop")].into_iter().chain(objects));
    let ports = backup::Ports::new(&world.cluster, &world.store).actions(BackupActions::builtin().with(Chained));
    let spec = BackupSpec::default().selector(LabelSelector::label("app", "a"));
    let report = backup::run(&ports, &name("b"), &spec, &Run::default()).await.expect("it is made");
    assert_eq!(world.held("b", "configmaps").await, ["shop/a", "shop/b", "shop/c", "shop/d"]);
    assert_eq!(report.manifest.outcome, Outcome::PartiallyFailed);
    let issue = report.issues.iter().find(|issue| issue.code == Code::ActionFailed).expect("an issue");
    assert_eq!(
        issue.to_string(),
        "error: configmaps/shop/d: what it needs could not be told by \"chained\": it names itself"
    );
}
