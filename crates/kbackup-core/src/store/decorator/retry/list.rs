//! Lists that go on behind the last key that was given.

use futures::stream::{self, BoxStream, StreamExt};

use super::{Attempts, RetryStore};
use crate::store::{Key, Prefix, StoreResult, Stored};

struct List<'a> {
    store: &'a RetryStore,
    prefix: Prefix,
    last: Option<Key>,
    inner: BoxStream<'a, StoreResult<Stored>>,
    attempts: Attempts,
}

/// The list of `prefix`, begun again after a failure.
pub(super) fn resuming<'a>(store: &'a RetryStore, prefix: &Prefix) -> BoxStream<'a, StoreResult<Stored>> {
    let inner = store.inner.list(prefix);
    let state = List { store, prefix: prefix.clone(), last: None, inner, attempts: store.attempts() };
    stream::try_unfold(state, |mut state| async move { Ok(state.next().await?.map(|stored| (stored, state))) }).boxed()
}

impl List<'_> {
    async fn next(&mut self) -> StoreResult<Option<Stored>> {
        loop {
            match self.inner.next().await {
                None => return Ok(None),
                // It was given before the list was begun again.
                Some(Ok(stored)) if self.last.as_ref().is_some_and(|last| stored.key <= *last) => {}
                Some(Ok(stored)) => {
                    self.attempts.progressed();
                    self.last = Some(stored.key.clone());
                    return Ok(Some(stored));
                }
                Some(Err(error)) => {
                    self.attempts.failed(error).await?;
                    self.inner = self.store.inner.list(&self.prefix);
                }
            }
        }
    }
}
