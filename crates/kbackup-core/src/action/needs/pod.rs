//! A Pod needs its claims, its ServiceAccount and its PriorityClass; what makes Pods needs what they will.
//! <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/>

use serde_json::Value;

use super::{ActionError, BackupAction, Related, is, items};
use crate::model::{Gvr, ObjectRef};

const TARGETS: &[&str] = &[
    "persistentvolumeclaims",
    "serviceaccounts",
    "secrets",
    "configmaps",
    "priorityclasses.scheduling.k8s.io",
    "runtimeclasses.node.k8s.io",
];

/// What a Pod names.
#[derive(Debug)]
pub(super) struct Pod;

/// What the Pods of a workload will name.
#[derive(Debug)]
pub(super) struct PodTemplate;

impl BackupAction for Pod {
    fn name(&self) -> &'static str {
        "pod"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "pods", "")
    }

    fn targets(&self) -> &'static [&'static str] {
        TARGETS
    }

    fn related(&self, at: &ObjectRef, object: &Value, related: &mut Related) -> Result<(), ActionError> {
        spec(at, &object["spec"], related);
        Ok(())
    }
}

impl BackupAction for PodTemplate {
    fn name(&self) -> &'static str {
        "pod-template"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        let apps = ["deployments", "statefulsets", "daemonsets", "replicasets"];
        (ty.group == "apps" && apps.contains(&ty.plural.as_str()))
            || (ty.group == "batch" && (ty.plural == "jobs" || ty.plural == "cronjobs"))
            || is(ty, "replicationcontrollers", "")
    }

    fn targets(&self) -> &'static [&'static str] {
        TARGETS
    }

    fn related(&self, at: &ObjectRef, object: &Value, related: &mut Related) -> Result<(), ActionError> {
        let template = match at.gvr.plural.as_str() {
            "cronjobs" => &object["spec"]["jobTemplate"]["spec"]["template"],
            _ => &object["spec"]["template"],
        };
        spec(at, &template["spec"], related);
        Ok(())
    }
}

fn spec(at: &ObjectRef, spec: &Value, related: &mut Related) {
    related.in_namespace("serviceaccounts", at, &spec["serviceAccountName"]);
    related.of_cluster("priorityclasses.scheduling.k8s.io", &spec["priorityClassName"]);
    related.of_cluster("runtimeclasses.node.k8s.io", &spec["runtimeClassName"]);
    items(&spec["imagePullSecrets"]).for_each(|secret| related.in_namespace("secrets", at, &secret["name"]));
    items(&spec["volumes"]).for_each(|volume| volume_sources(at, volume, related));
    for containers in ["containers", "initContainers"] {
        items(&spec[containers]).for_each(|container| environment(at, container, related));
    }
}

fn volume_sources(at: &ObjectRef, volume: &Value, related: &mut Related) {
    related.in_namespace("persistentvolumeclaims", at, &volume["persistentVolumeClaim"]["claimName"]);
    related.in_namespace("secrets", at, &volume["secret"]["secretName"]);
    related.in_namespace("configmaps", at, &volume["configMap"]["name"]);
    for source in items(&volume["projected"]["sources"]) {
        related.in_namespace("secrets", at, &source["secret"]["name"]);
        related.in_namespace("configmaps", at, &source["configMap"]["name"]);
    }
}

fn environment(at: &ObjectRef, container: &Value, related: &mut Related) {
    for from in items(&container["envFrom"]) {
        related.in_namespace("secrets", at, &from["secretRef"]["name"]);
        related.in_namespace("configmaps", at, &from["configMapRef"]["name"]);
    }
    for variable in items(&container["env"]) {
        let from = &variable["valueFrom"];
        related.in_namespace("secrets", at, &from["secretKeyRef"]["name"]);
        related.in_namespace("configmaps", at, &from["configMapKeyRef"]["name"]);
    }
}
