//! Init containers that annotations and specs ask for.

use serde_json::json;

use super::*;

fn pod(annotations: Value, init: &[&str]) -> Value {
    let containers: Vec<Value> = init.iter().map(|name| json!({"name": name})).collect();
    let mut pod = in_shop("db-0", "spec", json!({"containers": [{"name": "db"}], "initContainers": containers}));
    pod["metadata"]["labels"] = json!({"app": "db"});
    pod["metadata"]["annotations"] = annotations;
    pod
}

fn with_hooks(resource: Value) -> RestoreSpec {
    RestoreSpec { hooks: serde_json::from_value(json!({"resources": [resource]})).expect("hooks"), ..spec() }
}

fn init_of(spec: &RestoreSpec, pod: &Value) -> (Value, Vec<String>) {
    let (made, issues) = kept("v1/pods", spec, pod);
    let (again, _) = kept("v1/pods", spec, &made);
    assert_eq!(again, made, "a second time");
    (made["spec"]["initContainers"].clone(), issues)
}

#[test]
fn annotations_ask_for_an_init_container() {
    let velero = |field: &str| format!("init.hook.restore.velero.io/{field}");
    let mut annotations = json!({velero("container-image"): "busybox:1"});
    let (init, issues) = init_of(&spec(), &pod(annotations.clone(), &["own"]));
    assert_eq!(issues, Vec::<String>::new());
    assert_eq!((&init[0]["image"], &init[1]["name"]), (&json!("busybox:1"), &json!("own")), "it comes first");
    assert!(init[0]["name"].as_str().is_some_and(|name| name.starts_with("kbackup-restore-init-")), "{init}");

    annotations[velero("container-name")] = "warm".into();
    annotations[velero("command")] = r#"["sh", "-c", "true"]"#.into();
    annotations[velero("timeout")] = "1m".into();
    let (init, _) = init_of(&spec(), &pod(annotations.clone(), &[]));
    assert_eq!(init, json!([{"name": "warm", "image": "busybox:1", "command": ["sh", "-c", "true"]}]));
    annotations["init.hook.restore.kbackup.dev/container-image"] = "ours:2".into();
    let (init, _) = init_of(&spec(), &pod(annotations, &[]));
    assert_eq!(init[0]["image"], "ours:2");

    let wrong = json!({velero("container-image"): "x", velero("command"): "[sh"});
    let (init, issues) = init_of(&spec(), &pod(wrong, &["own"]));
    assert_eq!(init, json!([{"name": "own"}]));
    assert!(issues[0].contains("init.hook.restore.velero.io/command"), "{issues:?}");
    let without = pod(json!({velero("command"): "true"}), &["own"]);
    assert_eq!(init_of(&spec(), &without).0, json!([{"name": "own"}]), "without an image it is no hook");
}

#[test]
fn specs_ask_for_init_containers() {
    let init = json!({"init": {"initContainers": [{"name": "warm", "image": "x", "command": ["y"]}]}});
    let resource = |filters: Value| {
        let mut resource = json!({"name": "h", "postHooks": [init]});
        resource.as_object_mut().expect("a map").extend(filters.as_object().expect("a map").clone());
        resource
    };
    for (filters, added) in [
        (json!({}), true),
        (json!({"includedNamespaces": ["shop"]}), true),
        (json!({"includedNamespaces": ["copy"]}), false),
        (json!({"excludedNamespaces": ["sh*"]}), false),
        (json!({"labelSelector": {"matchLabels": {"app": "db"}}}), true),
        (json!({"labelSelector": {"matchLabels": {"app": "web"}}}), false),
    ] {
        let spec = with_hooks(resource(filters.clone())).map_namespace("shop", "copy");
        let (containers, _) = kept("v1/pods", &spec, &pod(json!({}), &["own"]));
        let first = &containers["spec"]["initContainers"][0]["name"];
        assert_eq!(*first == "warm", added, "{filters}");
    }
    let own = json!({"init.hook.restore.velero.io/container-image": "a"});
    let (containers, _) = init_of(&with_hooks(resource(json!({}))), &pod(own, &[]));
    assert_eq!((containers[0]["image"].clone(), containers.as_array().map(Vec::len)), (json!("a"), Some(1)));
    let deployment = in_shop("web", "spec", json!({"template": {"spec": {}}}));
    let (made, _) = kept("apps/v1/deployments", &with_hooks(resource(json!({}))), &deployment);
    assert_eq!(made, deployment);
}
