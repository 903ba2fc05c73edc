//! Files on their way into a store: as they are, or encrypted on the way.

use std::io::{self, Write};

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};

use crate::crypt::{Seal, Sealer};
use crate::format::{FileRecord, hex};
use crate::store::{Key, ObjectStore, PutMode, StoreError, StoreErrorKind, StoreResult, Stored, Upload};

/// A file on its way into a store: one put where it fits into a piece, an upload otherwise.
pub(super) struct Incoming<'a> {
    store: &'a dyn ObjectStore,
    key: &'a Key,
    piece_bytes: usize,
    gathered: BytesMut,
    upload: Option<Box<dyn Upload>>,
}

impl<'a> Incoming<'a> {
    pub(super) fn new(store: &'a dyn ObjectStore, key: &'a Key, piece_bytes: usize) -> Self {
        Self { store, key, piece_bytes, gathered: BytesMut::new(), upload: None }
    }

    pub(super) async fn write(&mut self, bytes: Bytes) -> StoreResult<()> {
        self.gathered.extend_from_slice(&bytes);
        if self.gathered.len() < self.piece_bytes {
            return Ok(());
        }
        let piece = self.gathered.split().freeze();
        match &mut self.upload {
            Some(upload) => upload.write(piece).await,
            none => none.insert(self.store.upload(self.key, PutMode::Overwrite).await?).write(piece).await,
        }
    }

    pub(super) async fn finish(mut self) -> StoreResult<Stored> {
        let last = self.gathered.split().freeze();
        match &mut self.upload {
            None => self.store.put(self.key, last, PutMode::Overwrite).await,
            Some(upload) => {
                upload.write(last).await?;
                upload.complete().await
            }
        }
    }

    /// Best effort: what is not complete is visible to nobody.
    pub(super) async fn abort(mut self) {
        if let Some(upload) = &mut self.upload
            && let Err(error) = upload.abort().await
        {
            tracing::warn!(%error, "an upload that was given up could not be removed");
        }
    }
}

/// A file that is encrypted on its way into a store, and not compressed: it is already.
pub(super) struct Sealing<'a> {
    incoming: Incoming<'a>,
    sealer: Sealer,
    key: &'a Key,
    piece_bytes: usize,
    digest: Sha256,
    bytes: u64,
}

impl<'a> Sealing<'a> {
    pub(super) fn new(store: &'a dyn ObjectStore, key: &'a Key, seal: &Seal, piece_bytes: usize) -> StoreResult<Self> {
        let sealer = seal.sealer().map_err(|error| unsealed(key, error))?;
        let incoming = Incoming::new(store, key, piece_bytes);
        Ok(Self { incoming, sealer, key, piece_bytes, digest: Sha256::new(), bytes: 0 })
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> StoreResult<()> {
        self.sealer.write_all(bytes).map_err(|error| unsealed(self.key, error))?;
        if self.sealer.waiting() < self.piece_bytes {
            return Ok(());
        }
        self.send().await
    }

    /// Ends the file and makes it visible; `raw_bytes` is what it decompresses to.
    pub(super) async fn finish(mut self, raw_bytes: u64) -> StoreResult<FileRecord> {
        self.sealer.end().map_err(|error| unsealed(self.key, error))?;
        self.send().await?;
        self.incoming.finish().await?;
        let sha256 = hex(&self.digest.finalize());
        Ok(FileRecord { key: self.key.clone(), sha256, bytes: self.bytes, raw_bytes })
    }

    /// As [`Incoming::abort`].
    pub(super) async fn abort(self) {
        self.incoming.abort().await;
    }

    async fn send(&mut self) -> StoreResult<()> {
        let bytes = self.sealer.take();
        self.digest.update(&bytes);
        self.bytes += bytes.len() as u64;
        self.incoming.write(bytes.into()).await
    }
}

fn unsealed(key: &Key, error: io::Error) -> StoreError {
    StoreError::new(StoreErrorKind::Other, format!("{key} could not be encrypted")).with_source(error)
}
