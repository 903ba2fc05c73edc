//! Deletions.

use http::{Response, StatusCode};
use kbackup_core::cluster::memory::{Deleted, ListPage};
use kbackup_core::cluster::{ClusterError, ClusterErrorKind, MemoryCluster};
use kbackup_core::model::{Object, ObjectRef};
use serde_json::json;

use super::options::{deletion, list_request};
use super::view::View;
use super::{Call, collection as lists};
use crate::wire::{self, ApiResult, Body, ResourcePath};

/// Deletes one object. What is gone is told as a `Status`; what stays until its finalizers are gone, as it is.
pub(super) fn one(cluster: &MemoryCluster, call: &Call, at: &ObjectRef) -> ApiResult<Response<Body>> {
    let view = View::of(cluster, call, &at.gvr)?;
    let deletion = deletion(call)?;
    if let Some(wanted) = &deletion.revision {
        check_revision(at, wanted, &cluster.get(at)?)?;
    }
    Ok(match cluster.delete(at, &deletion.options)? {
        Deleted::Gone(object) => wire::json(
            StatusCode::OK,
            &json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
                "details": {"name": at.name, "group": at.gvr.group, "kind": at.gvr.plural, "uid": object.meta().uid},
            }),
        ),
        Deleted::Finalizing(object) => view.answer(StatusCode::OK, &object),
    })
}

/// Deletes what a list would show, and answers with that list.
pub(super) fn collection(cluster: &MemoryCluster, call: &Call, path: &ResourcePath) -> ApiResult<Response<Body>> {
    let view = View::of(cluster, call, &path.gvr)?;
    let request = list_request(path, &call.query)?;
    let deleted = cluster.delete_collection(&request, &deletion(call)?.options)?;
    let object = |deleted| match deleted {
        Deleted::Gone(object) | Deleted::Finalizing(object) => object,
    };
    let objects = deleted.into_iter().map(object).collect();
    let page = ListPage { objects, revision: cluster.revision(), continue_token: None, remaining: None };
    Ok(lists::show(view, page))
}

fn check_revision(at: &ObjectRef, wanted: &str, found: &Object) -> ApiResult<()> {
    let is = &found.meta().resource_version;
    if is == wanted {
        return Ok(());
    }
    let message = format!(
        "Operation cannot be fulfilled on {} \"{}\": Precondition failed: ResourceVersion in precondition: {wanted}, \
         ResourceVersion in object meta: {is}",
        at.gvr.group_resource(),
        at.name,
    );
    Err(ClusterError::new(ClusterErrorKind::Conflict, message).into())
}
