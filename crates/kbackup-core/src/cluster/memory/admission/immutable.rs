//! The fields that can't change once an object exists, as data.

use serde_json::Value;

use super::super::errors::{bad_value, forbidden_field};
use super::super::tree;
use crate::cluster::FieldError;

/// Table, path of the field, what the server says.
const IMMUTABLE: &[(&str, &[&str], &str)] = &[
    ("deployments.apps", &["spec", "selector"], FIELD),
    ("daemonsets.apps", &["spec", "selector"], FIELD),
    ("replicasets.apps", &["spec", "selector"], FIELD),
    ("statefulsets.apps", &["spec", "selector"], STATEFUL_SET),
    ("statefulsets.apps", &["spec", "serviceName"], STATEFUL_SET),
    ("statefulsets.apps", &["spec", "podManagementPolicy"], STATEFUL_SET),
    ("statefulsets.apps", &["spec", "volumeClaimTemplates"], STATEFUL_SET),
    ("jobs.batch", &["spec", "selector"], FIELD),
    ("jobs.batch", &["spec", "template"], FIELD),
    ("secrets", &["type"], FIELD),
    ("controllerrevisions.apps", &["data"], FIELD),
    ("storageclasses.storage.k8s.io", &["provisioner"], "updates to provisioner are forbidden."),
    ("storageclasses.storage.k8s.io", &["parameters"], "updates to parameters are forbidden."),
    ("storageclasses.storage.k8s.io", &["reclaimPolicy"], FIELD),
    ("storageclasses.storage.k8s.io", &["volumeBindingMode"], FIELD),
    ("priorityclasses.scheduling.k8s.io", &["value"], "may not be changed in an update."),
    ("rolebindings.rbac.authorization.k8s.io", &["roleRef"], "cannot change roleRef"),
    ("clusterrolebindings.rbac.authorization.k8s.io", &["roleRef"], "cannot change roleRef"),
    ("runtimeclasses.node.k8s.io", &["handler"], FIELD),
    ("ingressclasses.networking.k8s.io", &["spec", "controller"], FIELD),
    ("customresourcedefinitions.apiextensions.k8s.io", &["spec", "scope"], FIELD),
    ("customresourcedefinitions.apiextensions.k8s.io", &["spec", "group"], FIELD),
    ("persistentvolumes", &["spec", "volumeMode"], FIELD),
    ("persistentvolumeclaims", &["spec", "storageClassName"], CLAIM),
    ("persistentvolumeclaims", &["spec", "accessModes"], CLAIM),
    ("persistentvolumeclaims", &["spec", "selector"], CLAIM),
    ("persistentvolumeclaims", &["spec", "volumeMode"], CLAIM),
    ("persistentvolumeclaims", &["spec", "dataSource"], CLAIM),
    ("pods", &["spec", "nodeName"], POD),
    ("pods", &["spec", "volumes"], POD),
    ("pods", &["spec", "serviceAccountName"], POD),
    ("pods", &["spec", "restartPolicy"], POD),
];

const FIELD: &str = "field is immutable";
const STATEFUL_SET: &str = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', \
    'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
const CLAIM: &str = "spec is immutable after creation except resources.requests and volumeAttributesClassName for \
    bound claims";
const POD: &str = "pod updates may not change fields other than `spec.containers[*].image`,\
    `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing \
    tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/// The fields that an update would change and must not.
pub(super) fn violations(table: &str, old: &Value, new: &Value) -> Vec<FieldError> {
    let rows = IMMUTABLE.iter().filter(|(of, path, _)| *of == table && changed(old, new, path));
    let mut found: Vec<FieldError> = rows.map(|(_, path, why)| violation(path, why)).collect();
    if matches!(table, "secrets" | "configmaps") && old.get("immutable") == Some(&Value::Bool(true)) {
        let fields = ["data", "binaryData", "immutable"].into_iter().filter(|field| changed(old, new, &[field]));
        found.extend(fields.map(|field| forbidden_field(field, "field is immutable when `immutable` is set")));
    }
    if meta_finalizers_grow(old, new) {
        let why = "no new finalizers can be added if the object is being deleted";
        found.push(forbidden_field("metadata.finalizers", why));
    }
    // Several rows of one type can have one and the same rule for the whole specification.
    found.dedup_by(|a, b| a == b);
    found
}

fn violation(path: &[&str], why: &str) -> FieldError {
    match why {
        STATEFUL_SET | CLAIM | POD => forbidden_field("spec", why),
        "updates to provisioner are forbidden." | "updates to parameters are forbidden." => {
            forbidden_field(&path.join("."), why)
        }
        // The value is not shown: it may be large.
        _ => bad_value(&path.join("."), "the new value", why),
    }
}

fn changed(old: &Value, new: &Value, path: &[&str]) -> bool {
    let was = tree::at(old, path).filter(|value| !value.is_null());
    // A field that was empty may be filled in: by a default here, by a controller there.
    let may_be_set = path == ["spec", "nodeName"];
    match (was, tree::at(new, path).filter(|value| !value.is_null())) {
        (None, Some(_)) if may_be_set => false,
        (was, is) => was != is,
    }
}

fn meta_finalizers_grow(old: &Value, new: &Value) -> bool {
    use super::super::meta::{finalizers, is_deleting};
    is_deleting(old) && finalizers(new).iter().any(|name| !finalizers(old).contains(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(table: &str, old: &Value, new: &Value, expect: &[&str]) {
        let found: Vec<String> = violations(table, old, new).into_iter().map(|error| error.field).collect();
        assert_eq!(found, expect, "{table}");
    }

    #[test]
    fn what_cannot_change_is_named() {
        let spec = |key: &str, value: &str| json!({"spec": {key: value}});
        check("deployments.apps", &spec("selector", "a"), &spec("selector", "b"), &["spec.selector"]);
        check("deployments.apps", &spec("replicas", "a"), &spec("replicas", "b"), &[]);
        check("pods", &json!({}), &spec("nodeName", "n1"), &[]);
        check("pods", &spec("nodeName", "n1"), &spec("nodeName", "n2"), &["spec"]);
        let fixed = json!({"immutable": true, "data": {"a": "1"}});
        check("configmaps", &fixed, &json!({"immutable": true, "data": {"a": "2"}}), &["data"]);
        let deleting = json!({"metadata": {"deletionTimestamp": "x", "finalizers": ["a"]}});
        check("configmaps", &deleting, &json!({"metadata": {"finalizers": ["a", "b"]}}), &["metadata.finalizers"]);
    }
}
