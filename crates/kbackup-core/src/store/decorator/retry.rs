//! A store that tries again.

mod body;
mod list;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use super::RetryPolicy;
use crate::clock::Clock;
use crate::model::Lock;
use crate::store::{
    Capabilities, Children, Download, Key, ObjectStore, ObjectStoreExt, Prefix, PutMode, StoreError, StoreErrorKind,
    StoreResult, Stored, Upload,
};

/// Another store, whose operations are tried again where that can help ([`StoreError::is_retryable`]).
///
/// - Everything is tried again as a whole, but for what has a middle: a body that breaks is resumed where it broke,
///   as long as the object is the same (by size and time); a list that breaks is begun again and goes on behind the
///   last key that was given; of an upload, each piece. A body or a list that made progress has all attempts again.
/// - A `Create` whose answer was lost finds the key taken by itself: then the bytes are compared. Writers who race for
///   a key must therefore write different bytes (a run's id, say). The same goes for any write to a store that locks.
/// - It never waits for good: see [`RetryPolicy`].
#[derive(Debug, Clone)]
pub struct RetryStore {
    inner: Arc<dyn ObjectStore>,
    policy: RetryPolicy,
    clock: Arc<dyn Clock>,
    draws: Arc<AtomicU64>,
}

impl RetryStore {
    /// `inner`, tried again by `policy`, waiting on `clock`.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>, policy: RetryPolicy, clock: Arc<dyn Clock>) -> Self {
        Self { inner, policy, clock, draws: Arc::default() }
    }

    fn attempts(&self) -> Attempts {
        Attempts { store: self.clone(), failures: 0 }
    }

    /// Makes a call until it succeeds, or fails for good.
    async fn retry<T, F>(&self, mut call: impl FnMut() -> F) -> StoreResult<T>
    where
        F: Future<Output = StoreResult<T>>,
    {
        let mut attempts = self.attempts();
        loop {
            match call().await {
                Ok(answer) => return Ok(answer),
                Err(error) => attempts.failed(error).await?,
            }
        }
    }

    async fn write(&self, key: &Key, body: Bytes, mode: PutMode) -> StoreResult<Stored> {
        // A store that holds what it was given in a lost attempt takes it no second time.
        let held = match mode {
            PutMode::Create => StoreErrorKind::AlreadyExists,
            PutMode::Overwrite => StoreErrorKind::PermissionDenied,
        };
        let mut attempts = self.attempts();
        loop {
            match self.inner.put(key, body.clone(), mode).await {
                Ok(stored) => return Ok(stored),
                Err(error) if error.kind() == held && attempts.failures > 0 => {
                    return self.own(key, &body, error).await;
                }
                Err(error) => attempts.failed(error).await?,
            }
        }
    }

    /// The object at `key` where it has these bytes, because an earlier attempt wrote it; otherwise the error.
    async fn own(&self, key: &Key, body: &Bytes, taken: StoreError) -> StoreResult<Stored> {
        match self.head(key).await {
            Ok(stored) if stored.size == body.len() as u64 => {
                let found = self.get_bytes(key, stored.size).await?;
                if found == *body { Ok(stored) } else { Err(taken) }
            }
            Err(error) if error.kind() != StoreErrorKind::NotFound => Err(error),
            _ => Err(taken),
        }
    }
}

/// How often something failed so far, one time after the other.
#[derive(Debug)]
struct Attempts {
    store: RetryStore,
    failures: u32,
}

impl Attempts {
    /// Waits until the next attempt, or gives the error back where there is none.
    async fn failed(&mut self, error: StoreError) -> StoreResult<()> {
        self.failures += 1;
        let RetryStore { policy, clock, draws, .. } = &self.store;
        if !error.is_retryable() || self.failures >= policy.attempts_max {
            return Err(error);
        }
        let draw = policy.draw(draws.fetch_add(1, Ordering::Relaxed));
        clock.sleep(policy.delay(self.failures, error.retry_after(), draw)).await;
        Ok(())
    }

    /// Something went well: the next failure is the first again.
    fn progressed(&mut self) {
        self.failures = 0;
    }
}

impl fmt::Display for RetryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for RetryStore {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn put(&self, key: &Key, body: Bytes, mode: PutMode) -> StoreResult<Stored> {
        self.write(key, body, mode).await
    }

    async fn upload(&self, key: &Key, mode: PutMode) -> StoreResult<Box<dyn Upload>> {
        let inner = self.retry(|| self.inner.upload(key, mode)).await?;
        Ok(Box::new(RetryUpload { inner, store: self.clone() }))
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Download> {
        let download = self.retry(|| self.inner.get(key, range.clone())).await?;
        Ok(body::resuming(download, self))
    }

    async fn head(&self, key: &Key) -> StoreResult<Stored> {
        self.retry(|| self.inner.head(key)).await
    }

    fn list(&self, prefix: &Prefix) -> BoxStream<'_, StoreResult<Stored>> {
        list::resuming(self, prefix)
    }

    async fn list_children(&self, prefix: &Prefix) -> StoreResult<Children> {
        self.retry(|| self.inner.list_children(prefix)).await
    }

    async fn delete(&self, keys: &[Key]) -> StoreResult<()> {
        self.retry(|| self.inner.delete(keys)).await
    }

    async fn locked(&self, lock: Lock) -> StoreResult<Arc<dyn ObjectStore>> {
        let inner = self.retry(|| self.inner.locked(lock)).await?;
        Ok(Arc::new(Self { inner, ..self.clone() }))
    }
}

struct RetryUpload {
    inner: Box<dyn Upload>,
    store: RetryStore,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Upload for RetryUpload {
    async fn write(&mut self, piece: Bytes) -> StoreResult<()> {
        let mut attempts = self.store.attempts();
        while let Err(error) = self.inner.write(piece.clone()).await {
            attempts.failed(error).await?;
        }
        Ok(())
    }

    async fn complete(&mut self) -> StoreResult<Stored> {
        let mut attempts = self.store.attempts();
        loop {
            match self.inner.complete().await {
                Ok(stored) => return Ok(stored),
                Err(error) => attempts.failed(error).await?,
            }
        }
    }

    async fn abort(&mut self) -> StoreResult<()> {
        let mut attempts = self.store.attempts();
        while let Err(error) = self.inner.abort().await {
            attempts.failed(error).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
