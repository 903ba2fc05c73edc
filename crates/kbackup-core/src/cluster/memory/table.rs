//! The objects of one type, with every state they have been in since the last compaction.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use crate::model::Object;

/// Namespace (empty for an object of the cluster) and name.
pub(super) type Key = (String, String);

/// The key of an object.
pub(super) fn key_of(object: &Object) -> Key {
    (object.meta().namespace.clone().unwrap_or_default(), object.meta().name.clone())
}

/// All objects of one type.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: BTreeMap<Key, Vec<Version>>,
    /// How many objects there are now in each namespace.
    live: BTreeMap<String, usize>,
    /// The revision of the last write.
    changed: u64,
}

/// One state of one object: what a write made of it, `None` where it removed it.
#[derive(Debug)]
struct Version {
    revision: u64,
    object: Option<Arc<Object>>,
}

/// Which rows a page is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scan<'a> {
    /// The revision to read at.
    pub(super) revision: u64,
    /// Only this namespace.
    pub(super) namespace: Option<&'a str>,
    /// Only rows after this one.
    pub(super) after: Option<&'a Key>,
    /// At most so many objects.
    pub(super) limit: usize,
}

impl Table {
    /// The object as it is now.
    pub(super) fn newest(&self, key: &Key) -> Option<&Arc<Object>> {
        self.rows.get(key)?.last()?.object.as_ref()
    }

    /// Writes a state of an object; `None` removes it.
    pub(super) fn write(&mut self, key: Key, revision: u64, object: Option<Arc<Object>>) {
        let count = self.live.entry(key.0.clone()).or_default();
        let versions = self.rows.entry(key).or_default();
        let existed = versions.last().is_some_and(|version| version.object.is_some());
        match (existed, object.is_some()) {
            (false, true) => *count += 1,
            (true, false) => *count -= 1,
            _ => {}
        }
        versions.push(Version { revision, object });
        self.changed = revision;
    }

    /// Forgets the states of one object that nobody can ask for once `compacted` is the oldest revision.
    pub(super) fn compact(&mut self, key: &Key, compacted: u64) {
        let Some(versions) = self.rows.get_mut(key) else { return };
        let visible = versions.partition_point(|version| version.revision <= compacted).saturating_sub(1);
        versions.drain(..visible);
        if versions.len() == 1 && versions[0].revision <= compacted && versions[0].object.is_none() {
            self.rows.remove(key);
        }
    }

    /// How many objects there are now, in one namespace or in all.
    pub(super) fn live(&self, namespace: Option<&str>) -> usize {
        match namespace {
            Some(namespace) => self.live.get(namespace).copied().unwrap_or_default(),
            None => self.live.values().sum(),
        }
    }

    /// How many objects there were at `revision`. It costs nothing while the table has not changed since.
    pub(super) fn count(&self, revision: u64, namespace: Option<&str>) -> usize {
        if self.changed <= revision {
            return self.live(namespace);
        }
        let scan = Scan { revision, namespace, after: None, limit: usize::MAX };
        self.scan(scan).count()
    }

    /// The objects of a page that `keep` wants, and whether another one follows.
    pub(super) fn page(&self, scan: Scan<'_>, keep: impl Fn(&Object) -> bool) -> (Vec<Arc<Object>>, bool) {
        let mut page = Vec::new();
        for object in self.scan(scan).filter(|object| keep(object)) {
            if page.len() == scan.limit {
                return (page, true);
            }
            page.push(object.clone());
        }
        (page, false)
    }

    /// The keys of all objects that there are now in one namespace, or in all.
    pub(super) fn keys(&self, namespace: Option<&str>) -> Vec<Key> {
        let scan = Scan { revision: u64::MAX, namespace, after: None, limit: usize::MAX };
        self.scan(scan).map(|object| key_of(object)).collect()
    }

    fn scan<'a>(&'a self, scan: Scan<'a>) -> impl Iterator<Item = &'a Arc<Object>> + 'a {
        let start = match (scan.after, scan.namespace) {
            (Some(after), _) => Bound::Excluded(after.clone()),
            (None, Some(namespace)) => Bound::Included((namespace.to_owned(), String::new())),
            (None, None) => Bound::Unbounded,
        };
        self.rows
            .range((start, Bound::Unbounded))
            .take_while(move |((namespace, _), _)| scan.namespace.is_none_or(|wanted| wanted == namespace))
            .filter_map(move |(_, versions)| seen_at(versions, scan.revision))
    }
}

fn seen_at(versions: &[Version], revision: u64) -> Option<&Arc<Object>> {
    let newer = versions.partition_point(|version| version.revision <= revision);
    versions[..newer].last()?.object.as_ref()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(namespace: &str, name: &str) -> Arc<Object> {
        let value = json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": name, "namespace": namespace}});
        Arc::new(Object::from_value(&value).expect("an object"))
    }

    fn names(table: &Table, revision: u64, namespace: Option<&str>) -> Vec<String> {
        let scan = Scan { revision, namespace, after: None, limit: usize::MAX };
        let names: Vec<String> = table.page(scan, |_| true).0.iter().map(|object| object.meta().name.clone()).collect();
        assert_eq!(table.count(revision, namespace), names.len(), "the count agrees with the list");
        names
    }

    fn sample() -> Table {
        let mut table = Table::default();
        for (revision, namespace, name, there) in
            [(1, "a", "x", true), (2, "b", "y", true), (3, "a", "x", false), (4, "a", "z", true), (5, "a", "x", true)]
        {
            let key = (namespace.to_owned(), name.to_owned());
            table.write(key, revision, there.then(|| object(namespace, name)));
        }
        table
    }

    #[test]
    fn every_revision_shows_its_own_state() {
        let table = sample();
        assert_eq!(names(&table, 0, None), [""; 0]);
        assert_eq!(names(&table, 1, None), ["x"]);
        assert_eq!(names(&table, 2, None), ["x", "y"]);
        assert_eq!(names(&table, 3, None), ["y"]);
        assert_eq!(names(&table, 5, None), ["x", "z", "y"]);
        assert_eq!(names(&table, 5, Some("a")), ["x", "z"]);
        assert_eq!(names(&table, 5, Some("c")), [""; 0]);
    }

    #[test]
    fn compaction_keeps_what_can_still_be_asked_for() {
        let mut table = sample();
        table.compact(&("a".to_owned(), "x".to_owned()), 3);
        assert_eq!(names(&table, 3, None), ["y"]);
        assert_eq!(names(&table, 5, None), ["x", "z", "y"]);
        table.write(("b".to_owned(), "y".to_owned()), 6, None);
        table.compact(&("b".to_owned(), "y".to_owned()), 6);
        assert_eq!(table.rows.len(), 2, "a removed object leaves nothing behind");
    }

    #[test]
    fn a_page_says_whether_more_follows() {
        let table = sample();
        let first = table.page(Scan { revision: 5, namespace: None, after: None, limit: 2 }, |_| true);
        assert!(first.1);
        let after = key_of(&first.0[1]);
        let rest = table.page(Scan { revision: 5, namespace: None, after: Some(&after), limit: 2 }, |_| true);
        assert_eq!((rest.0.len(), rest.1), (1, false));
    }
}
