//! What goes in, what comes out; and what is refused.

use serde_json::{Value, json};

use super::*;
use crate::model::Gvr;

fn written(rules: &Value) -> ResourceModifiers {
    serde_json::from_value(json!({"version": "v1", "resourceModifierRules": rules})).expect("rules")
}

fn compiled(rules: &Value) -> Modifiers {
    written(rules).compile().expect("the rules are valid")
}

fn refused(rule: Value) -> Vec<String> {
    written(&json!([rule])).compile().expect_err("something is wrong")
}

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web-1", "namespace": "copy", "labels": {"app": "web"}},
        "spec": {"replicas": 3, "template": {"spec": {"containers": [
            {"name": "web", "image": "web:1"}, {"name": "log", "image": "log:1"},
        ]}}},
    })
}

/// The object after the rules, as a Deployment of the backup's namespace `shop`.
fn applied(rules: Value) -> (Value, Vec<String>) {
    let mut object = deployment();
    let ty = Gvr::new("apps", "v1", "deployments");
    let failed = compiled(&rules).apply(&Target { ty: &ty, namespace: Some("shop"), name: "web-1" }, &mut object);
    (object, failed)
}

/// Whether a rule with these conditions changes the object.
fn fits(conditions: Value, ty: &str, namespace: Option<&str>) -> bool {
    let rules = json!([{"conditions": conditions, "mergePatches": [{"patchData": r#"{"changed": true}"#}]}]);
    let mut object = deployment();
    let target = Target { ty: &ty.parse().expect("a type"), namespace, name: "web-1" };
    assert!(compiled(&rules).apply(&target, &mut object).is_empty());
    object["changed"] == true
}

#[test]
fn a_rule_is_for_some_types() {
    for (group_resource, ty, expect) in [
        ("deployments.apps", "apps/v1/deployments", true),
        ("deployments.apps", "apps/v1beta1/deployments", true),
        ("deployments.apps", "apps/v1/statefulsets", false),
        ("deployments", "apps/v1/deployments", false),
        ("*.apps", "apps/v1/statefulsets", true),
        ("*.apps", "v1/pods", false),
        ("*", "v1/pods", true),
        ("*", "apps/v1/deployments", false),
        ("*.*", "v1/pods", true),
        ("*.*", "rbac.authorization.k8s.io/v1/roles", true),
        ("*.k8s.io", "apps/v1/deployments", false),
        ("roles.rbac.*", "rbac.authorization.k8s.io/v1/roles", true),
        ("po?s", "v1/pods", true),
    ] {
        assert_eq!(fits(json!({"groupResource": group_resource}), ty, Some("shop")), expect, "{group_resource} {ty}");
    }
}

#[test]
fn all_conditions_must_hold() {
    for (conditions, expect) in [
        (json!({"namespaces": ["shop"]}), true),
        (json!({"namespaces": ["sh*", "web"]}), true),
        (json!({"namespaces": ["copy"]}), false),
        (json!({"resourceNameRegex": "eb"}), true),
        (json!({"resourceNameRegex": "^web-[0-9]+$"}), true),
        (json!({"resourceNameRegex": "^web$"}), false),
        (json!({"labelSelector": {"matchLabels": {"app": "web"}}}), true),
        (json!({"labelSelector": {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}}), false),
        (json!({"matches": [{"path": "/spec/replicas", "value": "3"}]}), true),
        (json!({"matches": [{"path": "/spec/replicas", "value": "\"3\""}]}), false),
        (json!({"matches": [{"path": "/spec/none", "value": "3"}]}), false),
        (
            json!({"matches": [{"path": "/metadata/labels/app", "value": "web"}, {"path": "/spec/replicas", "value": "2"}]}),
            false,
        ),
        (json!({"namespaces": ["shop"], "resourceNameRegex": "^db"}), false),
    ] {
        let mut conditions = conditions;
        conditions["groupResource"] = "deployments.apps".into();
        assert_eq!(fits(conditions.clone(), "apps/v1/deployments", Some("shop")), expect, "{conditions}");
    }
    let cluster_scoped = json!({"groupResource": "*.*", "namespaces": ["elsewhere"]});
    assert!(fits(cluster_scoped, "v1/nodes", None), "namespaces say nothing of what is in none");
}

#[test]
fn patches_change_the_object() {
    let rule =
        |field: &str, patches: Value| json!([{"conditions": {"groupResource": "deployments.apps"}, field: patches}]);
    let image = |object: &Value, at: usize| object["spec"]["template"]["spec"]["containers"][at]["image"].clone();

    let operations = json!([
        {"operation": "test", "path": "/spec/replicas", "value": "3"},
        {"operation": "replace", "path": "/spec/replicas", "value": "1"},
        {"operation": "add", "path": "/metadata/labels/tier", "value": "\"1\""},
        {"operation": "copy", "from": "/metadata/labels/app", "path": "/metadata/labels/copied"},
        {"operation": "remove", "path": "/spec/template/spec/containers/1"},
    ]);
    let (object, failed) = applied(rule("patches", operations));
    assert_eq!((failed.len(), &object["spec"]["replicas"]), (0, &json!(1)));
    assert_eq!(object["metadata"]["labels"], json!({"app": "web", "tier": "1", "copied": "web"}));
    assert_eq!(object["spec"]["template"]["spec"]["containers"].as_array().map(Vec::len), Some(1));

    let (object, failed) = applied(rule(
        "mergePatches",
        json!([
            {"patchData": r#"{"metadata": {"labels": {"app": null, "a": "1"}}}"#},
            {"patchData": r#"{"metadata": {"labels": {"b": "2"}}}"#},
        ]),
    ));
    assert_eq!((failed.len(), &object["metadata"]["labels"]), (0, &json!({"a": "1", "b": "2"})));

    let change = r#"{"spec": {"template": {"spec": {"containers": [{"name": "log", "image": "log:2"}]}}}}"#;
    let (object, failed) = applied(rule("strategicPatches", json!([{"patchData": change}])));
    assert_eq!((failed.len(), image(&object, 0), image(&object, 1)), (0, json!("web:1"), json!("log:2")));
}

#[test]
fn rules_add_up_and_are_chosen_before_any_is_applied() {
    let rule = |from: &str, to: &str| {
        json!({
            "conditions": {"groupResource": "deployments.apps", "matches": [{"path": "/spec/replicas", "value": from}]},
            "patches": [{"operation": "replace", "path": "/spec/replicas", "value": to}],
        })
    };
    let (object, _) = applied(json!([rule("3", "2"), rule("2", "1")]));
    assert_eq!(object["spec"]["replicas"], 2, "the second rule did not fit the object of the backup");
    let (object, _) = applied(json!([rule("3", "2"), rule("3", "1")]));
    assert_eq!(object["spec"]["replicas"], 1, "later rules see what earlier ones did");
}

#[test]
fn a_rule_that_fails_changes_nothing_and_the_others_are_applied() {
    let conditions = json!({"groupResource": "deployments.apps"});
    let one = json!({"operation": "replace", "path": "/spec/replicas", "value": "1"});
    let label =
        json!({"conditions": conditions, "mergePatches": [{"patchData": r#"{"metadata": {"labels": {"x": "1"}}}"#}]});

    let test = json!({"operation": "test", "path": "/metadata/labels/app", "value": "db"});
    let (object, failed) = applied(json!([{"conditions": conditions, "patches": [one, test]}, label]));
    assert!(failed.is_empty(), "a test that fails is no error: {failed:?}");
    assert_eq!((&object["spec"]["replicas"], &object["metadata"]["labels"]["x"]), (&json!(3), &json!("1")));

    let missing = json!({"operation": "remove", "path": "/spec/none"});
    let (object, failed) = applied(json!([{"conditions": conditions, "patches": [one, missing]}, label]));
    assert_eq!((&object["spec"]["replicas"], &object["metadata"]["labels"]["x"]), (&json!(3), &json!("1")));
    assert!(failed[0].starts_with("rule 1 could not be applied"), "{failed:?}");

    for path in ["/kind", "/metadata/name", "/metadata/namespace"] {
        let rename = json!({"operation": "replace", "path": path, "value": "other"});
        let (object, failed) = applied(json!([{"conditions": conditions, "patches": [rename]}]));
        assert_eq!(object, deployment());
        assert!(failed[0].contains(path), "{failed:?}");
    }
    let custom = json!([{"conditions": {"groupResource": "*.*"}, "strategicPatches": [{"patchData": "{}"}]}]);
    let mut widget = json!({"metadata": {"name": "w"}});
    let ty = Gvr::new("example.com", "v1", "widgets");
    let failed = compiled(&custom).apply(&Target { ty: &ty, namespace: Some("shop"), name: "w" }, &mut widget);
    assert!(failed[0].contains("use mergePatches"), "{failed:?}");
}

#[test]
fn what_is_wrong_is_said_with_the_rule_and_the_reason() {
    let patch = json!([{"operation": "remove", "path": "/spec/x"}]);
    let merge = json!([{"patchData": "{}"}]);
    let pods = json!({"groupResource": "pods"});
    for (rule, words) in [
        (json!({"conditions": {"groupResource": ""}, "patches": patch}), "names no type"),
        (json!({"conditions": {"groupResource": "pods[", }, "patches": patch}), "names no type"),
        (
            json!({"conditions": {"groupResource": "pods", "resourceNameRegex": "("}, "patches": patch}),
            "resourceNameRegex \"(\"",
        ),
        (
            json!({"conditions": {"groupResource": "pods", "namespaces": [""]}, "patches": patch}),
            "conditions.namespaces",
        ),
        (
            json!({"conditions": {"groupResource": "pods", "labelSelector": {"matchLabels": {"a b": "c"}}}, "patches": patch}),
            "labelSelector",
        ),
        (
            json!({"conditions": {"groupResource": "pods", "matches": [{"path": "spec", "value": "1"}]}, "patches": patch}),
            "matches[0].path \"spec\"",
        ),
        (
            json!({"conditions": {"groupResource": "pods", "matches": [{"path": "/a", "value": "{"}]}, "patches": patch}),
            "matches[0].value",
        ),
        (json!({"conditions": pods}), "it changes nothing"),
        (json!({"conditions": pods, "patches": patch, "mergePatches": merge}), "only one of patches"),
        (
            json!({"conditions": pods, "patches": [{"operation": "repalce", "path": "/a", "value": "1"}]}),
            "did you mean \"replace\"",
        ),
        (json!({"conditions": pods, "patches": [{"operation": "remove", "path": "a"}]}), "begin it with \"/\""),
        (json!({"conditions": pods, "patches": [{"operation": "copy", "path": "/a"}]}), "copy needs \"from\""),
        (
            json!({"conditions": pods, "patches": [{"operation": "add", "path": "/a", "value": "[1"}]}),
            "patches[0].value",
        ),
        (json!({"conditions": pods, "mergePatches": [{"patchData": "a: 1"}]}), "mergePatches[0].patchData is not JSON"),
        (json!({"conditions": pods, "mergePatches": [{"patchData": "[]"}]}), "not an object"),
        (json!({"conditions": pods, "strategicPatches": [{"patchData": r#"{"$patch": "burn"}"#}]}), "burn"),
        (
            json!({"conditions": {"groupResource": "widgets.example.com"}, "strategicPatches": merge}),
            "use mergePatches",
        ),
    ] {
        let found = refused(rule.clone());
        assert!(found.len() == 1 && found[0].starts_with("rule 1: ") && found[0].contains(words), "{rule}: {found:?}");
    }
}

#[test]
fn everything_wrong_is_said_at_once() {
    let rules = json!([
        {"conditions": {"groupResource": "pods"}, "patches": [{"operation": "burn", "path": "a"}]},
        {"conditions": {"groupResource": "pods"}, "mergePatches": [{"patchData": "{}"}]},
        {"conditions": {"groupResource": "pods"}},
    ]);
    let found = ResourceModifiers { version: "v2".to_owned(), ..written(&rules) }.compile().expect_err("much is wrong");
    let numbers: Vec<&str> = found.iter().filter_map(|why| why.split(':').next()).collect();
    assert_eq!(numbers, ["version \"v2\" is not known", "rule 1", "rule 1", "rule 3"]);
    let unknown = serde_json::from_value::<ResourceModifiers>(json!({"version": "v1", "rules": []}));
    assert!(unknown.expect_err("a field of another name").to_string().contains("resourceModifierRules"));
}

#[test]
fn patches_of_a_file_may_be_yaml() {
    let read = |text: &str| serde_saphyr::from_str::<Value>(text).map_err(|error| error.to_string());
    let rule = |patch: &str| json!([{"conditions": {"groupResource": "deployments.apps"}, "mergePatches": [{"patchData": patch}]}]);
    let rules = written(&rule("spec:\n  replicas: 7\n")).with_patches_read_by(read).expect("it is YAML");
    assert_eq!(rules.resource_modifier_rules[0].merge_patches[0].patch_data, r#"{"spec":{"replicas":7}}"#);
    let refused = written(&rule("{a: [")).with_patches_read_by(read).expect_err("it is not");
    assert!(refused[0].starts_with("rule 1: mergePatches[0].patchData: "), "{refused:?}");
}
