//! Lists.

use std::io;

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{Response, StatusCode};
use kbackup_core::cluster::MemoryCluster;
use kbackup_core::cluster::memory::ListPage;
use kbackup_core::model::Object;
use serde_json::{Value, json};

use super::Call;
use super::options::list_request;
use super::view::View;
use crate::wire::{self, ApiResult, Body, ResourcePath, Shape};

/// How many bytes of a list are written at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// Answers a list.
///
/// # Errors
/// What the server answers instead.
pub(super) fn list(cluster: &MemoryCluster, call: &Call, path: &ResourcePath) -> ApiResult<Response<Body>> {
    let request = list_request(path, &call.query)?;
    let view = View::of(cluster, call, &path.gvr)?;
    let page = cluster.list_page(&request)?;
    Ok(show(view, page))
}

/// A list in the shape that was asked for.
pub(super) fn show(view: View, page: ListPage) -> Response<Body> {
    let metadata = metadata(&page);
    if view.shape() == Shape::Table {
        return wire::json(StatusCode::OK, &view.table(&metadata, &page.objects));
    }
    let (kind, api_version) = view.list_kind();
    let head = format!(r#"{{"kind":"{kind}","apiVersion":"{api_version}","metadata":{metadata},"items":["#);
    let writing = Writing { view, objects: page.objects.into_iter(), text: head, first: true, ended: false };
    wire::lines(Body::stream(stream::iter(writing).boxed()))
}

fn metadata(page: &ListPage) -> Value {
    let mut metadata = json!({"resourceVersion": page.revision.to_string()});
    if let Some(token) = &page.continue_token {
        metadata["continue"] = token.as_str().into();
    }
    if let Some(remaining) = page.remaining {
        metadata["remainingItemCount"] = remaining.into();
    }
    metadata
}

/// A list that is being written, so that only a small part of its text is ever held.
struct Writing {
    view: View,
    objects: std::vec::IntoIter<Object>,
    text: String,
    first: bool,
    ended: bool,
}

impl Iterator for Writing {
    type Item = io::Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        while self.text.len() < CHUNK_BYTES {
            let Some(object) = self.objects.next() else {
                self.text.push_str("]}\n");
                self.ended = true;
                break;
            };
            if !std::mem::take(&mut self.first) {
                self.text.push(',');
            }
            self.text.push_str(&self.view.item(&object));
        }
        Some(Ok(std::mem::take(&mut self.text).into()))
    }
}
