//! Pods: what they need must be there.

use serde_json::Value;

use super::super::state::State;
use super::super::types::Served;
use super::super::{errors, tree};
use crate::cluster::ClusterResult;

/// The defaults of a Pod.
pub(super) fn fill_in(pod: &mut Value) {
    tree::set_default(pod, &["spec", "restartPolicy"], "Always");
    tree::set_default(pod, &["spec", "serviceAccountName"], "default");
}

/// Checks that a new Pod's ServiceAccount and PriorityClass exist.
///
/// # Errors
/// `Forbidden`, as the admission plugins of a real server.
pub(super) fn check(state: &State, served: &Served, pod: &Value) -> ClusterResult<()> {
    let name = tree::text(pod, &["metadata", "name"]);
    let namespace = tree::text(pod, &["metadata", "namespace"]);
    let account = tree::text(pod, &["spec", "serviceAccountName"]);
    if state.get("serviceaccounts", &(namespace.to_owned(), account.to_owned())).is_none() {
        let why =
            format!("error looking up service account {namespace}/{account}: serviceaccount \"{account}\" not found");
        return Err(errors::forbidden(&served.ty.gvr, name, &why));
    }
    let class = tree::text(pod, &["spec", "priorityClassName"]);
    // Every server has the classes of this prefix.
    let known = class.is_empty()
        || class.starts_with("system-")
        || state.get("priorityclasses.scheduling.k8s.io", &(String::new(), class.to_owned())).is_some();
    if known {
        return Ok(());
    }
    Err(errors::forbidden(&served.ty.gvr, name, &format!("no PriorityClass with name {class} was found")))
}
