//! A writer that changes objects and keeps a journal of what it did, so that the cluster's state at any revision is known
//! from another source than the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kbackup_core::cluster::{ClusterWriter, Created, DeleteOptions, Part, WriteOptions};
use kbackup_core::model::{Object, ObjectRef, ResourceType, Revision};
use serde_json::{Value, json};

/// What one write left behind: the object, or its absence.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Which object was written.
    pub object: ObjectRef,
    /// The object as the server answered; `None` after a deletion.
    pub state: Option<Object>,
    /// The revision of the write. That of a deletion is not told by the server: it is after this one, and before the next
    /// entry's.
    pub revision: Revision,
}

/// What a writer did, in its order.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    /// The entries.
    pub entries: Vec<Entry>,
}

impl Journal {
    /// What each object was at a revision. `Err` has the one object that was being deleted right then: both of its states
    /// are right.
    #[must_use]
    pub fn at(&self, revision: Revision) -> (BTreeMap<ObjectRef, Object>, Option<ObjectRef>) {
        let mut objects = BTreeMap::new();
        let mut unsure = None;
        for (index, entry) in self.entries.iter().enumerate().filter(|(_, entry)| entry.revision <= revision) {
            match &entry.state {
                Some(state) => drop(objects.insert(entry.object.clone(), state.clone())),
                None if self.entries.get(index + 1).is_some_and(|next| next.revision <= revision) => {
                    objects.remove(&entry.object);
                }
                // The deletion is the newest entry that may have happened.
                None => unsure = Some(entry.object.clone()),
            }
        }
        (objects, unsure)
    }
}

/// A writer of objects of several types in one namespace.
#[derive(Debug)]
pub struct Writer {
    cluster: Arc<dyn ClusterWriter>,
    namespace: String,
    /// The types, each with the fields that an object of it has beside its metadata.
    types: Vec<(Arc<ResourceType>, Value)>,
    journal: Journal,
    living: BTreeSet<ObjectRef>,
    round: usize,
}

impl Writer {
    /// A writer of objects of these types, whose fields hold the number of the write wherever a string is `"#"`.
    #[must_use]
    pub fn new(cluster: Arc<dyn ClusterWriter>, namespace: &str, types: Vec<(Arc<ResourceType>, Value)>) -> Self {
        Self {
            cluster,
            namespace: namespace.to_owned(),
            types,
            journal: Journal::default(),
            living: BTreeSet::new(),
            round: 0,
        }
    }

    /// Creates `count` objects of each type.
    pub async fn fill(&mut self, count: usize) {
        for number in 0..count * self.types.len() {
            self.create(number).await;
        }
    }

    /// Writes round after round until `stop`, then `after` more rounds; gives the journal. Each round changes an object,
    /// deletes one and creates one.
    pub async fn run(mut self, stop: &AtomicBool, after: usize) -> Journal {
        let mut left = after;
        while left > 0 {
            if stop.load(Ordering::Acquire) {
                left -= 1;
            }
            self.round().await;
        }
        self.journal
    }

    async fn round(&mut self) {
        self.round += 1;
        let living = |number: usize| self.living.iter().nth(number % self.living.len()).cloned().expect("some live");
        let (changed, deleted) = (living(self.round * 7), living(self.round * 13));
        self.change(&changed).await;
        self.delete(&deleted).await;
        self.create(1_000_000 + self.round).await;
    }

    async fn create(&mut self, number: usize) {
        let (ty, fields) = &self.types[number % self.types.len()];
        let mut value = self.filled(fields, number);
        value["apiVersion"] = ty.gvr.api_version().into();
        value["kind"] = ty.kind.clone().into();
        value["metadata"] = json!({"name": format!("written-{number}"), "namespace": self.namespace});
        let (ty, object) = (Arc::clone(ty), Object::from_value(&value).expect("an object"));
        match self.cluster.create(&ty, &object, &WriteOptions::default()).await.expect("the object is created") {
            Created::New(state) => self.note(state.at(&ty.gvr), state),
            Created::Exists => panic!("{object} was there already"),
        }
    }

    async fn change(&mut self, at: &ObjectRef) {
        let (_, fields) = self.types.iter().find(|(ty, _)| ty.gvr == at.gvr).expect("a type of this writer");
        let patch = kbackup_core::cluster::Patch::Merge(self.filled(fields, 2_000_000 + self.round));
        let state = self.cluster.patch(at, &patch, Part::Main, &WriteOptions::default()).await.expect("it is changed");
        self.note(at.clone(), state);
    }

    async fn delete(&mut self, at: &ObjectRef) {
        self.cluster.delete(at, &DeleteOptions::default()).await.expect("it is deleted");
        self.living.remove(at);
        let revision = self.journal.entries.last().map_or(Revision(0), |entry| entry.revision);
        self.journal.entries.push(Entry { object: at.clone(), state: None, revision });
    }

    fn note(&mut self, object: ObjectRef, state: Object) {
        let revision = state.meta().resource_version.parse().expect("a created object has a revision");
        self.living.insert(object.clone());
        self.journal.entries.push(Entry { object, state: Some(state), revision });
    }

    fn filled(&self, fields: &Value, number: usize) -> Value {
        let text = fields.to_string().replace("\"#\"", &format!("\"{number}\""));
        serde_json::from_str(&text).expect("it was JSON before")
    }
}

#[cfg(test)]
mod tests {
    use kbackup_core::model::{Gvr, Object, ObjectRef, Revision};
    use serde_json::json;

    use super::{Entry, Journal};

    #[test]
    fn the_state_at_a_revision_is_that_after_its_last_write() {
        let at = |name: &str| ObjectRef::cluster(Gvr::new("", "v1", "namespaces"), name);
        let written = |name: &str, revision: u64| {
            let state =
                Object::from_value(&json!({"metadata": {"name": name, "resourceVersion": revision.to_string()}}));
            Entry { object: at(name), state: Some(state.expect("an object")), revision: Revision(revision) }
        };
        let deleted = |name: &str, after: u64| Entry { object: at(name), state: None, revision: Revision(after) };
        let journal = Journal { entries: vec![written("a", 3), written("a", 5), deleted("a", 5), written("b", 9)] };
        let names = |revision| {
            let (objects, unsure) = journal.at(Revision(revision));
            let told = |object: &Object| format!("{}@{}", object.meta().name, object.meta().resource_version);
            (objects.values().map(told).collect::<Vec<_>>().join(" "), unsure.is_some())
        };
        assert_eq!(names(2), (String::new(), false));
        assert_eq!(names(4), ("a@3".to_owned(), false));
        assert_eq!(names(7), ("a@5".to_owned(), true));
        assert_eq!(names(9), ("b@9".to_owned(), false));
    }
}
