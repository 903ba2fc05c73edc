//! A row an object: what it names.

use serde_json::{Value, json};

use super::{BackupActions, Related};
use crate::model::{Gvr, ObjectRef};

fn related(gvr: &str, namespace: Option<&str>, object: &Value) -> Vec<String> {
    let gvr: Gvr = gvr.parse().expect("a type");
    let at = ObjectRef { gvr: gvr.clone(), namespace: namespace.map(str::to_owned), name: "x".to_owned() };
    let mut related = Related::default();
    for action in BackupActions::builtin().about(&gvr) {
        action.related(&at, object, &mut related).expect("it is understood");
    }
    let objects = related.objects().map(|(ty, namespace, name)| match namespace {
        Some(namespace) => format!("{ty}/{namespace}/{name}"),
        None => format!("{ty}/{name}"),
    });
    let back = related.needed_mentions().map(|(ty, what)| format!("{ty} of {what}"));
    objects.chain(back).chain(related.own_mentions().map(|what| format!("mentions {what}"))).collect()
}

#[test]
fn what_objects_need() {
    let pod_spec = json!({
        "serviceAccountName": "web",
        "priorityClassName": "high",
        "imagePullSecrets": [{"name": "registry"}],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": "data-0"}},
            {"name": "tls", "secret": {"secretName": "cert"}},
            {"name": "all", "projected": {"sources": [{"configMap": {"name": "ca"}}, {"serviceAccountToken": {}}]}},
            {"name": "tmp", "emptyDir": {}},
        ],
        "initContainers": [{"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "init", "key": "a"}}}]}],
        "containers": [{"envFrom": [{"secretRef": {"name": "env"}}]}],
    });
    let of_pod = [
        "serviceaccounts/shop/web",
        "priorityclasses.scheduling.k8s.io/high",
        "secrets/shop/registry",
        "persistentvolumeclaims/shop/data-0",
        "secrets/shop/cert",
        "configmaps/shop/ca",
        "secrets/shop/env",
        "configmaps/shop/init",
    ];
    let subjects = json!([
        {"kind": "ServiceAccount", "name": "web", "namespace": "web"}, {"kind": "ServiceAccount", "name": "own"},
        {"kind": "User", "name": "ann"},
    ]);
    let cluster_role = json!({"kind": "ClusterRole", "name": "view"});
    for (gvr, namespace, object, expect) in [
        ("v1/pods", Some("shop"), json!({"spec": pod_spec}), &of_pod[..]),
        ("apps/v1/deployments", Some("shop"), json!({"spec": {"template": {"spec": pod_spec}}}), &of_pod),
        (
            "batch/v1/cronjobs",
            Some("shop"),
            json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": pod_spec}}}}}),
            &of_pod,
        ),
        ("v1/pods", Some("shop"), json!({"spec": {"volumes": "none", "serviceAccountName": 7}}), &[]),
        (
            "v1/persistentvolumeclaims",
            Some("shop"),
            json!({"spec": {"volumeName": "pv-1", "storageClassName": "fast"}}),
            &["persistentvolumes/pv-1", "storageclasses.storage.k8s.io/fast"],
        ),
        ("v1/persistentvolumeclaims", Some("shop"), json!({"spec": {"storageClassName": ""}}), &[]),
        (
            "v1/persistentvolumes",
            None,
            json!({"spec": {"storageClassName": "fast"}}),
            &["storageclasses.storage.k8s.io/fast"],
        ),
        (
            "v1/serviceaccounts",
            Some("shop"),
            json!({"secrets": [{"name": "token"}]}),
            &[
                "secrets/shop/token",
                "clusterrolebindings.rbac.authorization.k8s.io of serviceaccount/shop/x",
                "rolebindings.rbac.authorization.k8s.io of serviceaccount/shop/x",
            ],
        ),
        (
            "rbac.authorization.k8s.io/v1/rolebindings",
            Some("shop"),
            json!({"roleRef": {"kind": "Role", "name": "edit"}, "subjects": subjects}),
            &[
                "roles.rbac.authorization.k8s.io/shop/edit",
                "mentions serviceaccount/web/web",
                "mentions serviceaccount/shop/own",
            ],
        ),
        (
            "rbac.authorization.k8s.io/v1/clusterrolebindings",
            None,
            json!({"roleRef": cluster_role, "subjects": subjects}),
            &["clusterroles.rbac.authorization.k8s.io/view", "mentions serviceaccount/web/web"],
        ),
        (
            "networking.k8s.io/v1/ingresses",
            Some("shop"),
            json!({"spec": {"ingressClassName": "nginx", "tls": [{"secretName": "cert"}]}}),
            &["ingressclasses.networking.k8s.io/nginx", "secrets/shop/cert"],
        ),
        (
            "gateway.networking.k8s.io/v1/gateways",
            Some("shop"),
            json!({"spec": {"gatewayClassName": "envoy"}}),
            &["gatewayclasses.gateway.networking.k8s.io/envoy"],
        ),
        ("v1/configmaps", Some("shop"), json!({"data": {"serviceAccountName": "web"}}), &[]),
    ] {
        assert_eq!(related(gvr, namespace, &object), expect, "{gvr} {object}");
    }
}

#[test]
fn actions_are_added_and_taken_away() {
    let names: Vec<&str> = BackupActions::builtin().names().collect();
    let unique: std::collections::BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(names.len(), unique.len());
    assert!(!BackupActions::builtin().without("pod").names().any(|name| name == "pod"));
    assert_eq!(BackupActions::none().names().count(), 0);
}
