//! The store.

use std::fmt;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use kbackup_core::model::Lock;
use kbackup_core::store::{
    Capabilities, Children, Download, Key, ObjectStore, Prefix, PutMode, StoreError, StoreErrorKind, StoreResult,
    Stored, Upload,
};
use url::Url;

use super::error::{blocking, failed};
use super::root::Root;
use super::upload::FolderUpload;
use super::write::TempFile;
use super::{list, read, write};

/// A folder as an object store. Clones share it.
///
/// Its calls need a tokio runtime, whose blocking threads do the work.
///
/// - A key is refused as `Invalid` where a file system cannot hold it: a segment of more than 255 bytes, a name below
///   which there are other objects, or one that is an object and would have to be a folder.
/// - The file system must have hard links; where it has none, a `Create` fails as `Unsupported`.
/// - Whether `a` and `A` are two keys is up to the file system.
#[derive(Clone)]
pub struct FolderStore {
    root: Arc<Root>,
}

impl FolderStore {
    /// The store in the folder `path`. It need not exist: the first write makes it.
    ///
    /// # Errors
    /// `Invalid` where the path is relative, or is a file.
    pub fn open(path: impl Into<PathBuf>) -> StoreResult<Self> {
        let path: PathBuf = path.into();
        let invalid = |why: &str| StoreError::new(StoreErrorKind::Invalid, format!("{} {why}", path.display()));
        if !path.is_absolute() {
            return Err(invalid("is a relative path: write it from the root on, with a \"/\" in front"));
        }
        match path.metadata() {
            Ok(metadata) if !metadata.is_dir() => return Err(invalid("is a file: a store needs a folder")),
            Err(error) if error.kind() == ErrorKind::NotADirectory => {
                return Err(invalid("cannot be a folder: a part of the path is a file"));
            }
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed("look at", &path, error)),
            _ => {}
        }
        Ok(Self { root: Arc::new(Root::new(path)) })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root.path
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Arc<Root>) -> StoreResult<T> + Send + 'static,
    ) -> StoreResult<T> {
        let root = Arc::clone(&self.root);
        blocking(move || work(&root)).await
    }
}

impl fmt::Display for FolderStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Url::from_file_path(self.path()) {
            Ok(url) => f.write_str(url.as_str()),
            Err(()) => write!(f, "file://{}", self.path().display()),
        }
    }
}

impl fmt::Debug for FolderStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FolderStore({self})")
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for FolderStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    async fn put(&self, key: &Key, body: Bytes, mode: PutMode) -> StoreResult<Stored> {
        let key = key.clone();
        self.run(move |root| {
            root.file(&key)?;
            let mut file = TempFile::create(root)?;
            file.write(&body)?;
            file.publish(&key, mode)
        })
        .await
    }

    async fn upload(&self, key: &Key, mode: PutMode) -> StoreResult<Box<dyn Upload>> {
        Ok(Box::new(FolderUpload::begin(Arc::clone(&self.root), key, mode).await?))
    }

    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Download> {
        let key = key.clone();
        let open = self.run(move |root| read::open(root, &key, range)).await?;
        Ok(Download { stored: open.stored.clone(), range: open.range.clone(), body: open.body() })
    }

    async fn head(&self, key: &Key) -> StoreResult<Stored> {
        let key = key.clone();
        self.run(move |root| read::describe(root, &key)).await
    }

    fn list(&self, prefix: &Prefix) -> BoxStream<'_, StoreResult<Stored>> {
        list::walk(Arc::clone(&self.root), prefix)
    }

    async fn list_children(&self, prefix: &Prefix) -> StoreResult<Children> {
        let prefix = prefix.clone();
        self.run(move |root| list::children(root, &prefix)).await
    }

    async fn delete(&self, keys: &[Key]) -> StoreResult<()> {
        let keys = keys.to_vec();
        self.run(move |root| write::remove(root, &keys)).await
    }

    async fn locked(&self, _lock: Lock) -> StoreResult<Arc<dyn ObjectStore>> {
        let why = "a folder holds nothing against its owner; use a bucket with object lock";
        Err(StoreError::new(StoreErrorKind::Unsupported, format!("{self} cannot lock what is written to it: {why}")))
    }
}

#[cfg(test)]
mod tests;
