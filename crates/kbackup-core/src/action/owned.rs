//! Objects that belong to another one.

use serde_json::Value;

use crate::model::{Gvr, OwnerRef};

/// Whether a built-in controller makes an object of type `ty` again by itself once its managing owner is there.
///
/// Only what such a controller derives from the owner alone counts. Every other owned object holds data of its own (the
/// claim of a StatefulSet, a Secret of cert-manager) and is not remade. It says nothing about whether the owner is
/// restored, or left to an owner of its own: that is the plan's question.
///
/// ```
/// use kbackup_core::action::is_remade;
/// use kbackup_core::model::{Gvr, OwnerRef};
///
/// let owner = OwnerRef {
///     api_version: "apps/v1".to_owned(),
///     kind: "ReplicaSet".to_owned(),
///     name: "web-7d4b".to_owned(),
///     uid: String::new(),
///     controller: true,
/// };
/// assert!(is_remade(&Gvr::new("", "v1", "pods"), &owner));
/// assert!(!is_remade(&Gvr::new("", "v1", "secrets"), &owner));
/// ```
#[must_use]
pub fn is_remade(ty: &Gvr, owner: &OwnerRef) -> bool {
    let owner_group = owner.api_version.split_once('/').map_or("", |(group, _)| group);
    let row = (ty.plural.as_str(), ty.group.as_str(), owner.kind.as_str(), owner_group);
    owner.controller && REMADE.contains(&row)
}

/// Whether deleting an object of this type loses more than the object: what lives in a namespace, the custom resources of a
/// definition, the data of a volume or a snapshot.
#[must_use]
pub fn is_lost_with(ty: &Gvr) -> bool {
    LOST_WITH.contains(&(ty.plural.as_str(), ty.group.as_str()))
}

/// Whether an object of this type owns nothing but what its controller makes again from it. With others, what they own is
/// left where it is when they are deleted to be created anew: a claim of a volume may be among it.
#[must_use]
pub fn owns_only_copies(ty: &Gvr) -> bool {
    OWNS_ONLY_COPIES.contains(&(ty.plural.as_str(), ty.group.as_str()))
}

/// Points `metadata.ownerReferences` to the owners' new uids: `new_uid` gives the uid in the target for the one in the
/// backup. References to owners without one are removed (the garbage collector would delete the object for them) and
/// returned.
pub fn relink(object: &mut Value, new_uid: &dyn Fn(&str) -> Option<String>) -> Vec<OwnerRef> {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return Vec::new() };
    let Some(owners) = metadata.get_mut("ownerReferences").and_then(Value::as_array_mut) else { return Vec::new() };
    let mut dropped = Vec::new();
    owners.retain_mut(|owner| match owner["uid"].as_str().and_then(new_uid) {
        Some(uid) => {
            owner["uid"] = uid.into();
            true
        }
        None => {
            dropped.push(owner_ref(owner));
            false
        }
    });
    if owners.is_empty() {
        metadata.remove("ownerReferences");
    }
    dropped
}

fn owner_ref(owner: &Value) -> OwnerRef {
    let text = |field: &str| owner[field].as_str().unwrap_or_default().to_owned();
    OwnerRef {
        api_version: text("apiVersion"),
        kind: text("kind"),
        name: text("name"),
        uid: text("uid"),
        controller: owner["controller"].as_bool().unwrap_or(false),
    }
}

/// Plural and group.
const LOST_WITH: &[(&str, &str)] = &[
    ("namespaces", ""),
    ("customresourcedefinitions", "apiextensions.k8s.io"),
    ("persistentvolumes", ""),
    ("persistentvolumeclaims", ""),
    ("volumesnapshots", "snapshot.storage.k8s.io"),
    ("volumesnapshotcontents", "snapshot.storage.k8s.io"),
];

/// Plural and group. StatefulSets are not among them: with a retention policy they own claims.
const OWNS_ONLY_COPIES: &[(&str, &str)] = &[
    ("deployments", "apps"),
    ("replicasets", "apps"),
    ("daemonsets", "apps"),
    ("replicationcontrollers", ""),
    ("jobs", "batch"),
    ("cronjobs", "batch"),
    ("services", ""),
];

/// Plural and group of what is made, kind and group of the owner that it is made from.
const REMADE: &[(&str, &str, &str, &str)] = &[
    ("replicasets", "apps", "Deployment", "apps"),
    ("pods", "", "ReplicaSet", "apps"),
    ("pods", "", "DaemonSet", "apps"),
    ("pods", "", "StatefulSet", "apps"),
    ("pods", "", "Job", "batch"),
    ("pods", "", "ReplicationController", ""),
    ("jobs", "batch", "CronJob", "batch"),
    ("controllerrevisions", "apps", "DaemonSet", "apps"),
    ("controllerrevisions", "apps", "StatefulSet", "apps"),
    ("endpointslices", "discovery.k8s.io", "Service", ""),
    ("endpointslices", "discovery.k8s.io", "Endpoints", ""),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn owner(api_version: &str, kind: &str, controller: bool) -> OwnerRef {
        let (name, uid) = (String::new(), String::new());
        OwnerRef { api_version: api_version.to_owned(), kind: kind.to_owned(), name, uid, controller }
    }

    #[test]
    fn only_what_a_builtin_controller_derives_is_remade() {
        for (ty, api_version, kind, controller, expect) in [
            ("apps/v1/replicasets", "apps/v1", "Deployment", true, true),
            ("v1/pods", "apps/v1", "ReplicaSet", true, true),
            ("v1/pods", "apps/v1", "ReplicaSet", false, false),
            ("v1/pods", "v1", "ReplicationController", true, true),
            ("v1/pods", "batch/v1", "Job", true, true),
            ("v1/pods", "v1", "Node", true, false),
            ("v1/pods", "argoproj.io/v1alpha1", "Workflow", true, false),
            ("v1/pods", "example.com/v1", "StatefulSet", true, false),
            ("batch/v1/jobs", "batch/v1", "CronJob", true, true),
            ("apps/v1/controllerrevisions", "apps/v1", "StatefulSet", true, true),
            ("discovery.k8s.io/v1/endpointslices", "v1", "Service", true, true),
            ("v1/persistentvolumeclaims", "apps/v1", "StatefulSet", true, false),
            ("v1/secrets", "cert-manager.io/v1", "Certificate", true, false),
        ] {
            let ty: Gvr = ty.parse().expect("a type");
            assert_eq!(is_remade(&ty, &owner(api_version, kind, controller)), expect, "{ty} of {kind}");
        }
    }

    #[test]
    fn owners_get_their_new_uids_and_lost_ones_go() {
        let new_uid = |old: &str| (old == "a").then(|| "b".to_owned());
        let kept = json!({"kind": "Deployment", "name": "web", "uid": "a", "blockOwnerDeletion": true});
        let lost = json!({"apiVersion": "v1", "kind": "Pod", "name": "gone", "uid": "x", "controller": true});
        let mut object = json!({"metadata": {"ownerReferences": [kept, lost]}});
        let dropped = relink(&mut object, &new_uid);
        assert_eq!(object["metadata"]["ownerReferences"][0]["uid"], "b");
        assert_eq!(object["metadata"]["ownerReferences"][0]["blockOwnerDeletion"], true);
        assert_eq!(object["metadata"]["ownerReferences"].as_array().map(Vec::len), Some(1));
        assert_eq!((dropped[0].kind.as_str(), dropped[0].name.as_str(), dropped.len()), ("Pod", "gone", 1));
    }

    #[test]
    fn without_owners_nothing_is_left_behind() {
        let mut object = json!({"metadata": {"name": "a", "ownerReferences": [{"uid": "x"}]}});
        assert_eq!(relink(&mut object, &|_| None).len(), 1);
        assert_eq!(object, json!({"metadata": {"name": "a"}}));
        assert!(relink(&mut object, &|_| None).is_empty());
        assert!(relink(&mut json!({}), &|_| None).is_empty());
    }
}
