//! A store that fails on purpose.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};

use super::failures::{Failures, Fault, Operation, Tally};
use crate::model::Lock;
use crate::store::{
    Capabilities, Children, Download, Key, ObjectStore, Prefix, PutMode, StoreError, StoreResult, Stored, Upload,
};

/// Another store whose operations fail by a plan: for tests of what is left behind by a crash at any moment.
///
/// It counts operations, so that a test can fail at the first, the second and so on, until the work needs no more.
///
/// ```
/// use std::sync::Arc;
/// use kbackup_core::store::{Failures, FlakyStore, MemoryStore, ObjectStore, PutMode};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// for n in 1.. {
///     let store = FlakyStore::new(Arc::new(MemoryStore::new()), Failures::from_nth(n));
///     let first = store.put(&"a".parse().unwrap(), "1".into(), PutMode::Create).await;
///     let second = store.put(&"b".parse().unwrap(), "2".into(), PutMode::Create).await;
///     assert_eq!((first.is_ok(), second.is_ok()), (n > 1, n > 2));
///     if store.failures() == 0 {
///         break; // The work has two operations, and has met a failure at each.
///     }
/// }
/// # });
/// ```
#[derive(Debug, Clone)]
pub struct FlakyStore {
    inner: Arc<dyn ObjectStore>,
    tally: Arc<Tally>,
}

impl FlakyStore {
    /// `inner`, failing as planned. Clones share the count.
    #[must_use]
    pub fn new(inner: Arc<dyn ObjectStore>, plan: Failures) -> Self {
        Self { inner, tally: Arc::new(Tally::new(plan)) }
    }

    /// How many operations were begun of those that the plan is about.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.tally.operations()
    }

    /// How many of them were made to fail.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.tally.failures()
    }

    fn next(&self, operation: Operation, name: &str) -> Fault {
        self.tally.next(operation, name)
    }
}

impl fmt::Display for FlakyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for FlakyStore {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn put(&self, key: &Key, body: Bytes, mode: PutMode) -> StoreResult<Stored> {
        let fault = self.next(Operation::Put, key.as_str()).before()?;
        fault.after(self.inner.put(key, body, mode).await?)
    }

    async fn upload(&self, key: &Key, mode: PutMode) -> StoreResult<Box<dyn Upload>> {
        let fault = self.next(Operation::Upload, key.as_str()).before()?;
        let inner = fault.after(self.inner.upload(key, mode).await?)?;
        Ok(Box::new(FlakyUpload { inner, tally: Arc::clone(&self.tally), key: key.clone() }))
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Download> {
        let fault = self.next(Operation::Get, key.as_str()).before()?;
        let download = self.inner.get(key, range).await?;
        let Some(error) = fault.into_error() else { return Ok(download) };
        let half = (download.range.end - download.range.start).div_ceil(2);
        Ok(Download { body: cut(download.body, half, error), ..download })
    }

    async fn head(&self, key: &Key) -> StoreResult<Stored> {
        let fault = self.next(Operation::Head, key.as_str()).before()?;
        fault.after(self.inner.head(key).await?)
    }

    fn list(&self, prefix: &Prefix) -> BoxStream<'_, StoreResult<Stored>> {
        match self.next(Operation::List, prefix.as_str()).before() {
            Err(error) => stream::iter([Err(error)]).boxed(),
            Ok(fault) => match fault.into_error() {
                None => self.inner.list(prefix),
                Some(error) => self.inner.list(prefix).take(1).chain(stream::iter([Err(error)])).boxed(),
            },
        }
    }

    async fn list_children(&self, prefix: &Prefix) -> StoreResult<Children> {
        let fault = self.next(Operation::ListChildren, prefix.as_str()).before()?;
        fault.after(self.inner.list_children(prefix).await?)
    }

    async fn delete(&self, keys: &[Key]) -> StoreResult<()> {
        let fault = self.next(Operation::Delete, keys.first().map_or("", Key::as_str)).before()?;
        fault.after(self.inner.delete(keys).await?)
    }

    async fn locked(&self, lock: Lock) -> StoreResult<Arc<dyn ObjectStore>> {
        Ok(Arc::new(Self { inner: self.inner.locked(lock).await?, ..self.clone() }))
    }
}

/// The first `left` bytes of a body, then the error.
fn cut(
    body: BoxStream<'static, StoreResult<Bytes>>,
    left: u64,
    error: StoreError,
) -> BoxStream<'static, StoreResult<Bytes>> {
    stream::unfold(Some((body, left, error)), |state| async {
        let (mut body, left, error) = state?;
        match body.next().await {
            Some(Ok(mut piece)) if left > 0 => {
                piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                let left = left - piece.len() as u64;
                Some((Ok(piece), Some((body, left, error))))
            }
            Some(Err(own)) => Some((Err(own), None)),
            _ => Some((Err(error), None)),
        }
    })
    .boxed()
}

struct FlakyUpload {
    inner: Box<dyn Upload>,
    tally: Arc<Tally>,
    key: Key,
}

impl FlakyUpload {
    fn next(&self, operation: Operation) -> Fault {
        self.tally.next(operation, self.key.as_str())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Upload for FlakyUpload {
    async fn write(&mut self, piece: Bytes) -> StoreResult<()> {
        // By the contract a piece that failed was not appended, so it never fails afterwards.
        match self.next(Operation::Write).into_error() {
            Some(error) => Err(error),
            None => self.inner.write(piece).await,
        }
    }

    async fn complete(&mut self) -> StoreResult<Stored> {
        let fault = self.next(Operation::Complete).before()?;
        fault.after(self.inner.complete().await?)
    }

    async fn abort(&mut self) -> StoreResult<()> {
        let fault = self.next(Operation::Abort).before()?;
        fault.after(self.inner.abort().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{MemoryStore, ObjectStoreExt, StoreErrorKind};

    fn flaky(plan: Failures) -> (MemoryStore, FlakyStore) {
        let memory = MemoryStore::new();
        (memory.clone(), FlakyStore::new(Arc::new(memory), plan))
    }

    fn key(key: &str) -> Key {
        key.parse().expect("a key")
    }

    #[tokio::test]
    async fn without_failures_it_keeps_the_contract() {
        let (_, store) = flaky(Failures::none());
        crate::conformance::store::all(Arc::new(store.clone())).await;
        assert!(store.operations() > 1_000);
        assert_eq!(store.failures(), 0);
    }

    #[tokio::test]
    async fn an_operation_fails_before_or_after_its_effect() {
        for (plan, happened) in [(Failures::at_nth(1), false), (Failures::at_nth(1).after_effect(), true)] {
            let (memory, store) = flaky(plan.clone());
            let error = store.put(&key("a"), "x".into(), PutMode::Create).await.expect_err("the first fails");
            assert_eq!(error.kind(), StoreErrorKind::Unavailable);
            assert_eq!(error.to_string(), "operation 1 (put a) was made to fail");
            assert_eq!(memory.exists(&key("a")).await.expect("an answer"), happened, "{plan:?}");
            assert_eq!(store.put(&key("a"), "y".into(), PutMode::Create).await.is_ok(), !happened);
        }
    }

    #[tokio::test]
    async fn a_completed_upload_can_lose_its_answer() {
        let (memory, store) = flaky(Failures::at_nth(1).of(&[Operation::Complete]).after_effect());
        let mut upload = store.upload(&key("a"), PutMode::Create).await.expect("only complete fails");
        upload.write("x".into()).await.expect("only complete fails");
        upload.complete().await.expect_err("the answer is lost");
        assert!(memory.exists(&key("a")).await.expect("an answer"));
        assert_eq!(upload.complete().await.expect("the same answer").size, 1);
    }

    #[tokio::test]
    async fn bodies_and_lists_break_in_the_middle() {
        let (_, store) = flaky(Failures::every_nth(1).of(&[Operation::Get, Operation::List]).after_effect());
        for name in ["a", "b", "c"] {
            store.put(&key(name), "0123456789".into(), PutMode::Create).await.expect("only reads fail");
        }
        let mut body = store.get(&key("a"), Some(2..8)).await.expect("opening succeeds").body;
        assert_eq!(body.next().await.expect("a piece").expect("the first half"), "234");
        body.next().await.expect("an item").expect_err("the second half is missing");
        assert!(body.next().await.is_none());
        let listed: Vec<bool> = store.list(&Prefix::root()).map(|item| item.is_ok()).collect().await;
        assert_eq!(listed, [true, false]);
    }
}
