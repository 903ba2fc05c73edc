//! Watches: a line of JSON an event (<https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes>).

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use http::Response;
use kbackup_core::cluster::memory::WatchEvent;
use kbackup_core::cluster::{ClusterErrorKind, ClusterResult, MemoryCluster};
use kbackup_core::model::{Object, Revision};
use serde_json::json;

use super::Call;
use super::options::watch_request;
use super::view::View;
use crate::wire::{self, ApiError, ApiResult, Body, ResourcePath};

/// How long a watch goes on where the client does not say it, and at most.
const WATCH_FOR_MAX: Duration = Duration::from_secs(3600);

/// Answers a watch.
///
/// # Errors
/// What the server answers instead. A revision that was compacted is told in the stream, as a real server does.
pub(super) fn watch(cluster: &MemoryCluster, call: &Call, path: &ResourcePath) -> ApiResult<Response<Body>> {
    let request = watch_request(path, &call.query, cluster.revision())?;
    let view = View::of(cluster, call, &path.gvr)?;
    let limit = call.query.parsed::<u64>("timeoutSeconds", "a number of seconds")?.map(Duration::from_secs);
    let initial_events = call.query.flag("sendInitialEvents");
    let events: BoxStream<'static, ClusterResult<WatchEvent>> = match cluster.watch(request) {
        Ok(events) => events.boxed(),
        Err(error) if error.kind() == ClusterErrorKind::Expired => stream::iter([Err(error)]).boxed(),
        Err(error) => return Err(error.into()),
    };
    let mut telling = Telling { view, initial_events };
    let lines = events.map(move |event| io::Result::Ok(telling.line(event)));
    let end = tokio::time::sleep(limit.unwrap_or(WATCH_FOR_MAX).min(WATCH_FOR_MAX));
    Ok(wire::lines(Body::stream(lines.take_until(end.boxed()).boxed())))
}

/// How events become lines.
struct Telling {
    view: View,
    /// Whether the next bookmark says that all objects of the beginning were told.
    initial_events: bool,
}

impl Telling {
    fn line(&mut self, event: ClusterResult<WatchEvent>) -> Bytes {
        let (kind, object) = match event {
            Ok(WatchEvent::Added(object)) => ("ADDED", self.view.show(&object)),
            Ok(WatchEvent::Modified(object)) => ("MODIFIED", self.view.show(&object)),
            Ok(WatchEvent::Deleted(object)) => ("DELETED", self.view.show(&object)),
            Ok(WatchEvent::Bookmark(revision)) => ("BOOKMARK", self.bookmark(revision)),
            Err(error) => ("ERROR", ApiError::from(error).to_value().to_string()),
        };
        format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n").into()
    }

    /// An object of which nothing is told but the revision.
    fn bookmark(&mut self, revision: Revision) -> String {
        let mut object = json!({
            "kind": self.view.ty.kind, "apiVersion": self.view.ty.gvr.api_version(),
            "metadata": {"resourceVersion": revision.to_string(), "creationTimestamp": null},
        });
        if std::mem::take(&mut self.initial_events) {
            object["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        Object::from_value(&object).map_or_else(|_| object.to_string(), |object| self.view.show(&object))
    }
}
