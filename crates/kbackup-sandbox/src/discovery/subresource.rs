//! The subresources that types have.

use kbackup_core::model::ResourceType;

/// What a `status` or a `scale` can be asked to do.
const VERBS: [&str; 3] = ["get", "patch", "update"];

/// A part of an object with a path of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subresource {
    pub(super) name: &'static str,
    /// Group, version and kind of what is sent and answered.
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) verbs: [&'static str; 3],
}

/// The subresources of a type.
pub(super) fn subresources(ty: &ResourceType) -> Vec<Subresource> {
    let named = |name, group: &str, version: &str, kind: &str| Subresource {
        name,
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        verbs: VERBS,
    };
    let status = ty.has_status.then(|| named("status", &ty.gvr.group, &ty.gvr.version, &ty.kind));
    let scale = has_scale(&ty.gvr.group_resource()).then(|| named("scale", "autoscaling", "v1", "Scale"));
    status.into_iter().chain(scale).collect()
}

/// Whether the replicas of a type's objects can be set by `scale`.
pub(crate) fn has_scale(group_resource: &str) -> bool {
    matches!(group_resource, "deployments.apps" | "statefulsets.apps" | "replicasets.apps" | "replicationcontrollers")
}
