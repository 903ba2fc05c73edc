//! One object: get, create, replace, patch.

use http::{Response, StatusCode};
use kbackup_core::cluster::{MemoryCluster, Part, Patch};
use kbackup_core::model::ObjectRef;

use super::Call;
use super::options::write_options;
use super::view::View;
use crate::wire::{ApiError, ApiResult, Body, ResourcePath, read_value};

const PATCHES: [&str; 4] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
];

/// Answers with an object. A `status` is the same object.
pub(super) fn get(cluster: &MemoryCluster, call: &Call, at: &ObjectRef) -> ApiResult<Response<Body>> {
    let view = View::of(cluster, call, &at.gvr)?;
    Ok(view.answer(StatusCode::OK, &cluster.get(at)?))
}

/// Creates an object.
pub(super) fn create(cluster: &MemoryCluster, call: &Call, path: &ResourcePath) -> ApiResult<Response<Body>> {
    let view = View::of(cluster, call, &path.gvr)?;
    if view.ty.namespaced && path.namespace.is_none() {
        return Err(ApiError::method_not_allowed());
    }
    let object = cluster.create(&path.gvr, path.namespace.as_deref(), call.object()?, &write_options(call)?)?;
    Ok(view.answer(StatusCode::CREATED, &object))
}

/// Replaces an object, or its status.
pub(super) fn replace(cluster: &MemoryCluster, call: &Call, at: &ObjectRef, part: Part) -> ApiResult<Response<Body>> {
    let view = View::of(cluster, call, &at.gvr)?;
    let object = cluster.replace(at, call.object()?, part, &write_options(call)?)?;
    Ok(view.answer(StatusCode::OK, &object))
}

/// Changes an object, or its status.
pub(super) fn patch(cluster: &MemoryCluster, call: &Call, at: &ObjectRef, part: Part) -> ApiResult<Response<Body>> {
    let view = View::of(cluster, call, &at.gvr)?;
    let patch = read_patch(call)?;
    let is_new = matches!(patch, Patch::Apply { .. }) && cluster.peek(at).is_none();
    let object = cluster.patch(at, &patch, part, &write_options(call)?)?;
    Ok(view.answer(if is_new { StatusCode::CREATED } else { StatusCode::OK }, &object))
}

fn read_patch(call: &Call) -> ApiResult<Patch> {
    let kind = call.media_type();
    if !PATCHES.contains(&kind) {
        return Err(ApiError::unsupported_media_type(kind, &PATCHES));
    }
    let body = read_value(&call.body)?;
    let force = call.query.flag("force");
    Ok(match kind {
        "application/json-patch+json" => Patch::Json(body),
        "application/merge-patch+json" => Patch::Merge(body),
        "application/strategic-merge-patch+json" => Patch::Strategic(body),
        _ if call.query.get("fieldManager").is_none() => {
            return Err(ApiError::bad_request("fieldManager is required for an apply patch"));
        }
        _ => Patch::Apply { body, force },
    })
}
