//! The whole state of the cluster, and the only two ways to change it: [`State::put`] and [`State::remove`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use super::addresses::Addresses;
use super::random::Random;
use super::table::{Key, Table, key_of};
use super::types::{TableName, Types};
use super::{errors, tree};
use crate::cluster::ClusterResult;
use crate::model::Object;

/// Everything that the cluster holds.
#[derive(Debug)]
pub(super) struct State {
    pub(super) types: Types,
    pub(super) random: Random,
    tables: BTreeMap<TableName, Table>,
    revision: u64,
    compacted: u64,
    /// What happened since the last compaction, oldest first: what watches read.
    log: VecDeque<Change>,
    history_max: usize,
    /// What the controllers have not seen yet.
    pending: VecDeque<Change>,
    indexes: Indexes,
}

/// One write.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) revision: u64,
    pub(super) table: TableName,
    pub(super) old: Option<Arc<Object>>,
    /// The new state; of a removal the last state, with the revision of the removal.
    pub(super) new: Arc<Object>,
    pub(super) removed: bool,
}

/// What would be too slow to search for at every write.
#[derive(Debug, Default)]
pub(super) struct Indexes {
    pub(super) addresses: Addresses,
    /// The objects that each uid owns.
    owned: BTreeMap<String, BTreeSet<(TableName, Key)>>,
    /// The volume that is reserved for each claim.
    reserved: BTreeMap<Key, String>,
    /// The claim that asks for each volume.
    wanted: BTreeMap<String, Key>,
}

impl State {
    /// Nothing but the built-in types. At most `history_max` past writes are kept.
    pub(super) fn new(seed: u64, history_max: usize) -> Self {
        Self {
            types: Types::built_in(),
            random: Random::from_seed(seed),
            tables: BTreeMap::new(),
            revision: 0,
            compacted: 0,
            log: VecDeque::new(),
            history_max,
            pending: VecDeque::new(),
            indexes: Indexes::default(),
        }
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// The oldest revision that can still be read.
    pub(super) fn compacted(&self) -> u64 {
        self.compacted
    }

    pub(super) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name)
    }

    pub(super) fn get(&self, table: &str, key: &Key) -> Option<&Arc<Object>> {
        self.tables.get(table)?.newest(key)
    }

    pub(super) fn addresses(&self) -> &Addresses {
        &self.indexes.addresses
    }

    /// The objects whose `ownerReferences` name this uid.
    pub(super) fn owned_by(&self, uid: &str) -> Vec<(TableName, Key)> {
        self.indexes.owned.get(uid).map(|owned| owned.iter().cloned().collect()).unwrap_or_default()
    }

    /// The volume whose `claimRef` names this claim.
    pub(super) fn volume_reserved_for(&self, claim: &Key) -> Option<&String> {
        self.indexes.reserved.get(claim)
    }

    /// The claim whose `volumeName` names this volume.
    pub(super) fn claim_wanting(&self, volume: &str) -> Option<&Key> {
        self.indexes.wanted.get(volume)
    }

    /// Whether nothing is left in a namespace.
    pub(super) fn is_empty_namespace(&self, namespace: &str) -> bool {
        self.tables.values().all(|table| table.live(Some(namespace)) == 0)
    }

    /// The names of all tables that hold something in this namespace.
    pub(super) fn tables_in(&self, namespace: &str) -> Vec<TableName> {
        let full = self.tables.iter().filter(|(_, table)| table.live(Some(namespace)) > 0);
        full.map(|(name, _)| name.clone()).collect()
    }

    /// Writes the next state of an object, with its new revision. All checks were made before.
    ///
    /// # Errors
    /// `Invalid` where the tree is nested too deeply to be stored.
    pub(super) fn put(&mut self, table: &TableName, mut value: Value) -> ClusterResult<Arc<Object>> {
        let revision = self.revision + 1;
        let object = Arc::new(encode(&mut value, Some(revision))?);
        let key = key_of(&object);
        let old = self.get(table, &key).cloned();
        self.write(table, key, Some(object.clone()));
        self.record(Change { revision, table: table.clone(), old, new: object.clone(), removed: false });
        Ok(object)
    }

    /// Removes an object and gives its last state; `None` where there is none.
    pub(super) fn remove(&mut self, table: &TableName, key: &Key) -> Option<Arc<Object>> {
        let old = self.get(table, key).cloned()?;
        let revision = self.revision + 1;
        // What was stored can be stored again, so the fallback is never taken.
        let last = encode(&mut old.to_value(), Some(revision)).map_or_else(|_| old.clone(), Arc::new);
        self.write(table, key.clone(), None);
        self.record(Change { revision, table: table.clone(), old: Some(old), new: last.clone(), removed: true });
        Some(last)
    }

    /// The next change that the controllers have not seen.
    pub(super) fn next_pending(&mut self) -> Option<Change> {
        self.pending.pop_front()
    }

    /// The changes after `revision`, at most `limit`, and whether these are all.
    pub(super) fn changes_after(&self, revision: u64, limit: usize) -> (Vec<Change>, bool) {
        let start = self.log.partition_point(|change| change.revision <= revision);
        let changes: Vec<Change> = self.log.range(start..).take(limit).cloned().collect();
        let all = start + changes.len() == self.log.len();
        (changes, all)
    }

    /// Forgets all states that only revisions before `up_to` show.
    pub(super) fn compact(&mut self, up_to: u64) {
        let up_to = up_to.min(self.revision);
        self.compacted = self.compacted.max(up_to);
        while self.log.front().is_some_and(|change| change.revision <= self.compacted) {
            self.forget_oldest();
        }
    }

    /// Makes sure that a revision can be read at.
    ///
    /// # Errors
    /// `Expired` where it was compacted, `Timeout` where it has not happened.
    pub(super) fn check_readable(&self, revision: u64) -> ClusterResult<()> {
        if revision > self.revision {
            return Err(errors::too_large(revision, self.revision));
        }
        if revision < self.compacted {
            return Err(errors::expired("The resourceVersion for the provided list is too old."));
        }
        Ok(())
    }

    /// Makes sure that all that happened after a revision is still known.
    ///
    /// # Errors
    /// As [`State::check_readable`].
    pub(super) fn check_watchable(&self, revision: u64) -> ClusterResult<()> {
        if revision < self.compacted {
            return Err(errors::expired(&format!("too old resource version: {revision} ({})", self.compacted)));
        }
        self.check_readable(revision)
    }

    fn write(&mut self, table: &TableName, key: Key, object: Option<Arc<Object>>) {
        self.revision += 1;
        self.tables.entry(table.clone()).or_default().write(key, self.revision, object);
    }

    fn record(&mut self, change: Change) {
        self.indexes.follow(&change);
        self.pending.push_back(change.clone());
        self.log.push_back(change);
        if self.log.len() > self.history_max {
            self.compacted = self.compacted.max(self.log[0].revision);
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some(change) = self.log.pop_front() else { return };
        if let Some(table) = self.tables.get_mut(&change.table) {
            table.compact(&key_of(&change.new), self.compacted);
        }
    }
}

/// The object of a tree, at a revision. A dry run has none.
///
/// # Errors
/// `Invalid` where the tree is nested too deeply to be parsed again.
pub(super) fn encode(value: &mut Value, revision: Option<u64>) -> ClusterResult<Object> {
    if let Some(revision) = revision {
        tree::set(value, &["metadata", "resourceVersion"], Some(revision.to_string().into()));
    }
    Object::from_value(value).map_err(|error| errors::bad_request("the object cannot be stored").with_source(error))
}

impl Indexes {
    fn follow(&mut self, change: &Change) {
        let old = change.old.as_deref();
        let new = (!change.removed).then_some(&*change.new);
        let key = key_of(&change.new);
        if old.is_none_or(|old| new.is_none_or(|new| old.meta().owners != new.meta().owners)) {
            self.follow_owners(&change.table, &key, old, new);
        }
        match &*change.table {
            "services" => self.addresses.follow(old, new),
            "persistentvolumes" => self.follow_volume(old, new),
            "persistentvolumeclaims" => self.follow_claim(&key, old, new),
            _ => {}
        }
    }

    fn follow_owners(&mut self, table: &TableName, key: &Key, old: Option<&Object>, new: Option<&Object>) {
        for owner in old.into_iter().flat_map(|old| &old.meta().owners) {
            if let Some(owned) = self.owned.get_mut(&owner.uid) {
                owned.remove(&(table.clone(), key.clone()));
                if owned.is_empty() {
                    self.owned.remove(&owner.uid);
                }
            }
        }
        for owner in new.into_iter().flat_map(|new| &new.meta().owners) {
            self.owned.entry(owner.uid.clone()).or_default().insert((table.clone(), key.clone()));
        }
    }

    fn follow_volume(&mut self, old: Option<&Object>, new: Option<&Object>) {
        if let Some(claim) = old.and_then(claim_of) {
            self.reserved.remove(&claim);
        }
        if let Some((volume, claim)) = new.and_then(|new| Some((new.meta().name.clone(), claim_of(new)?))) {
            self.reserved.insert(claim, volume);
        }
    }

    fn follow_claim(&mut self, key: &Key, old: Option<&Object>, new: Option<&Object>) {
        let volume = |claim: &Object| tree::text(&claim.to_value(), &["spec", "volumeName"]).to_owned();
        if let Some(volume) = old.map(volume) {
            self.wanted.remove(&volume);
        }
        if let Some(volume) = new.map(volume).filter(|volume| !volume.is_empty()) {
            self.wanted.insert(volume, key.clone());
        }
    }
}

fn claim_of(volume: &Object) -> Option<Key> {
    let volume = volume.to_value();
    let name = tree::text(&volume, &["spec", "claimRef", "name"]);
    let namespace = tree::text(&volume, &["spec", "claimRef", "namespace"]);
    (!name.is_empty()).then(|| (namespace.to_owned(), name.to_owned()))
}
