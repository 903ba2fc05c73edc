//! A part of a store as a store.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt};

use crate::model::Lock;
use crate::store::{
    Capabilities, Children, Download, Key, KeyError, ObjectStore, Prefix, PutMode, StoreError, StoreErrorKind,
    StoreResult, Stored, Upload,
};

/// What stands below a prefix of another store, as a store of its own: nothing outside of it can be seen or reached.
#[derive(Debug, Clone)]
pub struct PrefixStore {
    inner: Arc<dyn ObjectStore>,
    prefix: Prefix,
}

impl PrefixStore {
    /// What stands below `prefix` of `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>, prefix: Prefix) -> Self {
        Self { inner, prefix }
    }

    fn outer_key(&self, key: &Key) -> StoreResult<Key> {
        self.prefix.key(key.as_str()).map_err(|error| self.unfit(error))
    }

    fn outer_prefix(&self, prefix: &Prefix) -> StoreResult<Prefix> {
        if prefix.is_empty() {
            return Ok(self.prefix.clone());
        }
        self.prefix.child(prefix.as_str()).map_err(|error| self.unfit(error))
    }

    fn unfit(&self, error: KeyError) -> StoreError {
        StoreError::new(StoreErrorKind::Invalid, format!("{self} cannot hold it")).with_source(error)
    }

    fn inner_stored(&self, mut stored: Stored) -> StoreResult<Stored> {
        stored.key = stored.key.relative_to(&self.prefix).ok_or_else(|| self.stray(stored.key.as_str()))?;
        Ok(stored)
    }

    fn stray(&self, name: &str) -> StoreError {
        StoreError::new(
            StoreErrorKind::Corrupt,
            format!("{} gave {name}, which is not below {}", self.inner, self.prefix),
        )
    }
}

impl fmt::Display for PrefixStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner.to_string();
        let slash = if inner.ends_with('/') { "" } else { "/" };
        write!(f, "{inner}{slash}{}", self.prefix)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for PrefixStore {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn put(&self, key: &Key, body: Bytes, mode: PutMode) -> StoreResult<Stored> {
        self.inner_stored(self.inner.put(&self.outer_key(key)?, body, mode).await?)
    }

    async fn upload(&self, key: &Key, mode: PutMode) -> StoreResult<Box<dyn Upload>> {
        let inner = self.inner.upload(&self.outer_key(key)?, mode).await?;
        Ok(Box::new(PrefixUpload { inner, store: self.clone() }))
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Download> {
        let download = self.inner.get(&self.outer_key(key)?, range).await?;
        Ok(Download { stored: self.inner_stored(download.stored)?, ..download })
    }

    async fn head(&self, key: &Key) -> StoreResult<Stored> {
        self.inner_stored(self.inner.head(&self.outer_key(key)?).await?)
    }

    fn list(&self, prefix: &Prefix) -> BoxStream<'_, StoreResult<Stored>> {
        match self.outer_prefix(prefix) {
            Ok(prefix) => self.inner.list(&prefix).map(|stored| self.inner_stored(stored?)).boxed(),
            Err(error) => futures::stream::iter([Err(error)]).boxed(),
        }
    }

    async fn list_children(&self, prefix: &Prefix) -> StoreResult<Children> {
        let children = self.inner.list_children(&self.outer_prefix(prefix)?).await?;
        let inner_prefix = |prefix: Prefix| prefix.relative_to(&self.prefix).ok_or_else(|| self.stray(prefix.as_str()));
        Ok(Children {
            objects: children.objects.into_iter().map(|stored| self.inner_stored(stored)).collect::<Result<_, _>>()?,
            prefixes: children.prefixes.into_iter().map(inner_prefix).collect::<Result<_, _>>()?,
        })
    }

    async fn delete(&self, keys: &[Key]) -> StoreResult<()> {
        let keys = keys.iter().map(|key| self.outer_key(key)).collect::<Result<Vec<_>, _>>()?;
        self.inner.delete(&keys).await
    }

    async fn locked(&self, lock: Lock) -> StoreResult<Arc<dyn ObjectStore>> {
        Ok(Arc::new(Self { inner: self.inner.locked(lock).await?, ..self.clone() }))
    }
}

struct PrefixUpload {
    inner: Box<dyn Upload>,
    store: PrefixStore,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Upload for PrefixUpload {
    async fn write(&mut self, piece: Bytes) -> StoreResult<()> {
        self.inner.write(piece).await
    }

    async fn complete(&mut self) -> StoreResult<Stored> {
        self.store.inner_stored(self.inner.complete().await?)
    }

    async fn abort(&mut self) -> StoreResult<()> {
        self.inner.abort().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{MemoryStore, ObjectStoreExt};

    fn store(prefix: &str) -> (MemoryStore, PrefixStore) {
        let memory = MemoryStore::new();
        (memory.clone(), PrefixStore::new(Arc::new(memory), prefix.parse().expect("a prefix")))
    }

    #[tokio::test]
    async fn a_part_keeps_the_contract() {
        for prefix in ["", "a", "a/b c"] {
            crate::conformance::store::all(Arc::new(store(prefix).1)).await;
        }
    }

    #[tokio::test]
    async fn nothing_outside_is_seen() {
        let (memory, store) = store("mine");
        for key in ["mine/a", "mine-2/b", "theirs/c"] {
            memory.put(&key.parse().expect("a key"), key.into(), PutMode::Create).await.expect("the key is free");
        }
        let listed: Vec<_> = store.list(&Prefix::root()).collect().await;
        assert_eq!(listed.len(), 1);
        assert_eq!(store.get_bytes(&"a".parse().expect("a key"), 100).await.expect("it is below"), "mine/a");
        assert_eq!(store.to_string(), "memory://mine");
    }

    #[tokio::test]
    async fn a_key_that_grows_too_long_is_invalid() {
        let (_, store) = store("a-prefix");
        let key: Key = "k".repeat(1_020).parse().expect("a key");
        assert_eq!(store.head(&key).await.expect_err("it is too long").kind(), StoreErrorKind::Invalid);
    }
}
