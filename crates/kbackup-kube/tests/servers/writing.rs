use std::time::Duration;

use kbackup_core::cluster::{
    ClusterErrorKind, ClusterReader, ClusterWriter, Condition, Created, DeleteOptions, Part, Patch, Waited,
    WriteOptions,
};
use kbackup_core::model::{Gvr, ObjectRef};
use serde_json::json;

use super::{Tested, parse, unique};

pub(super) async fn objects_are_created_once(tested: Tested) {
    let object = tested.config_map("web", "data");
    let Created::New(created) = tested.create("v1/configmaps", object.clone()).await.expect("created") else {
        panic!("it did not exist")
    };
    assert!(!created.meta().uid.is_empty());
    assert!(matches!(tested.create("v1/configmaps", object).await, Ok(Created::Exists)));

    let dry = WriteOptions { dry_run: true, field_manager: None };
    let other = parse(&tested.config_map("other", "data"));
    let checked = tested.cluster.create(&tested.ty("v1/configmaps"), &other, &dry).await;
    assert!(matches!(checked, Ok(Created::New(_))), "{checked:?}");
    assert_eq!(tested.cluster.get(&tested.at("v1/configmaps", "other")).await.expect("an answer"), None);
    tested.clean_up().await;
}

pub(super) async fn writes_are_recorded_as_ours(tested: Tested) {
    let created = tested.create("v1/configmaps", tested.config_map("web", "data")).await.expect("created");
    let Created::New(created) = created else { panic!("it did not exist") };
    assert_eq!(created.to_value()["metadata"]["managedFields"][0]["manager"], "kbackup");
    tested.clean_up().await;
}

pub(super) async fn refusals_say_why(tested: Tested) {
    let mut service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": tested.namespace},
        "spec": {"unknownField": true, "ports": [{"port": 0}]}});
    let error = tested.create("v1/services", service.clone()).await.expect_err("port 0");
    assert_eq!(error.kind(), ClusterErrorKind::Invalid);
    assert_eq!(error.fields()[0].field, "spec.ports[0].port", "{error:?}");
    service["spec"]["ports"][0]["port"] = json!(80);
    assert!(matches!(tested.create("v1/services", service).await, Ok(Created::New(_))), "unknown fields are ignored");

    let mut lost = tested.config_map("web", "data");
    lost["metadata"]["namespace"] = json!("no-such-namespace");
    let error = tested.create("v1/configmaps", lost).await.expect_err("no namespace");
    assert_eq!(error.kind(), ClusterErrorKind::NotFound);
    tested.clean_up().await;
}

pub(super) async fn objects_are_changed_in_every_way(tested: Tested) {
    tested.create("v1/configmaps", tested.config_map("web", "0")).await.expect("created");
    let at = tested.at("v1/configmaps", "web");
    let options = WriteOptions::default();
    let apply = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": {"key": "4"}});
    for (patch, expect) in [
        (Patch::Json(json!([{"op": "replace", "path": "/data/key", "value": "1"}])), "1"),
        (Patch::Merge(json!({"data": {"key": "2"}})), "2"),
        (Patch::Strategic(json!({"data": {"key": "3"}})), "3"),
        (Patch::Apply { body: apply.clone(), force: true }, "4"),
    ] {
        let changed = tested.cluster.patch(&at, &patch, Part::Main, &options).await.expect("changed");
        assert_eq!(changed.to_value()["data"]["key"], expect);
    }
    let other = WriteOptions { field_manager: Some("other".into()), ..options.clone() };
    let mut body = apply;
    body["data"]["key"] = json!("5");
    let error = tested.cluster.patch(&at, &Patch::Apply { body, force: false }, Part::Main, &other).await;
    assert_eq!(error.expect_err("kbackup owns the field").kind(), ClusterErrorKind::Conflict);

    let current = tested.cluster.get(&at).await.expect("an answer").expect("it exists");
    tested.cluster.replace(&at, &parse(&tested.config_map("web", "6")), Part::Main, &options).await.expect("replaced");
    let error = tested.cluster.replace(&at, &current, Part::Main, &options).await.expect_err("it is not current");
    assert_eq!(error.kind(), ClusterErrorKind::Conflict);
    let missing = tested.at("v1/configmaps", "missing");
    let error = tested.cluster.patch(&missing, &Patch::Merge(json!({})), Part::Main, &options).await;
    assert_eq!(error.expect_err("there is none").kind(), ClusterErrorKind::NotFound);
    tested.clean_up().await;
}

pub(super) async fn the_status_is_a_part_of_its_own(tested: Tested) {
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": tested.namespace},
        "spec": {"ports": [{"port": 80}]}, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}});
    let Created::New(created) = tested.create("v1/services", service).await.expect("created") else { panic!("new") };
    assert_eq!(created.to_value()["status"]["loadBalancer"], json!({}));
    let at = tested.at("v1/services", "web");
    let status = json!({"status": {"conditions": [{"type": "Checked", "status": "True", "reason": "Test",
        "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}});
    let patched = tested.cluster.patch(&at, &Patch::Merge(status), Part::Status, &WriteOptions::default()).await;
    assert_eq!(patched.expect("changed").to_value()["status"]["conditions"][0]["type"], "Checked");
    tested.clean_up().await;
}

pub(super) async fn objects_are_deleted_if_they_are_the_right_ones(tested: Tested) {
    tested.create("v1/configmaps", tested.config_map("web", "data")).await.expect("created");
    let at = tested.at("v1/configmaps", "web");
    let wrong = DeleteOptions { uid: Some("another".into()), ..DeleteOptions::default() };
    let error = tested.cluster.delete(&at, &wrong).await.expect_err("another uid");
    assert_eq!(error.kind(), ClusterErrorKind::Conflict);
    let dry = DeleteOptions { dry_run: true, ..DeleteOptions::default() };
    tested.cluster.delete(&at, &dry).await.expect("checked");
    assert!(tested.cluster.get(&at).await.expect("an answer").is_some());
    tested.cluster.delete(&at, &DeleteOptions::default()).await.expect("deleted");
    assert!(tested.cluster.get(&at).await.expect("an answer").is_none());
    tested.cluster.delete(&at, &DeleteOptions::default()).await.expect("deleting nothing is fine");
    tested.clean_up().await;
}

pub(super) async fn waits_end_when_the_condition_holds_or_the_time_is_over(tested: Tested) {
    let long = Duration::from_secs(60);
    let mut object = tested.config_map("held", "data");
    object["metadata"]["finalizers"] = json!(["example.com/hold"]);
    tested.create("v1/configmaps", object).await.expect("created");
    let at = tested.at("v1/configmaps", "held");
    tested.cluster.delete(&at, &DeleteOptions::default()).await.expect("asked for");
    let waited = tested.cluster.wait(&at, &Condition::Gone, Duration::from_millis(300)).await;
    assert_eq!(waited.expect("it waits"), Waited::TimedOut);
    let options = WriteOptions::default();
    let let_go = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    let (waited, freed) = tokio::join!(
        tested.cluster.wait(&at, &Condition::Gone, long),
        tested.cluster.patch(&at, &let_go, Part::Main, &options),
    );
    freed.expect("changed");
    assert_eq!(waited.expect("it waits"), Waited::Met);
    assert_eq!(tested.cluster.wait(&at, &Condition::Gone, long).await.expect("it waits"), Waited::Met);
    tested.clean_up().await;
}

pub(super) async fn a_new_type_is_waited_for_and_served(tested: Tested) {
    let group = format!("{}.example.com", unique("g"));
    let name = format!("carts.{group}");
    let crd = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": name},
        "spec": {"group": group, "scope": "Namespaced", "names": {"plural": "carts", "singular": "cart", "kind": "Cart"},
                 "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}});
    let at = ObjectRef::cluster(Gvr::new("apiextensions.k8s.io", "v1", "customresourcedefinitions"), &name);
    let established = Condition::True("Established".into());
    // The wait may begin before the object is there.
    let (waited, created) = tokio::join!(
        tested.cluster.wait(&at, &established, Duration::from_secs(60)),
        tested.create("apiextensions.k8s.io/v1/customresourcedefinitions", crd),
    );
    created.expect("created");
    assert_eq!(waited.expect("it waits"), Waited::Met);
    let discovery = tested.cluster.discover().await.expect("discovery");
    let ty = discovery.get(&Gvr::new(&group, "v1", "carts")).expect("it is served at once");
    assert!(ty.has_status && ty.preferred && ty.namespaced);
    let cart = json!({"apiVersion": format!("{group}/v1"), "kind": "Cart",
        "metadata": {"name": "one", "namespace": tested.namespace}, "spec": {"items": 3}});
    let created = tested.cluster.create(ty, &parse(&cart), &WriteOptions::default()).await;
    assert!(matches!(created, Ok(Created::New(_))), "{created:?}");
    tested.cluster.delete(&at, &DeleteOptions::default()).await.expect("deleted");
    tested.clean_up().await;
}
