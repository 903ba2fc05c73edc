//! A store that only reads.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::model::Lock;
use crate::store::{
    Capabilities, Children, Download, Key, ObjectStore, Prefix, PutMode, StoreError, StoreErrorKind, StoreResult,
    Stored, Upload,
};

/// Another store without its writes: each is refused as `PermissionDenied` before it reaches that store, and
/// [`Capabilities::writable`] says so beforehand.
#[derive(Debug, Clone)]
pub struct ReadOnlyStore {
    inner: Arc<dyn ObjectStore>,
}

impl ReadOnlyStore {
    /// `inner`, without its writes.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner }
    }

    fn refused<T>(&self, what: &str) -> StoreResult<T> {
        Err(StoreError::new(
            StoreErrorKind::PermissionDenied,
            format!("cannot {what} in {self}: it was opened read-only; open it read-write to change it"),
        ))
    }
}

impl fmt::Display for ReadOnlyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for ReadOnlyStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities { writable: false, ..self.inner.capabilities() }
    }

    async fn put(&self, key: &Key, _body: Bytes, _mode: PutMode) -> StoreResult<Stored> {
        self.refused(&format!("write {key}"))
    }

    async fn upload(&self, key: &Key, _mode: PutMode) -> StoreResult<Box<dyn Upload>> {
        self.refused(&format!("write {key}"))
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Download> {
        self.inner.get(key, range).await
    }

    async fn head(&self, key: &Key) -> StoreResult<Stored> {
        self.inner.head(key).await
    }

    fn list(&self, prefix: &Prefix) -> BoxStream<'_, StoreResult<Stored>> {
        self.inner.list(prefix)
    }

    async fn list_children(&self, prefix: &Prefix) -> StoreResult<Children> {
        self.inner.list_children(prefix).await
    }

    async fn delete(&self, keys: &[Key]) -> StoreResult<()> {
        match keys {
            [] => Ok(()),
            [key] => self.refused(&format!("delete {key}")),
            [first, rest @ ..] => self.refused(&format!("delete {first} and {} others", rest.len())),
        }
    }

    async fn locked(&self, _lock: Lock) -> StoreResult<Arc<dyn ObjectStore>> {
        self.refused("lock anything")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{MemoryStore, ObjectStoreExt};

    #[tokio::test]
    async fn only_writes_are_refused() {
        let memory = MemoryStore::new();
        let key: Key = "folder/object".parse().expect("a key");
        memory.put(&key, "content".into(), PutMode::Create).await.expect("the key is free");
        let store = ReadOnlyStore::new(Arc::new(memory));
        assert_eq!(store.get_bytes(&key, 100).await.expect("it can be read"), "content");
        assert_eq!(store.head(&key).await.expect("it can be described").size, 7);
        assert_eq!(store.list_children(&Prefix::root()).await.expect("children").prefixes.len(), 1);
        let error = store.put(&key, "x".into(), PutMode::Overwrite).await.expect_err("it is read-only");
        assert_eq!(
            error.to_string(),
            "cannot write folder/object in memory://: it was opened read-only; open it read-write to change it"
        );
        crate::conformance::store::writes_are_refused(Arc::new(store), &key).await;
    }
}
