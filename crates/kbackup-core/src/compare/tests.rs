//! The comparison must see what a wrong restore does, and no more.

use crate::model::{Gvr, Object};
use serde_json::{Value, json};

use super::snapshot::Snapshot;
use super::{Difference, compare};

fn snapshot(objects: &[(&str, Value)]) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for (gvr, value) in objects {
        let gvr: Gvr = gvr.parse().expect("a type");
        let object = Object::from_value(value).expect("an object");
        snapshot.with_status.extend((gvr.plural != "secrets").then(|| gvr.clone()));
        snapshot.objects.insert(object.at(&gvr), object);
    }
    snapshot
}

fn differences(before: &[(&str, Value)], after: &[(&str, Value)]) -> Vec<String> {
    compare(&snapshot(before), &snapshot(after)).differences.iter().map(ToString::to_string).collect()
}

#[test]
fn what_a_server_must_change_is_no_difference() {
    let object = |uid: &str, n: u8| {
        json!({"kind": "ConfigMap", "data": {"a": "b"}, "status": {"seen": n}, "metadata": {"name": "web",
            "namespace": "shop", "uid": uid, "resourceVersion": n.to_string(), "generation": n,
            "creationTimestamp": n.to_string(), "managedFields": [n]}})
    };
    let (before, after) = ([("v1/configmaps", object("u1", 1))], [("v1/configmaps", object("u2", 2))]);
    assert_eq!(differences(&before, &after), Vec::<String>::new());
    let comparison = compare(&snapshot(&before), &snapshot(&after));
    assert_eq!(comparison.ignored.values().sum::<usize>(), 5, "each ignored field is counted: {comparison}");
}

#[test]
fn everything_else_is_a_difference() {
    let base = json!({"kind": "Secret", "data": {"a": "b"}, "status": 1,
        "metadata": {"name": "web", "namespace": "shop", "labels": {"x": "y"}}});
    for (path, new) in [
        ("/data/a", json!("c")),
        ("/status", json!(2)),
        ("/metadata/labels/x", json!("z")),
        ("/metadata/labels", json!(null)),
        ("/data", json!({"a": "b", "c": ""})),
    ] {
        let mut changed = base.clone();
        *changed.pointer_mut(path).expect("the field is there") = new;
        let found = differences(&[("v1/secrets", base.clone())], &[("v1/secrets", changed)]);
        assert_eq!(found.len(), 1, "{path}: {found:?}");
    }
}

#[test]
fn objects_that_are_gone_or_new_are_differences() {
    let map =
        |name: &str| ("v1/configmaps", json!({"kind": "ConfigMap", "metadata": {"name": name, "namespace": "a"}}));
    let found = compare(&snapshot(&[map("x"), map("y")]), &snapshot(&[map("y"), map("z")])).differences;
    let expected =
        [Difference::Missing("configmaps/a/x".into(), 1), Difference::Unexpected("configmaps/a/z".into(), 1)];
    assert_eq!(found, expected);
}

/// A ConfigMap, and a Secret that it owns.
fn owned(owner_uid: &str, named_uid: &str) -> [(&'static str, Value); 2] {
    let reference = json!([{"kind": "ConfigMap", "name": "owner", "uid": named_uid}]);
    let owner = json!({"kind": "ConfigMap", "metadata": {"name": "owner", "namespace": "a", "uid": owner_uid}});
    let secret = json!({"kind": "Secret", "metadata": {"name": "s", "namespace": "a", "ownerReferences": reference}});
    [("v1/configmaps", owner), ("v1/secrets", secret)]
}

#[test]
fn a_uid_must_lead_to_the_same_object_as_before() {
    assert_eq!(differences(&owned("u1", "u1"), &owned("u2", "u2")), Vec::<String>::new());
    let dangling = differences(&owned("u1", "u1"), &owned("u2", "u1"));
    assert_eq!(dangling.len(), 1);
    assert!(dangling[0].contains("/metadata/ownerReferences/0/uid"), "{dangling:?}");
}

/// A Pod of a Job, under a random name.
fn pod(name: &str, image: &str) -> (&'static str, Value) {
    let owner = json!([{"kind": "Job", "name": "migrate", "uid": "j", "controller": true}]);
    let value = json!({"kind": "Pod", "spec": {"image": image, "hostname": name, "volume": format!("kube-api-access-{name}")},
        "metadata": {"name": name, "namespace": "a", "ownerReferences": owner}});
    ("v1/pods", value)
}

#[test]
fn what_a_controller_makes_is_compared_as_a_set() {
    let before = [pod("aaaaa", "x"), pod("bbbbb", "y")];
    assert_eq!(differences(&before, &[pod("ccccc", "y"), pod("ddddd", "x")]), Vec::<String>::new());
    assert_eq!(differences(&before, &[pod("ccccc", "x")]), ["missing: pods/a made by Job migrate (1)"]);
    assert_eq!(differences(&before, &[pod("ccccc", "x"), pod("ddddd", "z")]).len(), 1);
}

/// A Service with an address and two node ports, of which the first was chosen.
fn service(address: &str, chosen: u16, allocated: u16) -> [(&'static str, Value); 1] {
    let record = json!({"f:spec": {"f:ports": {r#"k:{"port":80,"protocol":"TCP"}"#: {"f:nodePort": {}, "f:port": {}},
        r#"k:{"port":81,"protocol":"TCP"}"#: {"f:port": {}}}}});
    let ports = json!([{"port": 80, "protocol": "TCP", "nodePort": chosen}, {"port": 81, "protocol": "TCP", "nodePort": allocated}]);
    [(
        "v1/services",
        json!({"kind": "Service", "spec": {"clusterIP": address, "clusterIPs": [address], "ports": ports},
        "metadata": {"name": "web", "namespace": "a", "managedFields": [{"fieldsV1": record}]}}),
    )]
}

#[test]
fn allocated_addresses_and_ports_may_differ_and_chosen_ones_may_not() {
    let before = service("10.0.0.1", 30080, 31111);
    assert_eq!(differences(&before, &service("10.0.0.2", 30080, 32222)), Vec::<String>::new());
    assert_eq!(differences(&before, &service("10.0.0.1", 30081, 31111)).len(), 1, "a chosen port");
    assert_eq!(differences(&before, &service("None", 30080, 31111)).len(), 1, "an address became none");
    assert_eq!(differences(&service("None", 1, 2), &service("10.0.0.1", 1, 2)).len(), 1, "none became an address");
}

#[test]
fn the_marks_of_the_volume_binder_may_differ_and_other_annotations_may_not() {
    let claim = |annotations: Value| {
        [(
            "v1/persistentvolumeclaims",
            json!({"kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "a", "annotations": annotations}}),
        )]
    };
    let bound = claim(json!({"pv.kubernetes.io/bind-completed": "yes"}));
    assert_eq!(differences(&bound, &claim(json!(null))).len(), 0);
    assert_eq!(differences(&bound, &claim(json!({"owner": "ops"}))).len(), 1);
}

#[test]
fn the_values_of_a_secret_are_not_told() {
    let secret = |data: &str| {
        [("v1/secrets", json!({"kind": "Secret", "data": {"key": data}, "metadata": {"name": "s", "namespace": "a"}}))]
    };
    let found = differences(&secret("aHVudGVyMg=="), &secret("c2VjcmV0"));
    assert!(found[0].contains("/data/key") && !found[0].contains("aHVudGVyMg"), "{found:?}");
}
