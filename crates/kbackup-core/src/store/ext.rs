//! Comfort on top of the port. Never implement it.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;

use super::{Key, ObjectStore, StoreError, StoreErrorKind, StoreResult};

/// What users of an [`ObjectStore`] do often. Implemented for every store.
#[async_trait]
pub trait ObjectStoreExt: ObjectStore {
    /// Reads one object whole, if it is at most `limit` bytes.
    ///
    /// # Errors
    /// `NotFound`; `Corrupt` where it is larger than `limit`: what is read whole is of known kind and small, so a large one
    /// is not what it should be.
    async fn get_bytes(&self, key: &Key, limit: u64) -> StoreResult<Bytes> {
        let mut download = self.get(key, None).await?;
        if download.stored.size > limit {
            let size = download.stored.size;
            return Err(StoreError::new(
                StoreErrorKind::Corrupt,
                format!("{key} in {self} has {size} bytes, more than the {limit} that it can have"),
            ));
        }
        let mut bytes = BytesMut::new();
        while let Some(piece) = download.body.next().await {
            bytes.extend_from_slice(&piece?);
        }
        Ok(bytes.freeze())
    }

    /// Whether there is an object of that key.
    async fn exists(&self, key: &Key) -> StoreResult<bool> {
        match self.head(key).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == StoreErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl<S: ObjectStore + ?Sized> ObjectStoreExt for S {}
