//! A store that keeps nothing: for looking at what a backup would take.

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use jiff::Timestamp;

use crate::store::{
    Capabilities, Children, Download, Key, ObjectStore, Prefix, PutMode, StoreError, StoreErrorKind, StoreResult,
    Stored, Upload,
};

/// Takes whatever is written to it, and has nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nowhere;

struct Dropped {
    key: Key,
    bytes: u64,
}

#[async_trait]
impl ObjectStore for Nowhere {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    async fn put(&self, key: &Key, body: Bytes, _: PutMode) -> StoreResult<Stored> {
        Ok(stored(key, body.len() as u64))
    }

    async fn upload(&self, key: &Key, _: PutMode) -> StoreResult<Box<dyn Upload>> {
        Ok(Box::new(Dropped { key: key.clone(), bytes: 0 }))
    }

    async fn get(&self, key: &Key, _: Option<Range<u64>>) -> StoreResult<Download> {
        Err(missing(key))
    }

    async fn head(&self, key: &Key) -> StoreResult<Stored> {
        Err(missing(key))
    }

    fn list(&self, _: &Prefix) -> BoxStream<'_, StoreResult<Stored>> {
        stream::empty().boxed()
    }

    async fn list_children(&self, _: &Prefix) -> StoreResult<Children> {
        Ok(Children::default())
    }

    async fn delete(&self, _: &[Key]) -> StoreResult<()> {
        Ok(())
    }
}

#[async_trait]
impl Upload for Dropped {
    async fn write(&mut self, piece: Bytes) -> StoreResult<()> {
        self.bytes += piece.len() as u64;
        Ok(())
    }

    async fn complete(&mut self) -> StoreResult<Stored> {
        Ok(stored(&self.key, self.bytes))
    }

    async fn abort(&mut self) -> StoreResult<()> {
        Ok(())
    }
}

impl fmt::Display for Nowhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nowhere")
    }
}

fn stored(key: &Key, bytes: u64) -> Stored {
    Stored { key: key.clone(), size: bytes, modified: Timestamp::UNIX_EPOCH }
}

fn missing(key: &Key) -> StoreError {
    StoreError::new(StoreErrorKind::NotFound, format!("nothing is kept here, {key} neither"))
}
