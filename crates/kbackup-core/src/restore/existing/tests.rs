//! What becomes of an existing object, by each policy.

use serde_json::json;

use super::*;
use crate::model::BackupName;

fn spec(existing: ExistingPolicy) -> RestoreSpec {
    RestoreSpec::from_backup("b".parse::<BackupName>().expect("a name")).existing(existing)
}

fn settle(policy: ExistingPolicy, ty: &str, live: &Value, wanted: &Value) -> Settled {
    let (spec, transforms) = (spec(policy), Transforms::builtin());
    let at = ObjectRef::namespaced(ty.parse().expect("a type"), "shop", "a");
    Existing::new(&spec, &transforms).settle(&at, live, wanted, false)
}

fn configmap(data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}, "data": data})
}

/// As a server gives it back.
fn live(mut object: Value) -> Value {
    object["metadata"]["uid"] = "u".into();
    object["metadata"]["resourceVersion"] = "7".into();
    object["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z".into();
    object["metadata"]["managedFields"] = json!([{"manager": "kubectl", "operation": "Update"}]);
    object
}

#[test]
fn what_a_server_sets_is_no_difference() {
    let service = |extra: Value| {
        let mut service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "shop"},
            "spec": {"ports": [{"port": 80, "protocol": "TCP"}]}});
        for (key, value) in extra.as_object().into_iter().flatten() {
            service["spec"][key] = value.clone();
        }
        service
    };
    let got = live(service(json!({"clusterIP": "10.0.0.9", "clusterIPs": ["10.0.0.9"],
        "ports": [{"port": 80, "protocol": "TCP", "nodePort": 31000}], "selector": null})));
    let settled = settle(ExistingPolicy::Fail, "v1/services", &got, &service(json!({})));
    assert_eq!(settled.action, Action::Unchanged);
    let mut owned = live(configmap(json!({"a": "1"})));
    owned["metadata"]["ownerReferences"] = json!([{"uid": "x"}]);
    owned["metadata"]["annotations"] = json!({});
    let settled = settle(ExistingPolicy::Fail, "v1/configmaps", &owned, &configmap(json!({"a": "1"})));
    assert_eq!(settled.action, Action::Unchanged);
}

#[test]
fn the_order_of_fields_makes_no_difference_to_a_digest() {
    let (spec, transforms) = (spec(ExistingPolicy::Skip), Transforms::builtin());
    let existing = Existing::new(&spec, &transforms);
    let at = ObjectRef::namespaced("v1/configmaps".parse().expect("a type"), "shop", "a");
    let digest = |text: &str| existing.digest(serde_json::from_str(text).expect("JSON"), &at);
    let one = digest(r#"{"kind":"ConfigMap","data":{"a":"1","b":"2"},"metadata":{"name":"a"}}"#);
    assert_eq!(one, digest(r#"{"metadata":{"uid":"u","name":"a"},"data":{"b":"2","a":"1"},"kind":"ConfigMap"}"#));
    assert_ne!(one, digest(r#"{"metadata":{"name":"a"},"data":{"b":"2","a":"2"},"kind":"ConfigMap"}"#));
}

#[test]
fn each_policy_does_its_own_about_a_difference() {
    let (got, wanted) = (live(configmap(json!({"a": "2", "mine": "x"}))), configmap(json!({"a": "1"})));
    let of = |policy| settle(policy, "v1/configmaps", &got, &wanted);

    let skipped = of(ExistingPolicy::Skip);
    assert!(matches!(skipped.action, Action::Skip { .. }), "{skipped:?}");
    let issue = skipped.issue.expect("it is reported");
    assert_eq!(issue.code, Code::ExistsAndDiffers);
    assert!(issue.message.contains("/data/a, /data/mine"), "{issue}");

    let updated = of(ExistingPolicy::Update).target.expect("it is written");
    assert_eq!(updated["data"], json!({"a": "1", "mine": "x"}), "what only the live one has stays");
    assert_eq!(updated["metadata"], got["metadata"], "and so does what the server set");

    let replaced = of(ExistingPolicy::Replace).target.expect("it is written");
    assert_eq!(replaced["data"], json!({"a": "1"}));
    assert_eq!(replaced["metadata"]["resourceVersion"], "7");
    assert_eq!(replaced["metadata"]["managedFields"], got["metadata"]["managedFields"]);

    assert!(matches!(of(ExistingPolicy::Recreate).action, Action::Recreate { .. }));
    assert!(matches!(of(ExistingPolicy::Fail).action, Action::Refuse { code: Code::ExistsAndDiffers, .. }));
}

#[test]
fn an_update_that_would_only_add_nothing_is_none() {
    let (got, wanted) = (live(configmap(json!({"a": "1", "mine": "x"}))), configmap(json!({"a": "1"})));
    assert_eq!(settle(ExistingPolicy::Update, "v1/configmaps", &got, &wanted).action, Action::Unchanged);
    assert!(matches!(settle(ExistingPolicy::Replace, "v1/configmaps", &got, &wanted).action, Action::Replace { .. }));
}

#[test]
fn what_others_are_lost_with_is_never_deleted() {
    let claim = |size: &str| {
        json!({"kind": "PersistentVolumeClaim", "metadata": {"name": "a", "namespace": "shop"},
        "spec": {"resources": {"requests": {"storage": size}}}})
    };
    let settled = settle(ExistingPolicy::Recreate, "v1/persistentvolumeclaims", &live(claim("1Gi")), &claim("2Gi"));
    assert!(matches!(settled.action, Action::Update { .. }), "{settled:?}");
    assert!(settled.issue.expect("it is reported").message.contains("updated in place"));
}

#[test]
fn an_account_gets_what_it_lacks_though_existing_objects_are_left() {
    let account = |names: &[&str]| {
        let names: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
        json!({"kind": "ServiceAccount", "metadata": {"name": "a", "namespace": "shop"}, "imagePullSecrets": names})
    };
    let settled =
        settle(ExistingPolicy::Skip, "v1/serviceaccounts", &live(account(&["live"])), &account(&["registry"]));
    assert_eq!(
        settled.target.expect("it is written")["imagePullSecrets"],
        account(&["live", "registry"])["imagePullSecrets"]
    );
    let settled = settle(ExistingPolicy::Skip, "v1/serviceaccounts", &live(account(&["a", "b"])), &account(&["a"]));
    assert!(matches!(settled.action, Action::Skip { .. }), "nothing is missing: {settled:?}");
}

#[test]
fn the_values_of_a_secret_are_not_told() {
    let secret = |value: &str| {
        json!({"kind": "Secret", "metadata": {"name": "a", "namespace": "shop"}, "type": "Opaque",
        "data": {"password": value}})
    };
    let settled = settle(ExistingPolicy::Update, "v1/secrets", &live(secret("b2xk")), &secret("bmV3"));
    let told = format!("{:?} {}", settled.action, serde_json::to_string(&settled.action).expect("JSON"));
    assert!(told.contains("/data/password") && !told.contains("b2xk") && !told.contains("bmV3"), "{told}");
}

#[test]
fn an_object_of_other_namespaces_is_left_alone() {
    let (spec, transforms) = (spec(ExistingPolicy::Replace), Transforms::builtin());
    let at = ObjectRef::cluster("rbac.authorization.k8s.io/v1/clusterrolebindings".parse().expect("a type"), "a");
    let binding = |namespace: &str| {
        json!({"kind": "ClusterRoleBinding", "metadata": {"name": "a"},
        "subjects": [{"kind": "ServiceAccount", "name": "x", "namespace": namespace}]})
    };
    let existing = Existing::new(&spec, &transforms);
    let settled = existing.settle(&at, &live(binding("shop")), &binding("copy"), true);
    assert!(matches!(settled.action, Action::Skip { .. }), "{settled:?}");
    assert_eq!(settled.issue.expect("it is reported").code, Code::NameTaken);
    assert_eq!(existing.settle(&at, &live(binding("copy")), &binding("copy"), true).action, Action::Unchanged);
}
