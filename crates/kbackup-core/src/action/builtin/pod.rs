//! Pods: placed anew, without what admission adds again.

use std::collections::BTreeSet;

use serde_json::Value;

use super::is;
use super::service_account::is_generated_token;
use crate::action::json::{annotation, elements, elements_mut, remove, retain, text};
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::model::Gvr;

#[derive(Debug)]
pub(super) struct Pod;

impl RestoreTransform for Pod {
    fn name(&self) -> &'static str {
        "pod"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "pods", "")
    }

    fn transform(&self, object: &mut Value, _: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        if annotation(object, "kubernetes.io/config.mirror").is_some() {
            return Ok(Decision::skip("it mirrors a static Pod, which the kubelet of its machine runs from a file"));
        }
        if let Some("Succeeded" | "Failed") = text(object, "/status/phase") {
            return Ok(Decision::skip("it had run to its end: restored, it would run again"));
        }
        // The scheduler places it anew. Priority and preemption come from the PriorityClass: admission refuses a Pod that
        // brings other values than the class has in this cluster. Ephemeral containers can't be created with a Pod.
        remove(object, "/spec", &["nodeName", "priority", "preemptionPolicy", "ephemeralContainers"]);
        remove_token_volumes(object);
        retain(object, "/spec", "initContainers", |container| !waits_for_velero(container));
        Ok(Decision::Keep)
    }
}

/// A container that an earlier restore by Velero put in front, to wait for the data of volumes: without Velero, for ever.
fn waits_for_velero(container: &Value) -> bool {
    matches!(container["name"].as_str(), Some("restore-wait" | "restic-wait"))
        && elements(container, "/volumeMounts").all(|mount| {
            mount["mountPath"]
                .as_str()
                .is_none_or(|path| path.starts_with("/restores/") || path.starts_with("/var/run/secrets/"))
        })
}

/// Removes the volumes that admission added for the token of the ServiceAccount, and their mounts: it adds new ones.
fn remove_token_volumes(object: &mut Value) {
    let account = text(object, "/spec/serviceAccountName").unwrap_or("default").to_owned();
    let tokens: BTreeSet<String> = elements(object, "/spec/volumes")
        .filter(|volume| is_token_volume(volume, &account))
        .filter_map(|volume| volume["name"].as_str().map(str::to_owned))
        .collect();
    let is_token = |name: &Value| name.as_str().is_some_and(|name| tokens.contains(name));
    retain(object, "/spec", "volumes", |volume| !is_token(&volume["name"]));
    for containers in ["/spec/containers", "/spec/initContainers"] {
        for container in elements_mut(object, containers) {
            retain(container, "", "volumeMounts", |mount| !is_token(&mount["name"]));
        }
    }
}

/// A projected `kube-api-access-*`, or the Secret `<account>-token-*` of clusters before 1.22. A volume of that name with
/// another source is the user's own.
fn is_token_volume(volume: &Value, account: &str) -> bool {
    let name = volume["name"].as_str().unwrap_or_default();
    let projects_token =
        || elements(volume, "/projected/sources").any(|source| source.get("serviceAccountToken").is_some());
    let is_secret = || text(volume, "/secret/secretName") == Some(name);
    (name.starts_with("kube-api-access-") && projects_token()) || (is_generated_token(name, account) && is_secret())
}
