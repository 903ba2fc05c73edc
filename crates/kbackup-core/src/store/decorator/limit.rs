//! A store that is asked a bounded number of things at a time.

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, Stream, StreamExt};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::model::Lock;
use crate::store::{Capabilities, Children, Download, Key, ObjectStore, Prefix, PutMode, StoreResult, Stored, Upload};

/// Another store, with at most so many requests in flight; the others wait their turn, first come, first served.
///
/// A body, a list or an upload counts while a piece of it is awaited, not while it is merely open: whoever copies from
/// one object to another cannot wait for himself, even with a limit of one.
#[derive(Debug, Clone)]
pub struct LimitStore {
    inner: Arc<dyn ObjectStore>,
    requests: Arc<Semaphore>,
}

impl LimitStore {
    /// `inner`, with at most `requests_max` requests in flight.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>, requests_max: NonZeroUsize) -> Self {
        let permits = requests_max.get().min(Semaphore::MAX_PERMITS);
        Self { inner, requests: Arc::new(Semaphore::new(permits)) }
    }
}

/// Waits for a turn. The semaphore is never closed, so that there always comes one.
async fn turn(requests: &Semaphore) -> Option<SemaphorePermit<'_>> {
    requests.acquire().await.ok()
}

/// The same stream, each of whose items waits for a turn.
fn in_turns<'a, S>(stream: S, requests: Arc<Semaphore>) -> BoxStream<'a, S::Item>
where
    S: Stream + Send + Unpin + 'a,
    S::Item: Send,
{
    stream::unfold((stream, requests), |(mut stream, requests)| async move {
        let turn = turn(&requests).await;
        let item = stream.next().await?;
        drop(turn);
        Some((item, (stream, requests)))
    })
    .boxed()
}

impl fmt::Display for LimitStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for LimitStore {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn put(&self, key: &Key, body: Bytes, mode: PutMode) -> StoreResult<Stored> {
        let _turn = turn(&self.requests).await;
        self.inner.put(key, body, mode).await
    }

    async fn upload(&self, key: &Key, mode: PutMode) -> StoreResult<Box<dyn Upload>> {
        let _turn = turn(&self.requests).await;
        let inner = self.inner.upload(key, mode).await?;
        Ok(Box::new(LimitUpload { inner, requests: Arc::clone(&self.requests) }))
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Download> {
        let _turn = turn(&self.requests).await;
        let download = self.inner.get(key, range).await?;
        Ok(Download { body: in_turns(download.body, Arc::clone(&self.requests)), ..download })
    }

    async fn head(&self, key: &Key) -> StoreResult<Stored> {
        let _turn = turn(&self.requests).await;
        self.inner.head(key).await
    }

    fn list(&self, prefix: &Prefix) -> BoxStream<'_, StoreResult<Stored>> {
        in_turns(self.inner.list(prefix), Arc::clone(&self.requests))
    }

    async fn list_children(&self, prefix: &Prefix) -> StoreResult<Children> {
        let _turn = turn(&self.requests).await;
        self.inner.list_children(prefix).await
    }

    async fn delete(&self, keys: &[Key]) -> StoreResult<()> {
        let _turn = turn(&self.requests).await;
        self.inner.delete(keys).await
    }

    async fn locked(&self, lock: Lock) -> StoreResult<Arc<dyn ObjectStore>> {
        Ok(Arc::new(Self { inner: self.inner.locked(lock).await?, ..self.clone() }))
    }
}

struct LimitUpload {
    inner: Box<dyn Upload>,
    requests: Arc<Semaphore>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Upload for LimitUpload {
    async fn write(&mut self, piece: Bytes) -> StoreResult<()> {
        let _turn = turn(&self.requests).await;
        self.inner.write(piece).await
    }

    async fn complete(&mut self) -> StoreResult<Stored> {
        let _turn = turn(&self.requests).await;
        self.inner.complete().await
    }

    async fn abort(&mut self) -> StoreResult<()> {
        let _turn = turn(&self.requests).await;
        self.inner.abort().await
    }
}

#[cfg(test)]
mod tests;
