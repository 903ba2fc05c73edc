//! The `scale` of workloads: how many replicas there should be
//! (<https://kubernetes.io/docs/reference/kubernetes-api/autoscaling/scale-v1/>).

use http::{Response, StatusCode};
use kbackup_core::cluster::{MemoryCluster, Part, Patch};
use kbackup_core::model::{LabelSelector, Object, ObjectRef};
use serde_json::{Value, json};

use super::Call;
use super::options::write_options;
use crate::wire::{self, ApiError, ApiResult, Body, read_value};

const MERGE_PATCH: &str = "application/merge-patch+json";

/// Answers with an object's scale.
///
/// # Errors
/// What the server answers instead.
pub(super) fn get(cluster: &MemoryCluster, at: &ObjectRef) -> ApiResult<Response<Body>> {
    Ok(wire::json(StatusCode::OK, &scale_of(&cluster.get(at)?)))
}

/// Sets the replicas by a whole scale (PUT) or a merge patch of it.
///
/// # Errors
/// 400 where it says no number of replicas, 415 for another kind of patch; and what the cluster refuses.
pub(super) fn set(cluster: &MemoryCluster, call: &Call, at: &ObjectRef) -> ApiResult<Response<Body>> {
    let scale = match (call.method.as_str(), call.media_type()) {
        ("PATCH", MERGE_PATCH) => read_value(&call.body)?,
        ("PATCH", other) => return Err(ApiError::unsupported_media_type(other, &[MERGE_PATCH])),
        _ => call.object()?,
    };
    // A whole scale from protobuf leaves zero out; a patch says what it changes.
    let replicas = scale["spec"]["replicas"].as_u64().or((call.method == "PUT").then_some(0));
    let replicas = replicas.ok_or_else(|| ApiError::bad_request("spec.replicas is missing or no number"))?;
    let mut change = json!({"spec": {"replicas": replicas}});
    if let Some(revision) = scale["metadata"]["resourceVersion"].as_str().filter(|revision| !revision.is_empty()) {
        change["metadata"] = json!({"resourceVersion": revision});
    }
    let object = cluster.patch(at, &Patch::Merge(change), Part::Main, &write_options(call)?)?;
    Ok(wire::json(StatusCode::OK, &scale_of(&object)))
}

fn scale_of(object: &Object) -> Value {
    let value = object.to_value();
    let metadata = &value["metadata"];
    let selector = serde_json::from_value::<LabelSelector>(value["spec"]["selector"].clone());
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"], "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": {"replicas": value["spec"]["replicas"].as_u64().unwrap_or(0)},
        "status": {
            "replicas": value["status"]["replicas"].as_u64().unwrap_or(0),
            "selector": selector.map(|selector| selector.to_string()).unwrap_or_default(),
        },
    })
}
