//! In which order types are restored.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::Gvr;

/// A step of a restore. Waves follow each other in their order; within a wave, objects are written in any order, many at
/// a time. No reference that is resolved when an object is created, or when its containers start, points to a later wave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Wave {
    /// CustomResourceDefinitions: until they are served, no custom resource can be written.
    Definitions,
    /// Namespaces: all else lives in them.
    Namespaces,
    /// Storage, ingress, runtime, priority and device classes: claims and Pods name them when they are created.
    Classes,
    /// Snapshots of volumes: a claim may be filled from one.
    Snapshots,
    /// PersistentVolumes: before their claims, or a new volume would be made for a claim.
    Volumes,
    /// PersistentVolumeClaims: before the Pods that mount them.
    Claims,
    /// ServiceAccounts: a Pod without its account is refused; a token Secret without it is deleted.
    Accounts,
    /// Roles: a binding is refused to whoever may not grant the rules of its role.
    Roles,
    /// Bindings: what runs needs its rights from its first moment on.
    Bindings,
    /// Secrets, ConfigMaps, quotas, limit ranges, network policies: Pods read them, or are held to them, as they start.
    Config,
    /// Services and their endpoints: a Pod learns the addresses of the Services that exist when it starts.
    Services,
    /// Pods: before the controllers, which adopt those that fit instead of making new ones.
    Pods,
    /// ReplicaSets and revisions: before the Deployments and StatefulSets that adopt them.
    Replicas,
    /// The other workloads.
    Workloads,
    /// Ingresses: they name Services.
    Routing,
    /// Custom resources and the rest: whoever acts on them runs, and what they name is there.
    Rest,
    /// Admission webhooks and policies, and APIServices: they would judge or refuse the objects of the restore itself, and
    /// what answers for them runs by now.
    Gatekeepers,
}

impl Wave {
    /// The wave of a type, whatever its version.
    ///
    /// ```
    /// use kbackup_core::action::Wave;
    /// use kbackup_core::model::Gvr;
    ///
    /// assert!(Wave::of(&Gvr::new("", "v1", "serviceaccounts")) < Wave::of(&Gvr::new("", "v1", "pods")));
    /// assert_eq!(Wave::of(&Gvr::new("example.com", "v1", "widgets")), Wave::Rest);
    /// ```
    #[must_use]
    pub fn of(ty: &Gvr) -> Self {
        let row = WAVES.iter().find(|(plural, group, _)| *plural == ty.plural && *group == ty.group);
        row.map_or(Self::Rest, |(_, _, wave)| *wave)
    }
}

impl fmt::Display for Wave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Definitions => "definitions of types",
            Self::Namespaces => "namespaces",
            Self::Classes => "classes",
            Self::Snapshots => "snapshots of volumes",
            Self::Volumes => "volumes",
            Self::Claims => "claims of volumes",
            Self::Accounts => "service accounts",
            Self::Roles => "roles",
            Self::Bindings => "bindings of roles",
            Self::Config => "configuration",
            Self::Services => "services",
            Self::Pods => "pods",
            Self::Replicas => "replicas and revisions",
            Self::Workloads => "workloads",
            Self::Routing => "routing",
            Self::Rest => "custom resources and the rest",
            Self::Gatekeepers => "webhooks and API services",
        })
    }
}

const RBAC: &str = "rbac.authorization.k8s.io";
const SNAPSHOT: &str = "snapshot.storage.k8s.io";
const GROUP_SNAPSHOT: &str = "groupsnapshot.storage.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

/// Plural, group, wave. What is not here is in [`Wave::Rest`].
const WAVES: &[(&str, &str, Wave)] = &[
    ("customresourcedefinitions", "apiextensions.k8s.io", Wave::Definitions),
    ("namespaces", "", Wave::Namespaces),
    ("storageclasses", "storage.k8s.io", Wave::Classes),
    ("volumeattributesclasses", "storage.k8s.io", Wave::Classes),
    ("csidrivers", "storage.k8s.io", Wave::Classes),
    ("priorityclasses", "scheduling.k8s.io", Wave::Classes),
    ("runtimeclasses", "node.k8s.io", Wave::Classes),
    ("ingressclasses", "networking.k8s.io", Wave::Classes),
    ("servicecidrs", "networking.k8s.io", Wave::Classes),
    ("deviceclasses", "resource.k8s.io", Wave::Classes),
    ("volumesnapshotclasses", SNAPSHOT, Wave::Classes),
    ("volumegroupsnapshotclasses", GROUP_SNAPSHOT, Wave::Classes),
    ("volumesnapshotcontents", SNAPSHOT, Wave::Snapshots),
    ("volumesnapshots", SNAPSHOT, Wave::Snapshots),
    ("volumegroupsnapshotcontents", GROUP_SNAPSHOT, Wave::Snapshots),
    ("volumegroupsnapshots", GROUP_SNAPSHOT, Wave::Snapshots),
    ("persistentvolumes", "", Wave::Volumes),
    ("persistentvolumeclaims", "", Wave::Claims),
    ("resourceclaims", "resource.k8s.io", Wave::Claims),
    ("resourceclaimtemplates", "resource.k8s.io", Wave::Claims),
    ("serviceaccounts", "", Wave::Accounts),
    ("clusterroles", RBAC, Wave::Roles),
    ("roles", RBAC, Wave::Roles),
    ("clusterrolebindings", RBAC, Wave::Bindings),
    ("rolebindings", RBAC, Wave::Bindings),
    ("secrets", "", Wave::Config),
    ("configmaps", "", Wave::Config),
    ("resourcequotas", "", Wave::Config),
    ("limitranges", "", Wave::Config),
    ("networkpolicies", "networking.k8s.io", Wave::Config),
    ("services", "", Wave::Services),
    ("endpoints", "", Wave::Services),
    ("endpointslices", "discovery.k8s.io", Wave::Services),
    ("pods", "", Wave::Pods),
    ("replicasets", "apps", Wave::Replicas),
    ("controllerrevisions", "apps", Wave::Replicas),
    ("deployments", "apps", Wave::Workloads),
    ("statefulsets", "apps", Wave::Workloads),
    ("daemonsets", "apps", Wave::Workloads),
    ("replicationcontrollers", "", Wave::Workloads),
    ("jobs", "batch", Wave::Workloads),
    ("cronjobs", "batch", Wave::Workloads),
    ("ingresses", "networking.k8s.io", Wave::Routing),
    ("validatingwebhookconfigurations", ADMISSION, Wave::Gatekeepers),
    ("mutatingwebhookconfigurations", ADMISSION, Wave::Gatekeepers),
    ("validatingadmissionpolicies", ADMISSION, Wave::Gatekeepers),
    ("validatingadmissionpolicybindings", ADMISSION, Wave::Gatekeepers),
    ("mutatingadmissionpolicies", ADMISSION, Wave::Gatekeepers),
    ("mutatingadmissionpolicybindings", ADMISSION, Wave::Gatekeepers),
    ("apiservices", "apiregistration.k8s.io", Wave::Gatekeepers),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(group_resource: &str) -> Wave {
        let (plural, group) = group_resource.split_once('.').unwrap_or((group_resource, ""));
        Wave::of(&Gvr::new(group, "v1", plural))
    }

    /// The references of built-in types that are resolved when an object is created or starts. Not here: those that a
    /// controller resolves whenever it likes (`secrets` of a ServiceAccount, the policy of a policy binding).
    const REFERENCES: &[(&str, &str)] = &[
        ("persistentvolumes", "storageclasses.storage.k8s.io"),
        ("persistentvolumeclaims", "storageclasses.storage.k8s.io"),
        ("persistentvolumeclaims", "volumeattributesclasses.storage.k8s.io"),
        ("persistentvolumeclaims", "volumesnapshots.snapshot.storage.k8s.io"),
        ("persistentvolumeclaims", "persistentvolumes"),
        ("volumesnapshots.snapshot.storage.k8s.io", "volumesnapshotclasses.snapshot.storage.k8s.io"),
        ("resourceclaims.resource.k8s.io", "deviceclasses.resource.k8s.io"),
        ("rolebindings.rbac.authorization.k8s.io", "roles.rbac.authorization.k8s.io"),
        ("rolebindings.rbac.authorization.k8s.io", "clusterroles.rbac.authorization.k8s.io"),
        ("rolebindings.rbac.authorization.k8s.io", "serviceaccounts"),
        ("clusterrolebindings.rbac.authorization.k8s.io", "clusterroles.rbac.authorization.k8s.io"),
        ("clusterrolebindings.rbac.authorization.k8s.io", "serviceaccounts"),
        ("secrets", "serviceaccounts"),
        ("resourcequotas", "priorityclasses.scheduling.k8s.io"),
        ("services", "servicecidrs.networking.k8s.io"),
        ("pods", "serviceaccounts"),
        ("pods", "rolebindings.rbac.authorization.k8s.io"),
        ("pods", "secrets"),
        ("pods", "configmaps"),
        ("pods", "limitranges"),
        ("pods", "networkpolicies.networking.k8s.io"),
        ("pods", "persistentvolumeclaims"),
        ("pods", "resourceclaims.resource.k8s.io"),
        ("pods", "priorityclasses.scheduling.k8s.io"),
        ("pods", "runtimeclasses.node.k8s.io"),
        ("pods", "services"),
        ("statefulsets.apps", "services"),
        ("statefulsets.apps", "controllerrevisions.apps"),
        ("daemonsets.apps", "controllerrevisions.apps"),
        ("deployments.apps", "replicasets.apps"),
        ("replicasets.apps", "pods"),
        ("statefulsets.apps", "pods"),
        ("daemonsets.apps", "pods"),
        ("replicationcontrollers", "pods"),
        ("jobs.batch", "serviceaccounts"),
        ("cronjobs.batch", "serviceaccounts"),
        ("ingresses.networking.k8s.io", "ingressclasses.networking.k8s.io"),
        ("ingresses.networking.k8s.io", "services"),
        ("ingresses.networking.k8s.io", "secrets"),
        ("horizontalpodautoscalers.autoscaling", "deployments.apps"),
        ("horizontalpodautoscalers.autoscaling", "statefulsets.apps"),
        ("validatingwebhookconfigurations.admissionregistration.k8s.io", "services"),
        ("validatingwebhookconfigurations.admissionregistration.k8s.io", "deployments.apps"),
        ("validatingadmissionpolicybindings.admissionregistration.k8s.io", "configmaps"),
        ("apiservices.apiregistration.k8s.io", "services"),
        ("apiservices.apiregistration.k8s.io", "deployments.apps"),
    ];

    #[test]
    fn no_reference_points_forward() {
        for (from, to) in REFERENCES {
            assert!(wave(to) < wave(from), "{from} ({:?}) refers to {to} ({:?})", wave(from), wave(to));
        }
    }

    #[test]
    fn everything_comes_after_definitions_and_namespaces() {
        for (plural, group, wave) in WAVES.iter().filter(|(plural, ..)| *plural != "customresourcedefinitions") {
            assert!(*wave > Wave::Definitions, "{plural}.{group}");
            assert!(*plural == "namespaces" || *wave > Wave::Namespaces, "{plural}.{group}");
        }
    }

    #[test]
    fn a_type_is_in_one_wave() {
        for (at, (plural, group, _)) in WAVES.iter().enumerate() {
            let again = WAVES[at + 1..].iter().any(|(other, in_group, _)| other == plural && in_group == group);
            assert!(!again, "{plural}.{group}");
        }
    }

    #[test]
    fn the_group_counts() {
        assert_eq!(wave("services.serving.knative.dev"), Wave::Rest);
        assert_eq!(wave("ingresses.networking.k8s.io"), Wave::Routing);
        assert!(wave("widgets.example.com") < wave("mutatingwebhookconfigurations.admissionregistration.k8s.io"));
    }
}
