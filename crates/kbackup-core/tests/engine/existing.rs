//! What a restore does with objects that exist already.

use kbackup_core::action::{Decision, RestoreTransform, TransformContext, TransformError, Transforms};
use kbackup_core::issue::{Code, Outcome};
use kbackup_core::model::{Gvr, ObjectRef};
use kbackup_core::restore::{Action, RestoreError};
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, ExistingPolicy, RestoreSpec};
use serde_json::{Value, json};

use crate::world::{World, completed, configmap, core, in_shop, name};

fn spec(existing: ExistingPolicy) -> RestoreSpec {
    RestoreSpec::from_backup(name("b")).existing(existing)
}

fn merge(world: &World, at: &ObjectRef, patch: Value) {
    let patch = kbackup_core::cluster::Patch::Merge(patch);
    world.cluster.patch(at, &patch, kbackup_core::cluster::Part::Main, &Default::default()).expect("it changes");
}

/// A shop that was backed up and of which one object is gone, two have changed and one of these got a field more.
async fn changed() -> World {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    merge(&world, &in_shop("configmaps", "a"), json!({ "data": { "value": "changed", "mine": "x" } }));
    merge(
        &world,
        &ObjectRef::cluster(core("namespaces"), "shop"),
        json!({ "metadata": { "annotations": { "owner": "nobody" } } }),
    );
    world.delete(&in_shop("configmaps", "b"));
    world
}

fn data(world: &World) -> Value {
    world.get(&in_shop("configmaps", "a")).expect("it is there")["data"].clone()
}

fn owner(world: &World) -> Value {
    let namespace = world.get(&ObjectRef::cluster(core("namespaces"), "shop")).expect("it is there");
    namespace["metadata"]["annotations"]["owner"].clone()
}

#[tokio::test]
async fn what_differs_is_left_and_reported() {
    let world = changed().await;
    let report = world.restore("r", &spec(ExistingPolicy::Skip)).await;
    completed(&report);
    assert_eq!((report.counts.created, report.counts.updated, report.counts.skipped), (1, 0, 2), "{:?}", report.counts);
    assert_eq!(data(&world), json!({ "value": "changed", "mine": "x" }));
    let told: Vec<String> = report
        .issues
        .iter()
        .filter(|issue| issue.code == Code::ExistsAndDiffers)
        .filter_map(|issue| issue.object.as_ref().map(ToString::to_string))
        .collect();
    assert_eq!(told, ["configmaps/shop/a", "namespaces/shop"], "{:?}", report.issues);
}

#[tokio::test]
async fn an_update_brings_back_what_the_backup_says_and_keeps_the_rest() {
    let world = changed().await;
    let plan = world.plan(&spec(ExistingPolicy::Update)).await;
    let diff = plan.diff();
    assert!(diff.contains("update     configmaps/shop/a\n    /data/value: \"changed\" -> \"1\""), "{diff}");
    let report = world.restore("r", &spec(ExistingPolicy::Update)).await;
    completed(&report);
    assert_eq!((report.counts.created, report.counts.updated), (1, 2), "{:?}", report.counts);
    assert_eq!(data(&world), json!({ "value": "1", "mine": "x" }));
    assert_eq!(owner(&world), "ops", "a namespace is an object like others");
    let before = world.cluster.revision();
    let again = world.restore("again", &spec(ExistingPolicy::Update)).await;
    assert_eq!((again.counts.updated, again.counts.created), (0, 0), "{:?}", again.counts);
    assert_eq!(world.cluster.revision(), before, "nothing is written twice");
}

#[tokio::test]
async fn a_replacement_is_what_the_backup_says() {
    let world = changed().await;
    let uid = |world: &World| world.get(&in_shop("configmaps", "a")).expect("it is there")["metadata"]["uid"].clone();
    let before = uid(&world);
    completed(&world.restore("r", &spec(ExistingPolicy::Replace)).await);
    assert_eq!(data(&world), json!({ "value": "1" }));
    assert_eq!(uid(&world), before);
}

#[tokio::test]
async fn what_is_recreated_is_another_object() {
    let world = changed().await;
    let uid = |world: &World| world.get(&in_shop("configmaps", "a")).expect("it is there")["metadata"]["uid"].clone();
    let before = uid(&world);
    let report = world.restore("r", &spec(ExistingPolicy::Recreate)).await;
    completed(&report);
    assert_eq!(data(&world), json!({ "value": "1" }));
    assert_ne!(uid(&world), before);
    assert!(world.get(&in_shop("secrets", "key")).is_some(), "its namespace was not deleted");
    assert_eq!(owner(&world), "ops");
    assert!(report.issues.iter().any(|issue| issue.message.contains("updated in place")), "{:?}", report.issues);
}

#[tokio::test]
async fn to_fail_is_to_write_nothing() {
    let world = changed().await;
    let before = world.cluster.revision();
    let plan = world.plan(&spec(ExistingPolicy::Fail)).await;
    let applied = world.engine().apply(&plan, &Run::default()).await;
    assert!(matches!(applied, Err(RestoreError::Exists { more: 1, .. })), "{applied:?}");
    assert_eq!(world.cluster.revision(), before);
    assert!(world.get(&in_shop("configmaps", "b")).is_none());

    merge(&world, &in_shop("configmaps", "a"), json!({ "data": { "value": "1", "mine": null } }));
    merge(
        &world,
        &ObjectRef::cluster(core("namespaces"), "shop"),
        json!({ "metadata": { "annotations": { "owner": "ops" } } }),
    );
    let report = world.restore("r", &spec(ExistingPolicy::Fail)).await;
    completed(&report);
    assert_eq!(report.counts.created, 1, "what is equal is no reason to fail");
}

#[tokio::test]
async fn a_change_in_the_middle_is_met() {
    let world = changed().await;
    let plan = world.plan(&spec(ExistingPolicy::Update)).await;
    merge(&world, &in_shop("configmaps", "a"), json!({ "data": { "later": "y" } }));
    world.cluster.load([configmap("shop", "b", "somebody was faster")]).expect("it loads");
    completed(&world.engine().apply(&plan, &Run::default()).await.expect("applied"));
    assert_eq!(data(&world), json!({ "value": "1", "mine": "x", "later": "y" }));
    assert_eq!(world.get(&in_shop("configmaps", "b")).expect("it is there")["data"]["value"], "2");
}

#[tokio::test]
async fn a_field_that_can_not_change_is_named() {
    let world = World::shop();
    let mut fixed = configmap("shop", "fixed", "1");
    fixed["immutable"] = true.into();
    world.cluster.load([fixed.clone()]).expect("it loads");
    world.back_up("b", &BackupSpec::default()).await;
    world.delete(&in_shop("configmaps", "fixed"));
    fixed["data"]["value"] = "2".into();
    world.cluster.load([fixed]).expect("it loads");
    let report = world.restore("r", &spec(ExistingPolicy::Update)).await;
    assert_eq!(report.outcome, Outcome::PartiallyFailed);
    let issue = report.issues.iter().find(|issue| issue.code == Code::Immutable).expect("it is reported");
    assert!(issue.message.starts_with("data can't be changed"), "{issue}");
    completed(&world.restore("r2", &spec(ExistingPolicy::Recreate)).await);
    assert_eq!(world.get(&in_shop("configmaps", "fixed")).expect("it is there")["data"]["value"], "1");
}

#[tokio::test]
async fn an_object_of_the_cluster_that_other_namespaces_use_is_left_alone() {
    let world = World::shop();
    let at = ObjectRef::cluster(Gvr::new("rbac.authorization.k8s.io", "v1", "clusterrolebindings"), "reader");
    world
        .cluster
        .load([json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": { "name": "reader" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view" },
            "subjects": [{ "kind": "ServiceAccount", "name": "a", "namespace": "shop" }]
        })])
        .expect("it loads");
    world.back_up("b", &BackupSpec::default()).await;
    let copy = spec(ExistingPolicy::Replace).map_namespace("shop", "copy");
    let report = world.restore("r", &copy).await;
    completed(&report);
    let issue = report.issues.iter().find(|issue| issue.code == Code::NameTaken).expect("it is reported");
    assert_eq!(issue.object.as_ref(), Some(&at));
    assert_eq!(world.get(&at).expect("it is there")["subjects"][0]["namespace"], "shop");
}

/// Puts a label on everything.
#[derive(Debug)]
struct Stamp;

impl RestoreTransform for Stamp {
    fn name(&self) -> &'static str {
        "stamp"
    }

    fn applies_to(&self, _: &Gvr) -> bool {
        true
    }

    fn transform(&self, object: &mut Value, _: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        object["metadata"]["labels"]["stamp"] = "yes".into();
        Ok(Decision::Keep)
    }
}

#[tokio::test]
async fn what_a_transform_changes_counts_as_a_difference() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    let engine = world.engine().transforms(Transforms::builtin().with(Stamp));
    let spec = spec(ExistingPolicy::Update).names(["configmaps/a"]);
    let plan = engine.plan_restore(&name("r"), &spec, &Run::default()).await.expect("planned");
    let update = plan.steps().find(|step| step.object == in_shop("configmaps", "a")).expect("it is in the plan");
    assert!(matches!(update.action, Action::Update { .. }), "{update:?}");
    completed(&engine.apply(&plan, &Run::default()).await.expect("applied"));
    let labels = &world.get(&in_shop("configmaps", "a")).expect("it is there")["metadata"]["labels"];
    assert_eq!(*labels, json!({ "app": "a", "stamp": "yes" }));
}

#[tokio::test]
async fn objects_are_restored_by_name() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    let target = world.elsewhere();
    let by_name = spec(ExistingPolicy::Skip).names(["configmaps/shop/*", "secret/nothing", "widgets/w1"]);
    let report = target.restore("r", &by_name).await;
    assert_eq!(report.outcome, Outcome::PartiallyFailed, "what is asked for by name must be there");
    let missing: Vec<&str> = report.issues.iter().map(|issue| issue.message.as_str()).collect();
    assert!(missing.iter().any(|message| message.contains("\"secret/nothing\"")), "{missing:?}");
    assert!(target.get(&in_shop("configmaps", "a")).is_some() && target.get(&in_shop("configmaps", "b")).is_some());
    assert!(target.get(&ObjectRef::namespaced(Gvr::new("example.com", "v1", "widgets"), "shop", "w1")).is_some());
    assert!(target.get(&ObjectRef::namespaced(core("configmaps"), "web", "a")).is_none());
    assert!(target.get(&in_shop("secrets", "key")).is_none());
    let nonsense = spec(ExistingPolicy::Skip).names(["a"]);
    let refused = world.engine().plan_restore(&name("x"), &nonsense, &Run::default()).await;
    assert!(matches!(refused, Err(RestoreError::Invalid(_))));
}
