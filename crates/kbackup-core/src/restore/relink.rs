//! Owners: objects name their owner by its uid, and what is restored has a new one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::action::relink;
use crate::model::ObjectRef;

/// The new uids of owners, as they become known, and the objects that wait for one.
#[derive(Debug)]
pub(super) struct Owners {
    /// By old uid: every owner that is in the target or in the restore; the new uid as soon as it is known.
    known: Mutex<HashMap<String, Option<String>>>,
    waiting: Mutex<Vec<(ObjectRef, Value)>>,
}

impl Owners {
    pub(super) fn new(planned: &BTreeMap<String, Option<String>>) -> Self {
        let known = planned.iter().map(|(old, new)| (old.clone(), new.clone())).collect();
        Self { known: Mutex::new(known), waiting: Mutex::new(Vec::new()) }
    }

    /// An owner was created, or found.
    pub(super) fn learn(&self, old: &str, new: &str) {
        if let Some(entry) = lock(&self.known).get_mut(old) {
            *entry = Some(new.to_owned());
        }
    }

    /// The uid of an owner in the target, as soon as it is known; nothing for an object that nobody names as its owner.
    pub(super) fn uid(&self, old: &str) -> Option<String> {
        lock(&self.known).get(old).cloned().flatten()
    }

    /// Puts the new uids into an object's `ownerReferences`. A reference to an owner that comes later is left out for now,
    /// since a garbage collector deletes what names an owner that it can't find: the patch that is returned brings it back
    /// when all are there. One to an owner that never comes is left out for good.
    pub(super) fn link(&self, object: &mut Value) -> Option<Value> {
        let references = object["metadata"]["ownerReferences"].clone();
        let known = lock(&self.known);
        let dropped = relink(object, &|old| known.get(old).cloned().flatten());
        let late = dropped.iter().any(|owner| known.contains_key(&owner.uid));
        late.then(|| json!({ "metadata": { "ownerReferences": references } }))
    }

    /// The object was written, and its owners are to be linked by `patch` at the end.
    pub(super) fn wait(&self, at: &ObjectRef, patch: Value) {
        lock(&self.waiting).push((at.clone(), patch));
    }

    /// The patches that give their owners to objects that were created before them.
    pub(super) fn late_links(&self) -> Vec<(ObjectRef, Value)> {
        let known = lock(&self.known);
        let waiting = std::mem::take(&mut *lock(&self.waiting));
        let link = |(at, mut patch): (ObjectRef, Value)| {
            relink(&mut patch, &|old| known.get(old).cloned().flatten());
            patch["metadata"]["ownerReferences"].is_array().then_some((at, patch))
        };
        waiting.into_iter().filter_map(link).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Gvr;

    fn object(owners: &[&str]) -> Value {
        let owners: Vec<Value> =
            owners.iter().map(|uid| json!({ "apiVersion": "v1", "kind": "Shop", "name": "x", "uid": uid })).collect();
        json!({ "metadata": { "name": "a", "ownerReferences": owners } })
    }

    #[test]
    fn references_follow_their_owners() {
        let at = ObjectRef::namespaced(Gvr::new("", "v1", "secrets"), "shop", "a");
        let planned = [("old-1".to_owned(), Some("new-1".to_owned())), ("old-2".to_owned(), None)];
        let owners = Owners::new(&planned.into());

        let mut known = object(&["old-1", "gone"]);
        assert_eq!(owners.link(&mut known), None);
        assert_eq!(known, object(&["new-1"]), "a known owner is linked, one that is not restored is dropped");

        let mut early = object(&["old-1", "old-2"]);
        let late = owners.link(&mut early).expect("it is told");
        assert_eq!(early, object(&["new-1"]), "an owner that comes later is left out");
        owners.wait(&at, late);
        owners.learn("old-2", "new-2");
        assert_eq!(owners.uid("old-2").as_deref(), Some("new-2"));
        let patch =
            json!({ "metadata": { "ownerReferences": object(&["new-1", "new-2"])["metadata"]["ownerReferences"] } });
        assert_eq!(owners.late_links(), [(at, patch)], "and linked when it is there");
    }

    #[test]
    fn an_object_without_owners_is_left_as_it_is() {
        let mut object = json!({ "metadata": { "name": "a" } });
        let before = object.clone();
        assert_eq!(Owners::new(&BTreeMap::new()).link(&mut object), None);
        assert_eq!(object, before);
    }
}
