//! The types that a Kubernetes 1.37 API server serves from the start, as data.

use crate::model::{Gvr, ResourceType, Verb};

/// One version of one built-in type.
#[derive(Debug, Clone, Copy)]
pub(super) struct BuiltIn {
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) plural: &'static str,
    pub(super) kind: &'static str,
    pub(super) namespaced: bool,
    pub(super) short_names: &'static [&'static str],
    pub(super) categories: &'static [&'static str],
    pub(super) has_status: bool,
    /// Whether the server counts changes of the specification in `metadata.generation`.
    pub(super) has_generation: bool,
    /// Whether its objects are kept under this version; the other versions are views of it.
    pub(super) preferred: bool,
    /// A type that is asked rather than kept: it can be created and nothing else.
    pub(super) review: bool,
    /// The group whose table of the same plural keeps the objects; it is another one for `events.events.k8s.io` only.
    pub(super) kept_in: &'static str,
}

/// All of them, in the server's order of groups.
pub(super) const BUILT_IN: &[BuiltIn] = &[
    namespaced("", "v1", "bindings", "Binding").review(),
    namespaced("", "v1", "configmaps", "ConfigMap").short(&["cm"]),
    namespaced("", "v1", "endpoints", "Endpoints").short(&["ep"]),
    namespaced("", "v1", "events", "Event").short(&["ev"]),
    namespaced("", "v1", "limitranges", "LimitRange").short(&["limits"]),
    cluster("", "v1", "namespaces", "Namespace").short(&["ns"]).status(),
    cluster("", "v1", "nodes", "Node").short(&["no"]).status(),
    namespaced("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim").short(&["pvc"]).status(),
    cluster("", "v1", "persistentvolumes", "PersistentVolume").short(&["pv"]).status(),
    namespaced("", "v1", "pods", "Pod").short(&["po"]).all().status().generation(),
    namespaced("", "v1", "podtemplates", "PodTemplate").generation(),
    namespaced("", "v1", "replicationcontrollers", "ReplicationController").short(&["rc"]).all().status().generation(),
    namespaced("", "v1", "resourcequotas", "ResourceQuota").short(&["quota"]).status(),
    namespaced("", "v1", "secrets", "Secret"),
    namespaced("", "v1", "serviceaccounts", "ServiceAccount").short(&["sa"]),
    namespaced("", "v1", "services", "Service").short(&["svc"]).all().status(),
    cluster("apiregistration.k8s.io", "v1", "apiservices", "APIService").in_extensions().status(),
    namespaced("apps", "v1", "controllerrevisions", "ControllerRevision"),
    namespaced("apps", "v1", "daemonsets", "DaemonSet").short(&["ds"]).all().status().generation(),
    namespaced("apps", "v1", "deployments", "Deployment").short(&["deploy"]).all().status().generation(),
    namespaced("apps", "v1", "replicasets", "ReplicaSet").short(&["rs"]).all().status().generation(),
    namespaced("apps", "v1", "statefulsets", "StatefulSet").short(&["sts"]).all().status().generation(),
    namespaced("events.k8s.io", "v1", "events", "Event").short(&["ev"]).kept_in(""),
    cluster("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview").review(),
    cluster("authentication.k8s.io", "v1", "tokenreviews", "TokenReview").review(),
    namespaced("authorization.k8s.io", "v1", "localsubjectaccessreviews", "LocalSubjectAccessReview").review(),
    cluster("authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview").review(),
    cluster("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview").review(),
    cluster("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview").review(),
    namespaced("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
        .short(&["hpa"])
        .all()
        .status(),
    namespaced("autoscaling", "v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
        .short(&["hpa"])
        .all()
        .status()
        .not_preferred(),
    namespaced("batch", "v1", "cronjobs", "CronJob").short(&["cj"]).all().status().generation(),
    namespaced("batch", "v1", "jobs", "Job").all().status().generation(),
    cluster("certificates.k8s.io", "v1", "certificatesigningrequests", "CertificateSigningRequest")
        .short(&["csr"])
        .status(),
    namespaced("networking.k8s.io", "v1", "ingresses", "Ingress").short(&["ing"]).status().generation(),
    cluster("networking.k8s.io", "v1", "ingressclasses", "IngressClass").generation(),
    namespaced("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy").short(&["netpol"]).generation(),
    namespaced("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget").short(&["pdb"]).status().generation(),
    cluster("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding"),
    cluster("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole"),
    namespaced("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding"),
    namespaced("rbac.authorization.k8s.io", "v1", "roles", "Role"),
    cluster("storage.k8s.io", "v1", "csidrivers", "CSIDriver"),
    cluster("storage.k8s.io", "v1", "csinodes", "CSINode"),
    namespaced("storage.k8s.io", "v1", "csistoragecapacities", "CSIStorageCapacity"),
    cluster("storage.k8s.io", "v1", "storageclasses", "StorageClass").short(&["sc"]),
    cluster("storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment").status(),
    cluster("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration")
        .in_extensions()
        .generation(),
    cluster("admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy")
        .in_extensions()
        .status()
        .generation(),
    cluster(
        "admissionregistration.k8s.io",
        "v1",
        "validatingadmissionpolicybindings",
        "ValidatingAdmissionPolicyBinding",
    )
    .in_extensions()
    .generation(),
    cluster("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration")
        .in_extensions()
        .generation(),
    cluster("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition")
        .short(&["crd", "crds"])
        .in_extensions()
        .status()
        .generation(),
    cluster("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass").short(&["pc"]).generation(),
    namespaced("coordination.k8s.io", "v1", "leases", "Lease"),
    cluster("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass"),
    namespaced("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice").generation(),
    cluster("flowcontrol.apiserver.k8s.io", "v1", "flowschemas", "FlowSchema").status().generation(),
    cluster("flowcontrol.apiserver.k8s.io", "v1", "prioritylevelconfigurations", "PriorityLevelConfiguration")
        .status()
        .generation(),
];

const VERBS: [Verb; 8] =
    [Verb::Create, Verb::Delete, Verb::DeleteCollection, Verb::Get, Verb::List, Verb::Patch, Verb::Update, Verb::Watch];

/// The verbs of a type whose objects are kept.
pub(super) fn verbs() -> Vec<Verb> {
    VERBS.to_vec()
}

const fn namespaced(group: &'static str, version: &'static str, plural: &'static str, kind: &'static str) -> BuiltIn {
    BuiltIn {
        group,
        version,
        plural,
        kind,
        namespaced: true,
        short_names: &[],
        categories: &[],
        has_status: false,
        has_generation: false,
        preferred: true,
        review: false,
        kept_in: group,
    }
}

const fn cluster(group: &'static str, version: &'static str, plural: &'static str, kind: &'static str) -> BuiltIn {
    BuiltIn { namespaced: false, ..namespaced(group, version, plural, kind) }
}

impl BuiltIn {
    const fn short(self, short_names: &'static [&'static str]) -> Self {
        Self { short_names, ..self }
    }

    const fn all(self) -> Self {
        Self { categories: &["all"], ..self }
    }

    const fn in_extensions(self) -> Self {
        Self { categories: &["api-extensions"], ..self }
    }

    const fn status(self) -> Self {
        Self { has_status: true, ..self }
    }

    const fn generation(self) -> Self {
        Self { has_generation: true, ..self }
    }

    const fn not_preferred(self) -> Self {
        Self { preferred: false, ..self }
    }

    const fn review(self) -> Self {
        Self { review: true, ..self }
    }

    const fn kept_in(self, group: &'static str) -> Self {
        Self { kept_in: group, ..self }
    }

    /// The type as discovery describes it.
    pub(super) fn resource_type(&self) -> ResourceType {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        ResourceType {
            gvr: Gvr::new(self.group, self.version, self.plural),
            kind: self.kind.to_owned(),
            singular: self.kind.to_ascii_lowercase(),
            short_names: owned(self.short_names),
            categories: owned(self.categories),
            namespaced: self.namespaced,
            verbs: self.verbs(),
            has_status: self.has_status,
            preferred: self.preferred,
        }
    }

    fn verbs(&self) -> Vec<Verb> {
        match self.plural {
            _ if self.review => vec![Verb::Create],
            // A request must not empty a cluster: the server does not delete all namespaces at once.
            "namespaces" => VERBS.into_iter().filter(|verb| *verb != Verb::DeleteCollection).collect(),
            _ => verbs(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_type_is_named_once() {
        let mut seen = BTreeSet::new();
        for row in BUILT_IN {
            assert!(seen.insert((row.group, row.version, row.plural)), "{row:?}");
            assert!(row.plural.chars().all(|c| c.is_ascii_lowercase()), "{row:?}");
        }
    }

    #[test]
    fn every_type_has_one_preferred_version() {
        for row in BUILT_IN {
            let same = BUILT_IN.iter().filter(|other| (other.group, other.plural) == (row.group, row.plural));
            assert_eq!(same.filter(|other| other.preferred).count(), 1, "{row:?}");
        }
    }
}
