//! Lists: pages of one revision.

use std::sync::Arc;

use super::convert;
use super::errors;
use super::request::{ListAt, ListPage, ListRequest};
use super::state::State;
use super::table::{Key, Scan, key_of};
use crate::cluster::ClusterResult;
use crate::model::{Object, Revision, Verb};

impl State {
    pub(super) fn list_page(&self, request: &ListRequest) -> ClusterResult<ListPage> {
        let served = self.types.get_for(&request.gvr, Verb::List)?;
        if let Some(field) = request.fields.unsupported(&served.table) {
            return Err(errors::bad_request(format!("field label not supported: {field}")));
        }
        let position = self.position(request)?;
        let namespace = request.namespace.as_deref().filter(|_| served.ty.namespaced);
        let limit = request.limit.filter(|limit| *limit > 0).unwrap_or(usize::MAX);
        let (after, revision) = (position.after.as_ref(), position.revision);
        let selects = !request.labels.is_empty() || !request.fields.is_empty();
        let keep = |object: &Object| {
            !selects || request.labels.matches(&object.meta().labels) && request.fields.matches(object)
        };
        let (found, more) = match self.table(&served.table) {
            Some(table) => table.page(Scan { revision, namespace, after, limit }, keep),
            None => (Vec::new(), false),
        };
        let count = || self.table(&served.table).map_or(0, |table| table.count(revision, namespace));
        let remaining = (more && !selects)
            .then(|| position.remaining.unwrap_or_else(|| count() as u64).saturating_sub(found.len() as u64));
        let last = found.last().filter(|_| more);
        let next = last.map(|last| Position { revision, remaining, after: Some(key_of(last)) });
        Ok(ListPage {
            objects: found.iter().map(|object| convert::view(object, &served)).collect(),
            revision: Revision(revision),
            continue_token: next.map(|next| next.token()),
            remaining,
        })
    }

    /// The object as this version of its type shows it; `NotFound` where there is none.
    pub(super) fn read(&self, served: &super::types::Served, key: &Key) -> ClusterResult<Object> {
        let found = self.get(&served.table, key).ok_or_else(|| errors::not_found(&served.ty.gvr, &key.1))?;
        Ok(convert::view(found, served))
    }

    fn position(&self, request: &ListRequest) -> ClusterResult<Position> {
        if let Some(token) = &request.continue_token {
            let position = Position::parse(token)
                .ok_or_else(|| errors::bad_request(format!("continue key is not valid: {token:?}")))?;
            if position.revision < self.compacted() {
                let why = "The provided continue parameter is too old to display a consistent list result. \
                           You must start a new list without the continue parameter.";
                return Err(errors::expired(why));
            }
            self.check_readable(position.revision)?;
            return Ok(position);
        }
        let revision = match request.at {
            ListAt::Newest => self.revision(),
            ListAt::Exact(Revision(revision)) => {
                self.check_readable(revision)?;
                revision
            }
            ListAt::NotOlderThan(Revision(revision)) if revision > self.revision() => {
                return Err(errors::too_large(revision, self.revision()));
            }
            ListAt::NotOlderThan(_) => self.revision(),
        };
        Ok(Position { revision, remaining: None, after: None })
    }
}

/// Where a page begins. Its text form is the continue token, which means nothing to a client.
#[derive(Debug, PartialEq, Eq)]
struct Position {
    revision: u64,
    /// How many objects follow, where it is known.
    remaining: Option<u64>,
    after: Option<Key>,
}

impl Position {
    fn token(&self) -> String {
        let remaining = self.remaining.map_or_else(|| "-".to_owned(), |count| count.to_string());
        let (namespace, name) = self.after.clone().unwrap_or_default();
        format!("{}:{remaining}:{namespace}/{name}", self.revision)
    }

    fn parse(token: &str) -> Option<Self> {
        let mut parts = token.splitn(3, ':');
        let revision = parts.next()?.parse().ok()?;
        let remaining = match parts.next()? {
            "-" => None,
            count => Some(count.parse().ok()?),
        };
        let (namespace, name) = parts.next()?.split_once('/')?;
        Some(Self { revision, remaining, after: Some((namespace.to_owned(), name.to_owned())) })
    }
}

/// The objects of a page with only `apiVersion`, `kind` and `metadata`.
pub(super) fn metadata_only(object: &Object) -> Object {
    let mut value = object.to_value();
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|field, _| matches!(field.as_str(), "apiVersion" | "kind" | "metadata"));
    }
    // A part of an object with metadata is one too, so the fallback is never taken.
    Object::from_value(&value).unwrap_or_else(|_| object.clone())
}

/// How large a page may be, learned from the one before.
pub(super) fn next_limit(page: &[Object], objects_max: usize, bytes_target: usize) -> usize {
    let bytes: usize = page.iter().map(|object| object.raw().len()).sum();
    let average = (bytes / page.len().max(1)).max(1);
    (bytes_target / average).clamp(1, objects_max.max(1))
}

/// Whether an object is in what a list or watch selects.
pub(super) fn is_in_namespace(object: &Arc<Object>, namespace: Option<&str>) -> bool {
    namespace.is_none_or(|namespace| object.meta().namespace.as_deref() == Some(namespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_round_trip() {
        for (remaining, namespace, name) in [(None, "", "system:admin"), (Some(3), "shop", "web"), (Some(0), "", "a/b")]
        {
            let position = Position { revision: 7, remaining, after: Some((namespace.to_owned(), name.to_owned())) };
            assert_eq!(Position::parse(&position.token()), Some(position));
        }
        for nonsense in ["", "7", "x:-:a/b", "7:-:", "7:z:a/b"] {
            assert_eq!(Position::parse(nonsense), None, "{nonsense:?}");
        }
    }
}
