//! Waiting for a condition: by a watch of the one object, and by asking again and again where no watch is to be had.

use std::time::Duration;

use kbackup_core::cluster::{ClusterErrorKind, ClusterReader, ClusterResult, Condition, Waited};
use kbackup_core::model::ObjectRef;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::KubeCluster;
use crate::error::bad_response;
use crate::http::{Call, Http};
use crate::json::null_is_empty;
use crate::list::ListMeta;
use crate::url::{self, Uri};

/// Between two looks at the object, where a watch has ended or is not to be had.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A line of a watch is one object.
const LINE_BYTES_MAX: usize = 64 << 20;

/// Waits until `until` holds for the object, at most `limit`.
pub(crate) async fn wait(
    cluster: &KubeCluster,
    at: &ObjectRef,
    until: &Condition,
    limit: Duration,
) -> ClusterResult<Waited> {
    match tokio::time::timeout(limit, watch_until(cluster, at, until)).await {
        Ok(met) => met.map(|()| Waited::Met),
        Err(_) => Ok(Waited::TimedOut),
    }
}

async fn watch_until(cluster: &KubeCluster, at: &ObjectRef, until: &Condition) -> ClusterResult<()> {
    loop {
        match look_and_watch(&cluster.http, at, until).await {
            Ok(true) => return Ok(()),
            Ok(false) => tokio::time::sleep(LOOK_EVERY).await,
            Err(error) if error.kind() == ClusterErrorKind::Expired => {}
            Err(error) if is_refusal(error.kind()) => return poll_until(cluster, at, until).await,
            Err(error) => return Err(error),
        }
    }
}

/// Whether who may read the object may have to go without watching it: the right to `watch` is one of its own, and
/// some types cannot be watched.
fn is_refusal(kind: ClusterErrorKind) -> bool {
    use ClusterErrorKind as Kind;
    matches!(kind, Kind::Forbidden | Kind::Unsupported | Kind::Invalid | Kind::NotFound)
}

async fn poll_until(cluster: &KubeCluster, at: &ObjectRef, until: &Condition) -> ClusterResult<()> {
    loop {
        let object = cluster.get(at).await?;
        if holds(until, object.as_ref().map(|object| &object.raw()[..])) {
            return Ok(());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Whether the condition holds now, or comes to hold before the server ends the watch.
async fn look_and_watch(http: &Http, at: &ObjectRef, until: &Condition) -> ClusterResult<bool> {
    let uri = Uri::new(url::collection(&at.gvr, at.namespace.as_deref()))
        .with("fieldSelector", &format!("metadata.name={}", at.name));
    let mut list: List = http.json(&Call::get(uri.clone())).await?;
    let object = list.items.pop();
    if holds(until, object.as_ref().map(|object| object.get().as_bytes())) {
        return Ok(true);
    }
    // The server ends a quiet watch before we take it for dead.
    let seconds = (http.limits().stall_max.as_secs() * 3 / 4).max(1);
    let uri = uri
        .with("watch", "true")
        .with("resourceVersion", &list.metadata.resource_version)
        .with("timeoutSeconds", &seconds.to_string());
    watch(http, uri, until).await
}

/// Whether an event of the watch says that the condition holds. A watch that breaks has ended: the next look tells.
async fn watch(http: &Http, uri: Uri, until: &Condition) -> ClusterResult<bool> {
    let mut chunks = http.send(&Call::get(uri)).await?;
    let mut lines = Lines::default();
    while let Ok(Some(chunk)) = chunks.next().await {
        if lines.push(&chunk, |line| tells(line, until))? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[derive(Deserialize)]
struct List {
    metadata: ListMeta,
    #[serde(default, deserialize_with = "null_is_empty")]
    items: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    object: &'a RawValue,
}

/// Cuts a stream into lines.
#[derive(Default)]
struct Lines {
    held: Vec<u8>,
}

impl Lines {
    /// Whether one of the lines that `chunk` completes satisfies `is_it`.
    fn push(&mut self, chunk: &[u8], mut is_it: impl FnMut(&[u8]) -> bool) -> ClusterResult<bool> {
        let mut pieces = chunk.split(|byte| *byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            if self.held.len() + piece.len() > LINE_BYTES_MAX {
                return Err(bad_response(format!("a line of a watch is longer than {LINE_BYTES_MAX} bytes")));
            }
            self.held.extend_from_slice(piece);
            if pieces.peek().is_none() {
                break;
            }
            let met = is_it(&self.held);
            self.held.clear();
            if met {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether a line of the watch says that the condition holds. Errors and bookmarks say nothing of the object.
fn tells(line: &[u8], until: &Condition) -> bool {
    match serde_json::from_slice::<Event<'_>>(line) {
        Ok(Event { kind: "DELETED", .. }) => holds(until, None),
        Ok(Event { kind: "ADDED" | "MODIFIED", object }) => holds(until, Some(object.get().as_bytes())),
        _ => false,
    }
}

/// Whether the condition holds for an object of this JSON, or for none.
fn holds(until: &Condition, object: Option<&[u8]>) -> bool {
    match (until, object) {
        (Condition::Gone, object) => object.is_none(),
        (Condition::True(_), None) => false,
        (Condition::True(kind), Some(object)) => {
            let object: Value = serde_json::from_slice(object).unwrap_or_default();
            let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
            conditions.into_iter().flatten().any(|entry| entry["type"] == **kind && entry["status"] == "True")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &str =
        r#"{"status":{"conditions":[{"type":"Old","status":"False"},{"type":"Ready","status":"True"}]}}"#;

    #[test]
    fn conditions_hold() {
        let check = |until: &Condition, object: Option<&str>, expect: bool| {
            assert_eq!(holds(until, object.map(str::as_bytes)), expect, "{until:?} {object:?}");
        };
        let ready = Condition::True("Ready".into());
        check(&Condition::Gone, None, true);
        check(&Condition::Gone, Some("{}"), false);
        check(&ready, None, false);
        check(&ready, Some(READY), true);
        check(&Condition::True("Old".into()), Some(READY), false);
        check(&ready, Some(r#"{"status":"Ready"}"#), false);
        check(&ready, Some(r#"{"status":{"conditions":null}}"#), false);
    }

    #[test]
    fn events_are_read_in_whatever_pieces_they_come() {
        let stream = format!(
            "{}\n{}\n{}\n",
            r#"{"type":"BOOKMARK","object":{}}"#,
            r#"{"type":"ADDED","object":{"status":{}}}"#,
            format_args!(r#"{{"type":"MODIFIED","object":{READY}}}"#)
        );
        let ready = Condition::True("Ready".into());
        for size in 1..stream.len() {
            let mut lines = Lines::default();
            let met: Vec<bool> = stream
                .as_bytes()
                .chunks(size)
                .map(|chunk| lines.push(chunk, |line| tells(line, &ready)).expect("short lines"))
                .collect();
            assert_eq!(met.iter().filter(|met| **met).count(), 1, "chunks of {size}");
            assert_eq!(met.last(), Some(&true), "chunks of {size}");
        }
    }

    #[test]
    fn a_deletion_is_the_end_of_an_object() {
        let line = format!(r#"{{"type":"DELETED","object":{READY}}}"#);
        assert!(tells(line.as_bytes(), &Condition::Gone));
        assert!(!tells(line.as_bytes(), &Condition::True("Ready".into())));
        assert!(!tells(br#"{"type":"ERROR","object":{"kind":"Status","code":410}}"#, &Condition::Gone));
    }
}
