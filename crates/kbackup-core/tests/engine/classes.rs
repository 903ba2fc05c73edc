//! Storage classes that a restore names and the target has, or has not.

use kbackup_core::cluster::memory::Request;
use kbackup_core::issue::{Code, Outcome, Severity};
use kbackup_core::restore::RestorePlan;
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use serde_json::{Value, json};

use crate::world::{World, completed, configmap, in_shop, name, namespace};

fn class(name: &str) -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}, "provisioner": "example.com/p"})
}

fn claim(name: &str, class: &str) -> Value {
    let spec = json!({"accessModes": ["ReadWriteOnce"], "storageClassName": class, "resources": {"requests": {"storage": "1Gi"}}});
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"namespace": "shop", "name": name}, "spec": spec})
}

/// A backup of claims, and another cluster that has one of the classes only.
async fn moved() -> World {
    let claims = [claim("a", "gp2"), claim("b", "gp2"), claim("c", "gp3")];
    let objects = [namespace("shop"), class("gp2"), class("gp3"), configmap("shop", "a", "1")];
    let world = World::new(objects.into_iter().chain(claims));
    world.back_up("b", &BackupSpec::default()).await;
    let elsewhere = world.elsewhere();
    elsewhere.cluster.load([class("gp3")]).expect("it loads");
    elsewhere
}

fn of_the_shop() -> RestoreSpec {
    RestoreSpec { include_cluster_resources: Some(false), ..RestoreSpec::from_backup(name("b")) }
}

fn mapped(to: &str) -> RestoreSpec {
    RestoreSpec { storage_class_mapping: [("gp2".to_owned(), to.to_owned())].into(), ..of_the_shop() }
}

/// The plan, and how many lists it took.
async fn planned(world: &World, spec: &RestoreSpec) -> (RestorePlan, u64) {
    world.cluster.reset_requests();
    let plan = world.plan(spec).await;
    assert_eq!(world.cluster.requests().of(Request::Get), 0, "nothing is asked for by its name");
    (plan, world.cluster.requests().of(Request::List))
}

#[tokio::test]
async fn a_class_that_is_not_there_is_told_once_and_costs_one_list() {
    let world = moved().await;
    let (plan, lists) = planned(&world, &of_the_shop()).await;
    assert_eq!(plan.issues.len(), 1, "{:#?}", plan.issues);
    let issue = &plan.issues[0];
    assert_eq!((issue.code, issue.severity), (Code::DanglingReference, Severity::Warning));
    assert!(issue.message.contains("no storage class \"gp2\"") && issue.message.contains("it has gp3"), "{issue}");
    world.cluster.load([class("gp2")]).expect("it loads");
    let (with_class, as_many) = planned(&world, &of_the_shop()).await;
    assert_eq!((with_class.issues.len(), as_many), (0, lists));
    let without = RestoreSpec { excluded_resources: vec!["persistentvolumeclaims".to_owned()], ..of_the_shop() };
    assert_eq!(planned(&world, &without).await.1, lists - 2, "those of the claims and of their classes");
    completed(&world.restore("r", &of_the_shop()).await);
}

#[tokio::test]
async fn a_class_that_is_restored_too_will_be_there() {
    let world = moved().await;
    let (plan, _) = planned(&world, &RestoreSpec::from_backup(name("b"))).await;
    assert!(plan.issues.is_empty(), "{:#?}", plan.issues);
}

#[tokio::test]
async fn a_mapping_to_a_class_that_is_not_there_is_refused_before_anything_is_written() {
    let world = moved().await;
    let (plan, _) = planned(&world, &mapped("gp33")).await;
    assert_eq!(plan.counts().failed, 2);
    let issues: Vec<_> = plan.issues.iter().map(|issue| (issue.code, issue.severity, issue.object.clone())).collect();
    let refused = |name: &str| {
        let at = in_shop("persistentvolumeclaims", name);
        (Code::NotFound, Severity::Error, Some(at))
    };
    assert_eq!(issues, [refused("a"), refused("b")]);
    assert!(plan.issues[0].message.contains("has no such storage class; it has gp3"), "{}", plan.issues[0]);
    let report = world.restore("r", &mapped("gp33")).await;
    assert_eq!((report.outcome, report.counts.failed), (Outcome::PartiallyFailed, 2));
    assert!(world.get(&in_shop("configmaps", "a")).is_some(), "the rest is restored");
    assert!(world.get(&in_shop("persistentvolumeclaims", "a")).is_none());
    completed(&world.restore("again", &mapped("gp3")).await);
    let claim = world.get(&in_shop("persistentvolumeclaims", "a")).expect("it is there");
    assert_eq!(claim["spec"]["storageClassName"], "gp3");
}
