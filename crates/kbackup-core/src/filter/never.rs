//! Types that are never taken or never brought back, each with its reason.

use crate::model::{Gvr, ResourceType, Verb};

/// A type, or its objects in one namespace, that a restore leaves out: whoever made them makes them again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeverRestored {
    /// The type, as `plural.group`.
    pub group_resource: &'static str,
    /// Only in this namespace; `None`: everywhere.
    pub namespace: Option<&'static str>,
    /// Why, as the end of a sentence about the object.
    pub why: &'static str,
}

/// The rule that keeps objects of this type in this namespace (`None` for an object of the cluster) out of every
/// restore, where there is one. They are in the backup all the same.
#[must_use]
pub fn never_restored(ty: &Gvr, namespace: Option<&str>) -> Option<&'static NeverRestored> {
    let name = ty.group_resource();
    never_restored_rows(&name).find(|row| row.namespace.is_none_or(|only| namespace == Some(only)))
}

/// All rules about a type.
pub(super) fn never_restored_rows(group_resource: &str) -> impl Iterator<Item = &'static NeverRestored> {
    NEVER_RESTORED.iter().filter(move |row| row.group_resource == group_resource)
}

/// Why a type cannot be in a backup, where it cannot.
pub(super) fn never_taken(ty: &ResourceType) -> Option<&'static str> {
    let name = ty.gvr.group_resource();
    let not_state = NOT_STATE.iter().find(|(pattern, _)| match pattern.strip_prefix("*.") {
        Some(group) => ty.gvr.group == group,
        None => *pattern == name,
    });
    let kept = [Verb::List, Verb::Get, Verb::Create, Verb::Delete].into_iter().all(|verb| ty.can(verb));
    match not_state {
        Some((_, why)) => Some(why),
        None if ty.gvr.plural.contains('/') => Some("is a part of another type"),
        None if !kept => Some("cannot be listed, read, created and deleted"),
        None => None,
    }
}

/// Whether an API group serves measurements rather than state.
pub(super) fn is_measurement(group: &str) -> bool {
    NOT_STATE.iter().any(|(pattern, _)| pattern.strip_prefix("*.") == Some(group))
}

/// The type that holds the same objects under its newer or original name.
pub(super) fn twin(group_resource: &str) -> Option<&'static str> {
    TWINS.iter().find(|(name, _)| *name == group_resource).map(|(_, twin)| *twin)
}

/// What a server can list and is not state: `plural.group`, or `*.group` for a whole group. Most of these lack a verb too;
/// the row is there for its reason.
const NOT_STATE: &[(&str, &str)] = &[
    ("componentstatuses", "is computed when it is asked for"),
    ("bindings", "is a command, not state"),
    ("tokenreviews.authentication.k8s.io", "is a question, not state"),
    ("selfsubjectreviews.authentication.k8s.io", "is a question, not state"),
    ("subjectaccessreviews.authorization.k8s.io", "is a question, not state"),
    ("localsubjectaccessreviews.authorization.k8s.io", "is a question, not state"),
    ("selfsubjectaccessreviews.authorization.k8s.io", "is a question, not state"),
    ("selfsubjectrulesreviews.authorization.k8s.io", "is a question, not state"),
    ("*.metrics.k8s.io", "is a measurement, not state"),
    ("*.custom.metrics.k8s.io", "is a measurement, not state"),
    ("*.external.metrics.k8s.io", "is a measurement, not state"),
    ("imagestreamtags.image.openshift.io", "is a view of ImageStreams"),
    ("imagetags.image.openshift.io", "is a view of ImageStreams"),
];

/// Types that show the objects of another type: they are taken once, from the second where that is served.
const TWINS: &[(&str, &str)] = &[
    ("events.events.k8s.io", "events"),
    ("daemonsets.extensions", "daemonsets.apps"),
    ("deployments.extensions", "deployments.apps"),
    ("replicasets.extensions", "replicasets.apps"),
    ("ingresses.extensions", "ingresses.networking.k8s.io"),
    ("networkpolicies.extensions", "networkpolicies.networking.k8s.io"),
    ("projects.project.openshift.io", "namespaces"),
    ("roles.authorization.openshift.io", "roles.rbac.authorization.k8s.io"),
    ("rolebindings.authorization.openshift.io", "rolebindings.rbac.authorization.k8s.io"),
    ("clusterroles.authorization.openshift.io", "clusterroles.rbac.authorization.k8s.io"),
    ("clusterrolebindings.authorization.openshift.io", "clusterrolebindings.rbac.authorization.k8s.io"),
];

const NEVER_RESTORED: &[NeverRestored] = &[
    everywhere("nodes", "a machine registers itself"),
    everywhere("componentstatuses", "it is computed when it is asked for"),
    everywhere("events", "it tells of what happened in the old cluster"),
    everywhere("events.events.k8s.io", "it tells of what happened in the old cluster"),
    NeverRestored {
        group_resource: "leases.coordination.k8s.io",
        namespace: Some("kube-node-lease"),
        why: "it is the heartbeat of a machine",
    },
    everywhere("leasecandidates.coordination.k8s.io", "a control plane component makes its own"),
    everywhere("csinodes.storage.k8s.io", "the kubelet of the machine makes it"),
    everywhere("csistoragecapacities.storage.k8s.io", "the storage driver publishes it"),
    everywhere("volumeattachments.storage.k8s.io", "a volume is attached anew where a Pod needs it"),
    everywhere("resourceslices.resource.k8s.io", "the driver of the devices publishes it"),
    everywhere("ipaddresses.networking.k8s.io", "the API server makes one for every address of a Service"),
    everywhere("storageversions.internal.apiserver.k8s.io", "the API server makes it"),
    everywhere("backups.velero.io", "Velero would act on it again"),
    everywhere("restores.velero.io", "Velero would act on it again"),
    everywhere("deletebackuprequests.velero.io", "Velero would act on it again"),
    everywhere("resticrepositories.velero.io", "Velero makes it again"),
    everywhere("backuprepositories.velero.io", "Velero makes it again"),
];

const fn everywhere(group_resource: &'static str, why: &'static str) -> NeverRestored {
    NeverRestored { group_resource, namespace: None, why }
}
