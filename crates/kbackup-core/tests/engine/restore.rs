//! What a restore does with each object.

use kbackup_core::cluster::{At, DeleteOptions};
use kbackup_core::issue::{Code, Outcome};
use kbackup_core::model::{Gvr, ObjectRef};
use kbackup_core::restore::{Action, RestoreError};
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use serde_json::json;

use crate::world::{World, all, completed, configmap, core, in_shop, name, namespace, widget, widget_crd};

fn shop_namespace() -> ObjectRef {
    ObjectRef::cluster(core("namespaces"), "shop")
}

#[tokio::test]
async fn what_was_deleted_comes_back() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    let secret = world.get(&in_shop("secrets", "key")).expect("it is there");
    world.delete(&shop_namespace());
    world.delete(&ObjectRef::cluster(
        Gvr::new("apiextensions.k8s.io", "v1", "customresourcedefinitions"),
        "widgets.example.com",
    ));
    assert!(world.get(&in_shop("secrets", "key")).is_none());

    completed(&world.restore("r", &RestoreSpec::from_backup(name("b"))).await);
    let again = world.get(&in_shop("secrets", "key")).expect("it is back");
    assert_eq!(again["data"], secret["data"]);
    assert_ne!(again["metadata"]["uid"], secret["metadata"]["uid"]);
    let widget = world.get(&ObjectRef::namespaced(Gvr::new("example.com", "v1", "widgets"), "shop", "w1"));
    assert_eq!(widget.expect("its type came first")["spec"]["size"], 3);
    let namespace = world.get(&shop_namespace()).expect("it is back");
    assert_eq!(namespace["metadata"]["annotations"]["owner"], "ops");
}

#[tokio::test]
async fn what_exists_is_left_as_it_is() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    world.cluster.load([configmap("shop", "a", "changed")]).expect("it changes");
    let before = world.cluster.revision();
    let report = world.restore("r", &RestoreSpec::from_backup(name("b"))).await;
    completed(&report);
    assert_eq!(report.counts.created, 0);
    assert_eq!(world.cluster.revision(), before, "nothing was written");
    assert_eq!(world.get(&in_shop("configmaps", "a")).expect("it is there")["data"]["value"], "changed");
}

#[tokio::test]
async fn a_plan_changes_nothing_and_says_what_would_happen() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    world.delete(&in_shop("configmaps", "a"));
    let before = world.cluster.revision();
    let plan = world.plan(&RestoreSpec::from_backup(name("b"))).await;
    assert_eq!(world.cluster.revision(), before);
    let create: Vec<String> = plan.steps().filter(|step| step.is_write()).map(|step| step.object.to_string()).collect();
    assert_eq!(create, ["configmaps/shop/a"]);
    assert!(plan.listing().contains("unchanged  secrets/shop/key"), "{}", plan.listing());
    let json = serde_json::to_string(&plan).expect("it can be stored");
    assert_eq!(serde_json::from_str::<kbackup_core::restore::RestorePlan>(&json).expect("and read"), plan);
}

#[tokio::test]
async fn namespaces_are_mapped_and_swapped() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    let copy = RestoreSpec::from_backup(name("b"))
        .namespaces(["shop", "web"])
        .map_namespace("shop", "s2")
        .map_namespace("web", "w2");
    completed(&world.restore("copy", &copy).await);
    let value = |namespace: &str| {
        world
            .get(&ObjectRef::namespaced(core("configmaps"), namespace, "a"))
            .map(|object| object["data"]["value"].clone())
    };
    assert_eq!((value("s2"), value("w2")), (Some(json!("1")), Some(json!("3"))));

    for space in ["shop", "web"] {
        world.delete(&ObjectRef::cluster(core("namespaces"), space));
    }
    let swap = RestoreSpec::from_backup(name("b"))
        .namespaces(["shop", "web"])
        .map_namespace("shop", "web")
        .map_namespace("web", "shop");
    completed(&world.restore("swap", &swap).await);
    assert_eq!((value("web"), value("shop")), (Some(json!("1")), Some(json!("3"))));
    let web = world.get(&ObjectRef::cluster(core("namespaces"), "web")).expect("it is there");
    assert_eq!(web["metadata"]["labels"]["kubernetes.io/metadata.name"], "web");
}

#[tokio::test]
async fn a_part_of_a_backup_is_restored() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    world.delete(&shop_namespace());
    let mut spec = RestoreSpec::from_backup(name("b"));
    spec.included_resources = vec!["configmaps".into()];
    spec.label_selector = Some("app=a".parse().expect("a selector"));
    completed(&world.restore("r", &spec).await);
    assert!(world.get(&in_shop("configmaps", "a")).is_some(), "its namespace was made for it");
    assert!(world.get(&in_shop("configmaps", "b")).is_none());
    assert!(world.get(&in_shop("secrets", "key")).is_none());
}

fn owned(name: &str, uid: &str) -> serde_json::Value {
    let mut object = configmap("shop", name, "x");
    object["metadata"]["ownerReferences"] =
        json!([{ "apiVersion": "example.com/v1", "kind": "Widget", "name": "w1", "uid": uid, "controller": true }]);
    object
}

#[tokio::test]
async fn owners_are_linked_anew() {
    let world = World::new([namespace("shop"), widget_crd(), widget("shop", "w1")]);
    let at = ObjectRef::namespaced(Gvr::new("example.com", "v1", "widgets"), "shop", "w1");
    let uid = |world: &World| {
        world.get(&at).expect("it is there")["metadata"]["uid"].as_str().map(str::to_owned).expect("a uid")
    };
    world.cluster.load([owned("c", &uid(&world))]).expect("it loads");
    world.back_up("b", &BackupSpec::default()).await;
    world.delete(&shop_namespace());
    completed(&world.restore("r", &RestoreSpec::from_backup(name("b"))).await);
    let child = world.get(&in_shop("configmaps", "c")).expect("it is back");
    assert_eq!(child["metadata"]["ownerReferences"][0]["uid"], uid(&world), "though its owner came in a later wave");

    world.delete(&in_shop("configmaps", "c"));
    completed(&world.restore("r2", &RestoreSpec::from_backup(name("b"))).await);
    let child = world.get(&in_shop("configmaps", "c")).expect("it is back");
    assert_eq!(child["metadata"]["ownerReferences"][0]["uid"], uid(&world), "to the owner that was there");

    world.delete(&in_shop("configmaps", "c"));
    world.delete(&at);
    let mut alone = RestoreSpec::from_backup(name("b"));
    alone.included_resources = vec!["configmaps".into()];
    let report = world.restore("r3", &alone).await;
    completed(&report);
    assert!(report.issues.iter().any(|issue| issue.code == Code::OwnerMissing), "{:?}", report.issues);
    let child = world.get(&in_shop("configmaps", "c")).expect("it is back");
    assert_eq!(child["metadata"]["ownerReferences"], json!(null), "an owner that is not there would cost it its life");
}

#[tokio::test]
async fn what_a_controller_makes_again_is_left_to_it() {
    let world = World::new([namespace("shop")]);
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "namespace": "shop", "name": "web" },
        "spec": { "selector": { "matchLabels": { "app": "web" } }, "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [] } } }
    });
    world.cluster.load([deployment]).expect("it loads");
    let at = ObjectRef::namespaced(Gvr::new("apps", "v1", "deployments"), "shop", "web");
    let uid = world.get(&at).expect("it is there")["metadata"]["uid"].clone();
    let replicas = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": { "namespace": "shop", "name": "web-1", "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": uid, "controller": true }] },
        "spec": { "selector": { "matchLabels": { "app": "web" } }, "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [] } } }
    });
    world.cluster.load([replicas]).expect("it loads");
    world.back_up("b", &BackupSpec::default()).await;
    world.delete(&shop_namespace());
    let plan = world.plan(&RestoreSpec::from_backup(name("b"))).await;
    let step = plan.steps().find(|step| step.object.name == "web-1").expect("it is in the plan");
    assert_eq!(step.action, Action::skip("Deployment web makes it again"));
    completed(&world.restore("r", &RestoreSpec::from_backup(name("b"))).await);
    assert!(world.get(&at).is_some());
    assert_eq!(all(&world.cluster, &Gvr::new("apps", "v1", "replicasets"), At::Newest).await.len(), 0);
}

#[tokio::test]
async fn a_type_that_is_not_served_is_refused_with_the_reason() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    let target = world.elsewhere();
    let mut spec = RestoreSpec::from_backup(name("b")).namespaces(["shop"]);
    spec.excluded_resources = vec!["customresourcedefinitions.apiextensions.k8s.io".into()];
    let report = target.restore("r", &spec).await;
    assert_eq!(report.outcome, Outcome::PartiallyFailed);
    assert_eq!(report.counts.failed, 1);
    let issue = report.issues.iter().find(|issue| issue.code == Code::TypeNotServed).expect("it says so");
    assert_eq!(issue.object.as_ref().map(ToString::to_string).as_deref(), Some("widgets.example.com/shop/w1"));
    assert!(target.get(&in_shop("secrets", "key")).is_some(), "the rest is restored");
}

#[tokio::test]
async fn a_terminating_namespace_is_awaited() {
    let world = World::shop();
    let mut held = configmap("shop", "held", "x");
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    world.back_up("b", &BackupSpec::default()).await;
    world.cluster.load([held]).expect("it loads");
    world.delete(&shop_namespace());
    let plan = world.plan(&RestoreSpec::from_backup(name("b"))).await;
    let step = plan.steps().find(|step| step.object == shop_namespace()).expect("it is in the plan");
    assert_eq!(step.action, Action::CreateWhenGone);

    let engine = world.engine();
    let run = Run::default();
    let release = async {
        tokio::task::yield_now().await;
        let patch = kbackup_core::cluster::Patch::Merge(json!({ "metadata": { "finalizers": null } }));
        let at = in_shop("configmaps", "held");
        world.cluster.patch(&at, &patch, kbackup_core::cluster::Part::Main, &Default::default()).expect("released");
    };
    let (report, ()) = tokio::join!(engine.apply(&plan, &run), release);
    let report = report.expect("it goes on");
    assert!(world.get(&shop_namespace()).is_some(), "{:?}", report.issues);
}

#[tokio::test]
async fn a_restore_has_a_name_of_its_own_and_a_report() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    let spec = RestoreSpec::from_backup(name("b"));
    world.delete(&in_shop("configmaps", "a"));
    world.restore("r", &spec).await;
    let stored = crate::world::keys(&world.store).await;
    assert!(stored.contains(&"restores/r/report.json".to_owned()), "{stored:?}");
    assert!(!stored.contains(&"restores/r/claim.json".to_owned()), "{stored:?}");
    let plan = world.engine().plan_restore(&name("r"), &spec, &Run::default()).await.expect("planned");
    let again = world.engine().apply(&plan, &Run::default()).await;
    assert!(matches!(again, Err(RestoreError::NameTaken { .. })), "{again:?}");
}

#[tokio::test]
async fn a_plan_fits_one_backup_only() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    let plan = world.plan(&RestoreSpec::from_backup(name("b"))).await;
    world.engine().delete(&name("b"), &Run::default()).await.expect("deleted");
    world.back_up("b", &BackupSpec::default()).await;
    let applied = world.engine().apply(&plan, &Run::default()).await;
    assert!(matches!(applied, Err(RestoreError::OtherBackup { .. })), "{applied:?}");
}

#[tokio::test]
async fn an_object_that_the_server_refuses_does_not_stop_the_rest() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    world.delete(&shop_namespace());
    let plan = world.plan(&RestoreSpec::from_backup(name("b"))).await;
    // The namespace of the plan appears and goes again in the middle: everything in it is refused.
    let mut held = configmap("web", "held", "x");
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    world.delete(&ObjectRef::namespaced(core("configmaps"), "web", "a"));
    let plan_all = world.plan(&RestoreSpec::from_backup(name("b"))).await;
    world.cluster.load([held]).expect("it loads");
    world
        .cluster
        .delete(&ObjectRef::cluster(core("namespaces"), "web"), &DeleteOptions::default())
        .expect("terminating");
    drop(plan);
    let report = world.engine().apply(&plan_all, &Run::default()).await.expect("it goes on");
    assert_eq!(report.outcome, Outcome::PartiallyFailed);
    assert_eq!(report.counts.failed, 1, "{:?}", report.issues);
    assert!(world.get(&in_shop("secrets", "key")).is_some());
}
