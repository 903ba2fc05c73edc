//! What holds for every kind, namespaces, and the chain itself.

use serde_json::json;

use super::*;
use crate::action::{RestoreTransform, TransformContext, TransformError, target_of};

#[test]
fn what_the_old_cluster_set_goes_and_the_rest_stays() {
    let object = json!({
        "apiVersion": "example.com/v1", "kind": "Widget",
        "metadata": {
            "name": "w", "namespace": "shop", "uid": "1", "resourceVersion": "7", "generation": 3,
            "creationTimestamp": "2026-11-23T02:00:00Z", "selfLink": "/x", "labels": {"a": "b"}, "annotations": {"c": "d"},
            "finalizers": ["example.com/f"], "managedFields": [{"manager": "kubectl"}], "ownerReferences": [{"uid": "2"}],
        },
        "spec": {"size": 1}, "status": {"ready": true},
    });
    let expect = json!({
        "apiVersion": "example.com/v1", "kind": "Widget",
        "metadata": {
            "name": "w", "namespace": "copy", "labels": {"a": "b"}, "annotations": {"c": "d"},
            "finalizers": ["example.com/f"], "managedFields": [{"manager": "kubectl"}], "ownerReferences": [{"uid": "2"}],
        },
        "spec": {"size": 1},
    });
    check("example.com/v1/widgets", &copy(), &object, &expect);
}

#[test]
fn what_was_being_deleted_is_left_out() {
    let object = json!({"metadata": {"name": "w", "namespace": "shop", "deletionTimestamp": "2026-11-23T02:00:00Z"}});
    check_skipped("example.com/v1/widgets", &object, "being deleted");
}

#[test]
fn a_namespace_follows_its_mapping() {
    let object = json!({
        "metadata": {"name": "shop", "uid": "1", "labels": {"kubernetes.io/metadata.name": "shop", "team": "a"}},
        "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"},
    });
    let named =
        |name: &str| json!({"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name, "team": "a"}}});
    check("v1/namespaces", &spec(), &object, &named("shop"));
    check("v1/namespaces", &copy(), &object, &named("copy"));
}

#[test]
fn targets_follow_the_mapping() {
    for (ty, namespace, name, expect) in [
        ("v1/pods", Some("shop"), "shop", "pods/copy/shop"),
        ("v1/pods", Some("web"), "shop", "pods/web/shop"),
        ("v1/namespaces", None, "shop", "namespaces/copy"),
        ("v1/nodes", None, "shop", "nodes/shop"),
        ("example.com/v1/namespaces", None, "shop", "namespaces.example.com/shop"),
    ] {
        let gvr: Gvr = ty.parse().expect("a type");
        let object = ObjectRef { gvr, namespace: namespace.map(str::to_owned), name: name.to_owned() };
        assert_eq!(target_of(&object, &copy()).to_string(), expect);
    }
}

#[test]
fn odd_shapes_are_left_alone() {
    let types = [
        "v1/namespaces",
        "v1/pods",
        "batch/v1/jobs",
        "v1/services",
        "v1/endpoints",
        "v1/serviceaccounts",
        "v1/secrets",
        "v1/configmaps",
        "v1/persistentvolumes",
        "v1/persistentvolumeclaims",
        "rbac.authorization.k8s.io/v1/rolebindings",
        "discovery.k8s.io/v1/endpointslices",
        "resource.k8s.io/v1/resourceclaims",
        "apiextensions.k8s.io/v1/customresourcedefinitions",
        "apiregistration.k8s.io/v1/apiservices",
        "admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
        "example.com/v1/widgets",
    ];
    let odd = [
        json!({"metadata": []}),
        json!([]),
        json!({"metadata": {"name": "x"}}),
        json!({"metadata": {"name": "x", "labels": 1, "annotations": [], "managedFields": {}}, "spec": [], "data": 3}),
        json!({"metadata": {"name": "x"}, "spec": {"ports": [1], "volumes": {}, "claimRef": 1, "versions": [null]}}),
        json!({"metadata": {"name": "x"}, "subjects": [1, {"name": 2}], "webhooks": [null], "secrets": [3]}),
        json!({"metadata": {"name": "x"}, "spec": {"preserveUnknownFields": true, "versions": [{"schema": 1}]}}),
    ];
    for ty in types {
        for object in &odd {
            let at = ObjectRef::namespaced(ty.parse().expect("a type"), "shop", "x");
            let mut made = object.clone();
            let result = Transforms::builtin().apply(&at, &mut made, &copy()).expect("no transform fails");
            assert_eq!(result.decision, Decision::Keep, "{ty} {object}");
        }
    }
}

/// Refuses every object, or adds a warning.
#[derive(Debug)]
struct Own {
    refuses: bool,
}

impl RestoreTransform for Own {
    fn name(&self) -> &'static str {
        "own"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        ty.plural == "configmaps"
    }

    fn transform(&self, object: &mut Value, context: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        if self.refuses {
            return Err(TransformError::new("it is a matter of taste"));
        }
        object["data"]["namespace"] = object["metadata"]["namespace"].clone();
        context.warn(crate::issue::Code::Reassigned, "seen");
        Ok(Decision::Keep)
    }
}

#[test]
fn own_transforms_run_last_and_are_named() {
    let object = in_shop("c", "data", json!({}));
    let at = source("v1/configmaps", &object);

    let mut made = object.clone();
    let kept = Transforms::builtin().with(Own { refuses: false }).apply(&at, &mut made, &copy()).expect("it keeps");
    assert_eq!(made["data"]["namespace"], "copy");
    assert_eq!(kept.issues[0].to_string(), "warning: configmaps/copy/c: seen");

    let refusing = Transforms::builtin().with(Own { refuses: true });
    let error = refusing.apply(&at, &mut object.clone(), &copy()).expect_err("it refuses");
    assert_eq!(error.to_string(), "the transform \"own\" failed: it is a matter of taste");

    let without = refusing.without("own");
    assert!(without.apply(&at, &mut object.clone(), &copy()).is_ok());
    assert!(without.names().all(|name| name != "own"));
}

#[test]
fn names_are_unique() {
    let transforms = Transforms::builtin();
    let mut names: Vec<&str> = transforms.names().collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
