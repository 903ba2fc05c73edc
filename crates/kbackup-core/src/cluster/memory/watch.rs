//! Watches: what happened after a revision, read from the log of changes. A slow reader holds no queue; it reads on from
//! where it was, or learns that this was compacted away.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::stream::{self, Stream};
use serde_json::Value;

use super::cluster::Inner;
use super::list::is_in_namespace;
use super::request::{ListPage, ListRequest, WatchEvent, WatchRequest};
use super::state::Change;
use super::types::Served;
use super::{convert, tree};
use crate::cluster::ClusterResult;
use crate::model::{Object, Revision};

/// Changes that are read from the log, and objects of the first state that are listed, at a time.
const BATCH: usize = 500;

/// One watch and how far it has come.
struct Watch {
    inner: Arc<Inner>,
    served: Arc<Served>,
    request: WatchRequest,
    stage: Stage,
    events: VecDeque<WatchEvent>,
    told: u64,
}

enum Stage {
    /// Listing the objects that there are; `None` before the first page.
    Listing(Option<(u64, String)>),
    /// Following the log from this revision.
    Following(u64),
    Ended,
}

/// Everything that the request asks for, for ever; it ends after its first error.
pub(super) fn stream(
    inner: Arc<Inner>,
    served: Arc<Served>,
    request: WatchRequest,
) -> impl Stream<Item = ClusterResult<WatchEvent>> + Send + 'static {
    let stage = request.from.map_or(Stage::Listing(None), |from| Stage::Following(from.0));
    let told = request.from.map_or(0, |from| from.0);
    let watch = Watch { inner, served, request, stage, events: VecDeque::new(), told };
    stream::unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        Some((event, watch))
    })
}

impl Watch {
    async fn next(&mut self) -> Option<ClusterResult<WatchEvent>> {
        // Subscribed before the log is read, so that no change falls between the two.
        let mut changed = self.inner.changed.subscribe();
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(Ok(event));
            }
            if matches!(self.stage, Stage::Ended) {
                return None;
            }
            changed.borrow_and_update();
            match self.read() {
                Ok(true) => {}
                Ok(false) => changed.changed().await.ok()?,
                Err(error) => {
                    self.stage = Stage::Ended;
                    return Some(Err(error));
                }
            }
        }
    }

    /// Reads on; says whether there was anything to read.
    fn read(&mut self) -> ClusterResult<bool> {
        match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Listing(position) => self.read_page(position),
            Stage::Following(revision) => self.read_log(revision),
            Stage::Ended => Ok(false),
        }
    }

    fn read_page(&mut self, position: Option<(u64, String)>) -> ClusterResult<bool> {
        let request = ListRequest {
            gvr: self.request.gvr.clone(),
            namespace: self.request.namespace.clone(),
            labels: self.request.labels.clone(),
            fields: self.request.fields.clone(),
            at: super::ListAt::Newest,
            limit: Some(BATCH),
            continue_token: position.map(|(_, token)| token),
        };
        let ListPage { objects, revision, continue_token, .. } = self.inner.read().list_page(&request)?;
        self.events.extend(objects.into_iter().map(WatchEvent::Added));
        self.stage = match continue_token {
            Some(token) => Stage::Listing(Some((revision.0, token))),
            None => Stage::Following(revision.0),
        };
        Ok(true)
    }

    fn read_log(&mut self, revision: u64) -> ClusterResult<bool> {
        let state = self.inner.read();
        state.check_watchable(revision)?;
        let (changes, all) = state.changes_after(revision, BATCH);
        let now = state.revision();
        drop(state);
        let reached = if all { now } else { changes.last().map_or(revision, |change| change.revision) };
        let events = changes.iter().filter_map(|change| self.event(change)).collect::<Vec<_>>();
        self.events.extend(events);
        self.stage = Stage::Following(reached);
        if self.request.bookmarks && all && self.told < reached {
            self.events.push_back(WatchEvent::Bookmark(Revision(reached)));
        }
        self.told = self.told.max(reached);
        Ok(reached > revision || !self.events.is_empty())
    }

    fn event(&self, change: &Change) -> Option<WatchEvent> {
        if change.table != self.served.table {
            return None;
        }
        let view = |object| convert::view(object, &self.served);
        let was = change.old.as_ref().filter(|old| self.selects(old));
        let is = Some(&change.new).filter(|new| !change.removed && self.selects(new));
        match (was, is) {
            (None, None) => None,
            (None, Some(new)) => Some(WatchEvent::Added(view(new))),
            (Some(_), Some(new)) => Some(WatchEvent::Modified(view(new))),
            (Some(_), None) if change.removed => Some(WatchEvent::Deleted(view(&change.new))),
            (Some(old), None) => Some(WatchEvent::Deleted(view(&at_revision(old, change.revision)))),
        }
    }

    fn selects(&self, object: &Arc<Object>) -> bool {
        is_in_namespace(object, self.request.namespace.as_deref())
            && self.request.labels.matches(&object.meta().labels)
            && self.request.fields.matches(object)
    }
}

/// An object's state with another revision: a watch tells with each event how far it has come.
fn at_revision(object: &Arc<Object>, revision: u64) -> Arc<Object> {
    let mut value: Value = object.to_value();
    tree::set(&mut value, &["metadata", "resourceVersion"], Some(revision.to_string().into()));
    // The same object with another number can be parsed, so the fallback is never taken.
    Object::from_value(&value).map_or_else(|_| object.clone(), Arc::new)
}
