//! Writing a file in pieces.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use kbackup_core::store::{Key, PutMode, StoreError, StoreErrorKind, StoreResult, Stored, Upload};

use super::error::blocking;
use super::root::Root;
use super::write::TempFile;

pub(super) struct FolderUpload {
    key: Key,
    mode: PutMode,
    /// Away while a piece is being written; lost where that was cut off.
    file: Option<TempFile>,
    completed: Option<Stored>,
}

impl FolderUpload {
    pub(super) async fn begin(root: Arc<Root>, key: &Key, mode: PutMode) -> StoreResult<Self> {
        let key = key.clone();
        blocking(move || {
            root.file(&key)?;
            Ok(Self { file: Some(TempFile::create(&root)?), key, mode, completed: None })
        })
        .await
    }

    fn take(&mut self) -> StoreResult<TempFile> {
        let gone = || {
            let why = "it was aborted, or a piece of it failed or was cut off";
            StoreError::new(StoreErrorKind::Invalid, format!("cannot go on with the upload of {}: {why}", self.key))
        };
        self.file.take().ok_or_else(gone)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Upload for FolderUpload {
    async fn write(&mut self, piece: Bytes) -> StoreResult<()> {
        let mut file = self.take()?;
        self.file = Some(blocking(move || file.write(&piece).map(|()| file)).await?);
        Ok(())
    }

    async fn complete(&mut self) -> StoreResult<Stored> {
        if let Some(stored) = &self.completed {
            return Ok(stored.clone());
        }
        let (file, key, mode) = (self.take()?, self.key.clone(), self.mode);
        let (file, published) = blocking(move || {
            let published = file.publish(&key, mode);
            Ok((file, published))
        })
        .await?;
        self.file = Some(file);
        Ok(self.completed.insert(published?).clone())
    }

    async fn abort(&mut self) -> StoreResult<()> {
        let file = self.file.take();
        blocking(move || {
            drop(file);
            Ok(())
        })
        .await
    }
}
