//! The fields that a server must change, and why.

/// A field that may differ between an object and the same object after a restore.
#[derive(Debug)]
pub struct Rule {
    /// The type (`plural.group`), or `*`.
    pub ty: &'static str,
    /// The names that lead to the field; `*` is every entry of a list.
    pub field: &'static [&'static str],
    /// Why it may differ.
    pub reason: &'static str,
}

const fn rule(ty: &'static str, field: &'static [&'static str], reason: &'static str) -> Rule {
    Rule { ty, field, reason }
}

/// Every field that is ignored, but for those that depend on the object: see [`STATUS`], [`ALLOCATED_IP`] and
/// [`ALLOCATED_PORT`].
pub const RULES: &[Rule] = &[
    rule("*", &["metadata", "resourceVersion"], "the server numbers every write"),
    rule("*", &["metadata", "creationTimestamp"], "the server says when it was created, and that was now"),
    rule("*", &["metadata", "generation"], "the server counts the changes of a spec, from 1 on"),
    rule("*", &["metadata", "managedFields"], "the server writes down who wrote which field when; a create is a write"),
    rule("persistentvolumes", &["spec", "claimRef", "resourceVersion"], "the version of the claim when it was bound"),
    rule(
        "persistentvolumeclaims",
        &["metadata", "annotations", "pv.kubernetes.io/bind-completed"],
        "the mark of the volume binder, which sets it again when it binds the claim",
    ),
    rule(
        "persistentvolumeclaims",
        &["metadata", "annotations", "pv.kubernetes.io/bound-by-controller"],
        "the mark of the volume binder, which sets it again when it binds the claim",
    ),
    rule(
        "endpoints",
        &["metadata", "annotations", "endpoints.kubernetes.io/last-change-trigger-time"],
        "when the controller last saw a change",
    ),
    rule(
        "endpointslices.discovery.k8s.io",
        &["metadata", "annotations", "endpoints.kubernetes.io/last-change-trigger-time"],
        "when the controller last saw a change",
    ),
    rule("leases.coordination.k8s.io", &["spec", "renewTime"], "a heartbeat of whoever holds it"),
];

/// Why `status` is ignored, for types where it is a subresource.
pub const STATUS: &str =
    "a status is what its controller has seen, which writes it again; a restore leaves it, unless asked";

/// Why `spec.clusterIP` and `spec.clusterIPs` are ignored, where they are an address: `None` is a choice and must stay.
pub const ALLOCATED_IP: &str = "the server gives each Service an address that is free";

/// Why `spec.ports.*.nodePort` is ignored, where nobody who wrote the Service has written it.
pub const ALLOCATED_PORT: &str = "the server gives a port that is free where the user has not chosen one";

/// The kinds of owners whose controllers make objects again by themselves, under names of their choice.
pub const MAKERS: &[&str] =
    &["CronJob", "DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "Service", "StatefulSet"];
