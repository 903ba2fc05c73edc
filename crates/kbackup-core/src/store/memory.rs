//! An object store in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Bound, Range};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, StreamExt};
use jiff::Timestamp;

use super::{
    Capabilities, Children, Download, Key, ObjectStore, Prefix, PutMode, StoreError, StoreErrorKind, StoreResult,
    Stored, Upload,
};
use crate::clock::{Clock, SystemClock};
use crate::model::Lock;

/// An object store in memory: for tests, demos and tools that want a backup for a moment only.
///
/// Clones share one content. Everything is gone with the last clone. `Display` is `memory://` and its name.
///
/// ```
/// use kbackup_core::store::{MemoryStore, ObjectStore, ObjectStoreExt, PutMode};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let store = MemoryStore::new();
/// let key = "notes/hello.txt".parse().unwrap();
/// store.put(&key, "hello".into(), PutMode::Create).await?;
/// assert_eq!(store.clone().get_bytes(&key, 1_024).await?, "hello");
/// # Ok::<(), kbackup_core::store::StoreError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    name: String,
    clock: Arc<dyn Clock>,
    /// What is written through this clone is held like this.
    lock: Option<Lock>,
    objects: Arc<Mutex<BTreeMap<Key, Entry>>>,
}

#[derive(Clone)]
struct Entry {
    body: Bytes,
    modified: Timestamp,
    lock: Option<Lock>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::named("")
    }

    /// An empty store whose `Display` is `memory://name`.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), clock: Arc::new(SystemClock), lock: None, objects: Arc::default() }
    }

    /// The same store, taking the time of writes from `clock`.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    fn objects(&self) -> MutexGuard<'_, BTreeMap<Key, Entry>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, key: &Key, body: Bytes, mode: PutMode) -> StoreResult<Stored> {
        let mut objects = self.objects();
        if mode == PutMode::Create && objects.contains_key(key) {
            return Err(StoreError::new(StoreErrorKind::AlreadyExists, format!("{key} exists already in {self}")));
        }
        self.refuse_locked(&objects, key)?;
        let entry = Entry { body, modified: self.clock.now(), lock: self.lock };
        let stored = entry.stored(key);
        objects.insert(key.clone(), entry);
        Ok(stored)
    }

    fn refuse_locked(&self, objects: &BTreeMap<Key, Entry>, key: &Key) -> StoreResult<()> {
        match objects.get(key).and_then(|entry| entry.lock) {
            Some(lock) if lock.holds_at(self.clock.now()) => Err(StoreError::new(
                StoreErrorKind::PermissionDenied,
                format!("{key} in {self} is locked until {}", lock.until),
            )),
            _ => Ok(()),
        }
    }

    fn read(&self, key: &Key) -> StoreResult<Entry> {
        let missing = || StoreError::new(StoreErrorKind::NotFound, format!("there is no {key} in {self}"));
        self.objects().get(key).cloned().ok_or_else(missing)
    }

    /// The first object at or behind `from` whose key begins with `text`.
    fn next(&self, from: Bound<&str>, text: &str) -> Option<Stored> {
        let objects = self.objects();
        let (key, entry) = objects.range::<str, _>((from, Bound::Unbounded)).next()?;
        key.as_str().starts_with(text).then(|| entry.stored(key))
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "memory://{}", self.name)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore({self}, {} objects)", self.objects().len())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for MemoryStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    async fn put(&self, key: &Key, body: Bytes, mode: PutMode) -> StoreResult<Stored> {
        self.write(key, body, mode)
    }

    async fn upload(&self, key: &Key, mode: PutMode) -> StoreResult<Box<dyn Upload>> {
        Ok(Box::new(MemoryUpload {
            store: self.clone(),
            key: key.clone(),
            mode,
            body: Some(BytesMut::new()),
            completed: None,
        }))
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Download> {
        let entry = self.read(key)?;
        let stored = entry.stored(key);
        let range = stored.clip(range)?;
        // The bytes are in memory, so their number fits in usize.
        let body = entry.body.slice(range.start as usize..range.end as usize);
        Ok(Download { stored, range, body: stream::once(async { Ok(body) }).boxed() })
    }

    async fn head(&self, key: &Key) -> StoreResult<Stored> {
        Ok(self.read(key)?.stored(key))
    }

    fn list(&self, prefix: &Prefix) -> BoxStream<'_, StoreResult<Stored>> {
        let text = beginning(prefix);
        stream::unfold(None::<Key>, move |last| {
            let from = last.as_ref().map_or(Bound::Included(text.as_str()), |key| Bound::Excluded(key.as_str()));
            let next = self.next(from, &text);
            async { next.map(|stored| (Ok(stored.clone()), Some(stored.key))) }
        })
        .boxed()
    }

    async fn list_children(&self, prefix: &Prefix) -> StoreResult<Children> {
        let text = beginning(prefix);
        let mut children = Children::default();
        let mut from = Bound::Included(text.clone());
        while let Some(stored) = self.next(from.as_ref().map(String::as_str), &text) {
            let rest = &stored.key.as_str()[text.len()..];
            if let Some((segment, _)) = rest.split_once('/') {
                // "0" is the character behind "/": the first key that is not below this child.
                from = Bound::Included(format!("{text}{segment}0"));
                children.prefixes.push(prefix.child(segment).map_err(|error| {
                    StoreError::new(StoreErrorKind::Invalid, format!("{self} cannot be listed")).with_source(error)
                })?);
            } else {
                from = Bound::Excluded(stored.key.as_str().to_owned());
                children.objects.push(stored);
            }
        }
        // Among keys, "a-b/x" stands before "a/x"; among prefixes, "a" before "a-b".
        children.prefixes.sort_unstable();
        Ok(children)
    }

    async fn delete(&self, keys: &[Key]) -> StoreResult<()> {
        let mut objects = self.objects();
        for key in keys {
            self.refuse_locked(&objects, key)?;
            objects.remove(key);
        }
        Ok(())
    }

    async fn locked(&self, lock: Lock) -> StoreResult<Arc<dyn ObjectStore>> {
        Ok(Arc::new(Self { lock: Some(lock), ..self.clone() }))
    }
}

impl Entry {
    fn stored(&self, key: &Key) -> Stored {
        Stored { key: key.clone(), size: self.body.len() as u64, modified: self.modified }
    }
}

/// The text that every key below `prefix` begins with.
fn beginning(prefix: &Prefix) -> String {
    if prefix.is_empty() { String::new() } else { format!("{prefix}/") }
}

struct MemoryUpload {
    store: MemoryStore,
    key: Key,
    mode: PutMode,
    /// Nothing after an abort.
    body: Option<BytesMut>,
    completed: Option<Stored>,
}

impl MemoryUpload {
    fn body(&mut self) -> StoreResult<&mut BytesMut> {
        let aborted = || StoreError::new(StoreErrorKind::Invalid, format!("the upload of {} was aborted", self.key));
        self.body.as_mut().ok_or_else(aborted)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Upload for MemoryUpload {
    async fn write(&mut self, piece: Bytes) -> StoreResult<()> {
        self.body()?.extend_from_slice(&piece);
        Ok(())
    }

    async fn complete(&mut self) -> StoreResult<Stored> {
        if let Some(stored) = &self.completed {
            return Ok(stored.clone());
        }
        let stored = {
            let body = self.body()?.split().freeze();
            self.store.write(&self.key, body, self.mode)?
        };
        Ok(self.completed.insert(stored).clone())
    }

    async fn abort(&mut self) -> StoreResult<()> {
        self.body = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::model::LockMode;

    #[tokio::test]
    async fn memory_keeps_the_contract() {
        crate::conformance::store::all(Arc::new(MemoryStore::new())).await;
        crate::conformance::store::heavy(Arc::new(MemoryStore::new())).await;
    }

    #[tokio::test]
    async fn what_is_locked_stays_until_its_time() {
        let clock = Arc::new(ManualClock::at("2026-11-25T00:00:00Z".parse().expect("a time")));
        let store = MemoryStore::new().with_clock(clock.clone());
        let lock = Lock { mode: LockMode::Compliance, until: "2026-11-26T00:00:00Z".parse().expect("a time") };
        let key: Key = "a".parse().expect("a key");
        store.locked(lock).await.expect("memory can").put(&key, "x".into(), PutMode::Create).await.expect("it is free");
        for refused in [
            store.delete(std::slice::from_ref(&key)).await,
            store.put(&key, "y".into(), PutMode::Overwrite).await.map(|_| ()),
        ] {
            let error = refused.expect_err("it is locked");
            assert_eq!(error.kind(), StoreErrorKind::PermissionDenied);
            assert!(error.to_string().contains("locked until 2026-11-26T00:00:00Z"), "{error}");
        }
        clock.advance(std::time::Duration::from_secs(86_400));
        store.delete(&[key]).await.expect("its time has come");
    }

    #[tokio::test]
    async fn debug_prints_no_content() {
        let store = MemoryStore::named("x");
        store.put(&"a".parse().expect("a key"), "secret".into(), PutMode::Create).await.expect("the key is free");
        assert_eq!(format!("{store:?}"), "MemoryStore(memory://x, 1 objects)");
    }
}
