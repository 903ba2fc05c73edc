//! A store that stands still for ever at its n-th operation, so that the process can be killed at every point of a backup.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use kbackup_core::store::{
    Capabilities, Children, Download, Key, ObjectStore, Prefix, PutMode, StoreResult, Stored, Upload,
};

/// Tells somebody outside that the store stands still.
pub type Announce = fn();

/// Counts the operations of a backup, and stands still at one of them: each operation has two points, right before it and
/// right after it has taken effect.
#[derive(Debug, Clone)]
pub struct StoppingStore {
    inner: Arc<dyn ObjectStore>,
    points: Arc<Points>,
}

#[derive(Debug)]
struct Points {
    passed: AtomicUsize,
    stop_at: Option<usize>,
    announce: Announce,
}

impl StoppingStore {
    /// `inner`, until its point number `stop_at`, counted from 0; `None`: to the end.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>, stop_at: Option<usize>, announce: Announce) -> Self {
        Self { inner, points: Arc::new(Points { passed: AtomicUsize::new(0), stop_at, announce }) }
    }

    /// How many points were passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.points.passed.load(Ordering::Acquire)
    }
}

impl Points {
    async fn around<T>(&self, operation: impl Future<Output = T>) -> T {
        self.pass().await;
        let result = operation.await;
        self.pass().await;
        result
    }

    async fn pass(&self) {
        let number = self.passed.fetch_add(1, Ordering::AcqRel);
        if Some(number) == self.stop_at {
            (self.announce)();
        }
        // Whatever else is going on must not get past this point either.
        if self.stop_at.is_some_and(|stop| number >= stop) {
            std::future::pending::<()>().await;
        }
    }
}

impl fmt::Display for StoppingStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for StoppingStore {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn put(&self, key: &Key, body: Bytes, mode: PutMode) -> StoreResult<Stored> {
        self.points.around(self.inner.put(key, body, mode)).await
    }

    async fn upload(&self, key: &Key, mode: PutMode) -> StoreResult<Box<dyn Upload>> {
        let inner = self.points.around(self.inner.upload(key, mode)).await?;
        Ok(Box::new(StoppingUpload { inner, points: Arc::clone(&self.points) }))
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Download> {
        self.points.around(self.inner.get(key, range)).await
    }

    async fn head(&self, key: &Key) -> StoreResult<Stored> {
        self.points.around(self.inner.head(key)).await
    }

    fn list(&self, prefix: &Prefix) -> BoxStream<'_, StoreResult<Stored>> {
        self.inner.list(prefix)
    }

    async fn list_children(&self, prefix: &Prefix) -> StoreResult<Children> {
        self.points.around(self.inner.list_children(prefix)).await
    }

    async fn delete(&self, keys: &[Key]) -> StoreResult<()> {
        self.points.around(self.inner.delete(keys)).await
    }
}

struct StoppingUpload {
    inner: Box<dyn Upload>,
    points: Arc<Points>,
}

#[async_trait]
impl Upload for StoppingUpload {
    async fn write(&mut self, piece: Bytes) -> StoreResult<()> {
        self.points.around(self.inner.write(piece)).await
    }

    async fn complete(&mut self) -> StoreResult<Stored> {
        self.points.around(self.inner.complete()).await
    }

    async fn abort(&mut self) -> StoreResult<()> {
        self.points.around(self.inner.abort()).await
    }
}
