//! The bridge: a bucket of a cloud as an object store.

use std::fmt::{self, Debug};
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use jiff::Timestamp;
use kbackup_core::model::Lock;
use kbackup_core::store::{
    Capabilities, Children, Download, Key, ObjectStore, Prefix, PutMode, StoreError, StoreErrorKind, StoreResult,
    Stored, Upload,
};
use object_store::list::PaginatedListStore;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectMeta, PutOptions};
use tokio::sync::OnceCell;

use super::error::{Attempt, Source};
use super::http::Locked;
use super::list;
use super::upload::CloudUpload;

/// What `object_store` offers of a cloud.
pub(crate) trait Native:
    object_store::ObjectStore + MultipartStore + PaginatedListStore + Debug + Send + Sync
{
}
impl<T: object_store::ObjectStore + MultipartStore + PaginatedListStore + Debug> Native for T {}

/// A cloud that is ready to be asked.
#[derive(Debug, Clone)]
pub(crate) struct Backend {
    pub(crate) main: Arc<dyn Native>,
    /// The same, for writing objects: what is asked of every object stands here.
    pub(crate) writer: Arc<dyn Native>,
    /// The same, for beginning uploads in parts.
    pub(crate) beginner: Arc<dyn Native>,
    /// The same, whose completion of an upload fails where the key is taken; where the cloud offers that.
    pub(crate) creator: Option<Arc<dyn Native>>,
}

impl Backend {
    /// A cloud in which nothing is asked of an object.
    pub(crate) fn plain(main: Arc<dyn Native>, creator: Option<Arc<dyn Native>>) -> Self {
        Self { writer: Arc::clone(&main), beginner: Arc::clone(&main), main, creator }
    }
}

/// Makes a cloud ready at the first request: which region it is in and whose credentials are used may take requests of
/// its own to find out.
#[async_trait]
pub(crate) trait Opener: Debug + Send + Sync + 'static {
    /// The cloud, ready.
    async fn open(&self) -> StoreResult<Backend>;

    /// The cloud, ready, for writing what is locked.
    ///
    /// # Errors
    /// `Unsupported` where it can't.
    async fn locked(&self, lock: Lock) -> StoreResult<Backend>;
}

/// A bucket, or what stands below a prefix of one.
pub(crate) struct CloudStore(Arc<Parts>);

/// What a store and its uploads share.
pub(crate) struct Parts {
    /// The store's URL, without secrets.
    pub(crate) url: String,
    pub(crate) prefix: Prefix,
    pub(crate) part_bytes: usize,
    pub(crate) capabilities: Capabilities,
    pub(crate) source: Source,
    pub(crate) opener: Arc<dyn Opener>,
    pub(crate) backend: OnceCell<Backend>,
    /// Whether every object that is written must be locked then.
    pub(crate) locked: bool,
}

/// Ranges that end behind this are sent without an end: not every store reads larger numbers.
const OFFSET_MAX: u64 = 1 << 50;

impl CloudStore {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The store of an upload.
    pub(super) fn of(parts: &Arc<Parts>) -> Self {
        Self(Arc::clone(parts))
    }
}

impl Parts {
    pub(super) async fn backend(&self) -> StoreResult<&Backend> {
        self.backend.get_or_try_init(|| self.opener.open()).await
    }

    /// Where `key` is in the bucket.
    pub(super) fn path(&self, key: &Key) -> StoreResult<Path> {
        let whole = self.prefix.key(key.as_str());
        let path = whole.ok().and_then(|whole| Path::parse(whole.as_str()).ok());
        path.ok_or_else(|| {
            self.attempt("use", key.as_str()).error(StoreErrorKind::Invalid, &"it can't hold such a key")
        })
    }

    pub(super) fn attempt<'a>(&'a self, verb: &'a str, object: &'a str) -> Attempt<'a> {
        Attempt { verb, object, store: &self.url, source: &self.source }
    }

    /// What is at `path`, as the object `key`. In a store for what is locked, one that is not is an error.
    pub(super) async fn look(&self, path: &Path, key: &Key) -> StoreResult<Stored> {
        let options = GetOptions { head: true, ..GetOptions::default() };
        let found = self.backend().await?.main.get_opts(path, options).await;
        let found = found.map_err(|error| self.attempt("look at", key.as_str()).failed(&error))?;
        if self.locked && found.extensions.get::<Locked>().is_none() {
            let why = "it was written, and the store does not say that it is locked; may its retention be read?";
            return Err(self.attempt("lock", key.as_str()).error(StoreErrorKind::Unsupported, &why));
        }
        Ok(stored(key.clone(), &found.meta))
    }

    /// What was just written. Its time is only told to who asks again.
    pub(super) async fn written(&self, path: &Path, key: &Key, size: u64) -> StoreResult<Stored> {
        Ok(Stored { size, ..self.look(path, key).await? })
    }

    pub(super) async fn put(&self, key: &Key, body: Bytes, mode: PutMode) -> StoreResult<Stored> {
        let (path, size) = (self.path(key)?, body.len() as u64);
        let mode = match mode {
            PutMode::Create => object_store::PutMode::Create,
            PutMode::Overwrite => object_store::PutMode::Overwrite,
        };
        let put = self.backend().await?.writer.put_opts(&path, body.into(), PutOptions::from(mode)).await;
        put.map_err(|error| self.attempt("write", key.as_str()).failed(&error))?;
        self.written(&path, key, size).await
    }
}

/// Opens an object, or a range of it.
async fn open(parts: &Arc<Parts>, key: &Key, range: Option<GetRange>) -> StoreResult<Download> {
    let options = GetOptions { range, ..GetOptions::default() };
    let path = parts.path(key)?;
    let got = parts.backend().await?.main.get_opts(&path, options).await;
    let got = got.map_err(|error| parts.attempt("read", key.as_str()).failed(&error))?;
    let (stored, range) = (stored(key.clone(), &got.meta), got.range.clone());
    let body =
        Body { parts: Arc::clone(parts), key: key.clone(), left: range.end - range.start, inner: got.into_stream() };
    let body = stream::try_unfold(body, |mut body| async { Ok(body.next().await?.map(|piece| (piece, body))) });
    Ok(Download { stored, range, body: body.boxed() })
}

/// A body that has exactly the bytes that it should have, or ends with an error.
struct Body {
    parts: Arc<Parts>,
    key: Key,
    left: u64,
    inner: BoxStream<'static, object_store::Result<Bytes>>,
}

impl Body {
    async fn next(&mut self) -> StoreResult<Option<Bytes>> {
        let attempt = self.parts.attempt("read", self.key.as_str());
        let piece = match self.inner.next().await {
            Some(Ok(piece)) => piece,
            Some(Err(error)) => return Err(attempt.failed(&error)),
            None if self.left == 0 => return Ok(None),
            None => {
                let why = format!("the connection ended {} bytes too early", self.left);
                return Err(attempt.error(StoreErrorKind::Unavailable, &why));
            }
        };
        let too_many = || attempt.error(StoreErrorKind::Corrupt, &"the store gave more bytes than there are");
        self.left = self.left.checked_sub(piece.len() as u64).ok_or_else(too_many)?;
        Ok(Some(piece))
    }
}

/// The description of an object. Some clouds tell the time of writing finer in lists than elsewhere: seconds are what all
/// tell everywhere.
pub(super) fn stored(key: Key, meta: &ObjectMeta) -> Stored {
    let modified = Timestamp::from_second(meta.last_modified.timestamp()).unwrap_or(Timestamp::UNIX_EPOCH);
    Stored { key, size: meta.size, modified }
}

impl fmt::Display for CloudStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.url)
    }
}

impl Debug for CloudStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloudStore({self})")
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for CloudStore {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities
    }

    async fn put(&self, key: &Key, body: Bytes, mode: PutMode) -> StoreResult<Stored> {
        self.0.put(key, body, mode).await
    }

    async fn upload(&self, key: &Key, mode: PutMode) -> StoreResult<Box<dyn Upload>> {
        self.0.path(key)?;
        Ok(Box::new(CloudUpload::new(Arc::clone(&self.0), key.clone(), mode)))
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Download> {
        let Some(range) = range else { return open(&self.0, key, None).await };
        if range.is_empty() || range.start > OFFSET_MAX {
            // No store can be asked for it; the answer depends on whether there is such an object.
            let unfit = StoreError::new(StoreErrorKind::Invalid, format!("no object has the range {range:?}"));
            return Err(self.head(key).await?.clip(Some(range)).err().unwrap_or(unfit));
        }
        let asked = match range.end {
            end if end > OFFSET_MAX => GetRange::Offset(range.start),
            _ => GetRange::Bounded(range.clone()),
        };
        match open(&self.0, key, Some(asked)).await {
            // Each store, and each emulator, has its own way to say that there are no such bytes.
            Err(error) if matches!(error.kind(), StoreErrorKind::Invalid | StoreErrorKind::Other) => {
                let known = self.head(key).await.ok();
                Err(known.and_then(|stored| stored.clip(Some(range)).err()).unwrap_or(error))
            }
            opened => opened,
        }
    }

    async fn head(&self, key: &Key) -> StoreResult<Stored> {
        self.0.look(&self.0.path(key)?, key).await
    }

    fn list(&self, prefix: &Prefix) -> BoxStream<'_, StoreResult<Stored>> {
        list::walk(&self.0, prefix)
    }

    async fn list_children(&self, prefix: &Prefix) -> StoreResult<Children> {
        list::children(&self.0, prefix).await
    }

    async fn delete(&self, keys: &[Key]) -> StoreResult<()> {
        let paths = keys.iter().map(|key| self.0.path(key).map(Ok)).collect::<StoreResult<Vec<_>>>()?;
        let mut deleted = self.0.backend().await?.main.delete_stream(stream::iter(paths).boxed());
        while let Some(result) = deleted.next().await {
            let Err(error) = result else { continue };
            let object = match keys {
                [key] => key.to_string(),
                _ => format!("{} objects", keys.len()),
            };
            let error = self.0.attempt("delete", &object).failed(&error);
            if error.kind() != StoreErrorKind::NotFound {
                return Err(error);
            }
        }
        Ok(())
    }

    async fn locked(&self, lock: Lock) -> StoreResult<Arc<dyn ObjectStore>> {
        let backend = self.0.opener.locked(lock).await?;
        let parts = &self.0;
        Ok(Arc::new(Self::new(Parts {
            url: parts.url.clone(),
            prefix: parts.prefix.clone(),
            part_bytes: parts.part_bytes,
            capabilities: parts.capabilities,
            source: parts.source.clone(),
            opener: Arc::clone(&parts.opener),
            backend: OnceCell::new_with(Some(backend)),
            locked: true,
        })))
    }
}
