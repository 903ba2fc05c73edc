//! The port: what every object store does, and guarantees.

use std::fmt::{Debug, Display};
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use jiff::Timestamp;

use super::{Key, Prefix, StoreError, StoreErrorKind, StoreResult};
use crate::model::Lock;

/// A place that keeps named byte strings: a bucket with a prefix, a folder, memory.
///
/// # Contract
/// - **Atomic**: a reader sees an object whole or not at all, and after a write has returned, every reader sees it
///   (strong consistency, as S3, GCS, Azure Blob and a local folder give it). A write that failed or was dropped has
///   either not happened or happened whole.
/// - **Durable**: when a write has returned, the object survives a crash of this process and of the store's host.
/// - **Create** ([`PutMode::Create`]) succeeds for exactly one of several writers where
///   [`Capabilities::conditional_create`] says so; the others get [`AlreadyExists`](super::StoreErrorKind::AlreadyExists).
/// - **Keys** are plain text: `a+b`, `a b` and `a%20b` are three keys. A store that cannot hold a key says `Invalid`: a
///   folder cannot hold segments of more than 255 bytes, nor both `a` and `a/b`.
/// - **Cancel**: dropping any future or stream is safe and leaves nothing visible that was not visible before.
/// - Errors say what was tried and why it failed, without credentials. Implementations don't retry: the
///   retry decorator does.
///
/// `Display` is the store's URL without credentials.
#[async_trait]
pub trait ObjectStore: Debug + Display + Send + Sync + 'static {
    /// What this store can do beyond the contract. It does not change.
    fn capabilities(&self) -> Capabilities;

    /// Writes one small object at once.
    ///
    /// # Errors
    /// `AlreadyExists` where `mode` is `Create` and the key is taken; nothing is changed then.
    async fn put(&self, key: &Key, body: Bytes, mode: PutMode) -> StoreResult<Stored>;

    /// Begins to write one object of unknown size in pieces. Nothing is visible until [`Upload::complete`].
    async fn upload(&self, key: &Key, mode: PutMode) -> StoreResult<Box<dyn Upload>>;

    /// Reads one object, or the bytes of `range` (which may reach beyond its end, and is cut there).
    ///
    /// The body has exactly as many bytes as the object, or the range, has: a connection that breaks in the middle is an
    /// error of the stream, never a short body.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` where the range begins at or behind the end, or is empty.
    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Download>;

    /// Describes one object.
    ///
    /// # Errors
    /// `NotFound`.
    async fn head(&self, key: &Key) -> StoreResult<Stored>;

    /// Every object whose key begins with `prefix`, in ascending order of keys as bytes. What is written or deleted while
    /// the stream is read may or may not be in it. A prefix without objects gives an empty stream.
    fn list(&self, prefix: &Prefix) -> BoxStream<'_, StoreResult<Stored>>;

    /// The first segment behind `prefix` of every key below it, each once: those that are an object, and those that have
    /// objects below them.
    async fn list_children(&self, prefix: &Prefix) -> StoreResult<Children>;

    /// Deletes objects. A key without an object is fine. Not atomic as a whole: on error, some may be gone.
    async fn delete(&self, keys: &[Key]) -> StoreResult<()>;

    /// The same store, for writing what nobody may delete or change before its time: the store itself holds every object
    /// that is written through it. It is asked whether it can.
    ///
    /// # Errors
    /// `Unsupported` where it cannot: the kind of store, or this bucket.
    async fn locked(&self, lock: Lock) -> StoreResult<Arc<dyn ObjectStore>> {
        _ = lock;
        Err(StoreError::new(StoreErrorKind::Unsupported, format!("{self} cannot lock what is written to it")))
    }
}

/// An object that is being written in pieces.
///
/// Dropping it without [`complete`](Upload::complete) leaves nothing visible; [`abort`](Upload::abort) also frees what the
/// store may keep of it out of sight.
#[async_trait]
pub trait Upload: Send {
    /// Appends a piece of any size. Returns when there is room for the next one, so that a fast writer waits.
    ///
    /// # Errors
    /// After a retryable error nothing of the piece was appended, and the same piece may be written again. After any
    /// other error the upload can only be aborted.
    async fn write(&mut self, piece: Bytes) -> StoreResult<()>;

    /// Makes the object visible, whole, and durable. Once it has taken effect, calling it again gives the same answer,
    /// so that a retry after a lost answer is safe.
    ///
    /// # Errors
    /// `AlreadyExists` where the upload's mode is `Create` and the key is taken by now. After a retryable error it may be
    /// called again.
    async fn complete(&mut self) -> StoreResult<Stored>;

    /// Gives up and removes what was written so far; to write more, or to complete it, is `Invalid` then. An object that is
    /// complete already stays. After a retryable error it may be called again.
    async fn abort(&mut self) -> StoreResult<()>;
}

/// What a write does where the key is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PutMode {
    /// It fails with `AlreadyExists`.
    Create,
    /// It replaces the object.
    Overwrite,
}

/// What a store can do beyond the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Whether `Create` is decided by the store, so that exactly one of several writers wins.
    pub conditional_create: bool,
    /// Whether anything can be written or deleted at all.
    pub writable: bool,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self { conditional_create: true, writable: true }
    }
}

/// One object in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its key.
    pub key: Key,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written, by the store's clock.
    pub modified: Timestamp,
}

impl Stored {
    /// Which bytes of this object a request for `range` gives: all without one, otherwise the range, cut at the end.
    ///
    /// # Errors
    /// `Invalid` where the range begins at or behind the end, or is empty.
    pub fn clip(&self, range: Option<Range<u64>>) -> StoreResult<Range<u64>> {
        let Some(range) = range else { return Ok(0..self.size) };
        let clipped = range.start..range.end.min(self.size);
        if clipped.is_empty() {
            let (key, size) = (&self.key, self.size);
            return Err(StoreError::new(
                StoreErrorKind::Invalid,
                format!("{key} has {size} bytes: the range {}..{} has none of them", range.start, range.end),
            ));
        }
        Ok(clipped)
    }
}

/// What stands directly below a prefix.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Children {
    /// Objects, ascending by key.
    pub objects: Vec<Stored>,
    /// Prefixes that have objects below them, ascending.
    pub prefixes: Vec<Prefix>,
}

/// An object, or a range of it, on its way.
pub struct Download {
    /// The object, whole: its size is not that of the range.
    pub stored: Stored,
    /// Which bytes the body has.
    pub range: Range<u64>,
    /// The bytes, in pieces.
    pub body: BoxStream<'static, StoreResult<Bytes>>,
}

impl Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Download").field("stored", &self.stored).field("range", &self.range).finish_non_exhaustive()
    }
}
