//! Bodies that are resumed where they broke.

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};

use super::{Attempts, RetryStore};
use crate::store::{Download, StoreError, StoreErrorKind, StoreResult, Stored};

struct Body {
    stored: Stored,
    /// The next byte that is to be given.
    at: u64,
    end: u64,
    inner: BoxStream<'static, StoreResult<Bytes>>,
    attempts: Attempts,
}

/// The same download, whose body goes on after a failure.
pub(super) fn resuming(download: Download, store: &RetryStore) -> Download {
    let Download { stored, range, body } = download;
    let state =
        Body { stored: stored.clone(), at: range.start, end: range.end, inner: body, attempts: store.attempts() };
    let body =
        stream::try_unfold(state, |mut state| async move { Ok(state.next().await?.map(|piece| (piece, state))) });
    Download { stored, range, body: body.boxed() }
}

impl Body {
    async fn next(&mut self) -> StoreResult<Option<Bytes>> {
        while self.at < self.end {
            let error = match self.inner.next().await {
                Some(Ok(piece)) => return self.take(piece).map(Some),
                Some(Err(error)) => error,
                None => self.error(StoreErrorKind::Unavailable, "broke off before its end"),
            };
            self.attempts.failed(error).await?;
            self.reopen().await?;
        }
        Ok(None)
    }

    fn take(&mut self, piece: Bytes) -> StoreResult<Bytes> {
        let bytes = piece.len() as u64;
        if bytes > self.end - self.at {
            return Err(self.error(StoreErrorKind::Corrupt, "gave more bytes than it has"));
        }
        if bytes > 0 {
            self.attempts.progressed();
        }
        self.at += bytes;
        Ok(piece)
    }

    /// Opens what is left of the same object.
    async fn reopen(&mut self) -> StoreResult<()> {
        let download = loop {
            match self.attempts.store.inner.get(&self.stored.key, Some(self.at..self.end)).await {
                Ok(download) => break download,
                Err(error) => self.attempts.failed(error).await?,
            }
        };
        if download.stored != self.stored {
            return Err(self.error(StoreErrorKind::Other, "was replaced while it was read: read it again"));
        }
        self.inner = download.body;
        Ok(())
    }

    fn error(&self, kind: StoreErrorKind, why: &str) -> StoreError {
        StoreError::new(kind, format!("{} in {} {why}", self.stored.key, self.attempts.store))
    }
}
