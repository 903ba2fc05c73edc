//! A gzip on its way to the store: never whole in memory.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::store::{Key, ObjectStore, PutMode, StoreError, StoreErrorKind, StoreResult, Upload};

/// As hard as Go compresses when nobody says how hard.
const LEVEL: u32 = 6;

/// Compresses what is written to it and sends it to the store in pieces. Nothing is visible there before
/// [`GzipFile::finish`].
pub(super) struct GzipFile<'a> {
    store: &'a dyn ObjectStore,
    key: Key,
    encoder: GzEncoder<Vec<u8>>,
    upload: Option<Box<dyn Upload>>,
    piece_bytes: usize,
    bytes: u64,
}

impl<'a> GzipFile<'a> {
    pub(super) fn new(store: &'a dyn ObjectStore, key: Key, piece_bytes: usize) -> Self {
        let encoder = GzEncoder::new(Vec::new(), Compression::new(LEVEL));
        Self { store, key, encoder, upload: None, piece_bytes, bytes: 0 }
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> StoreResult<()> {
        self.encoder.write_all(bytes).map_err(|error| compression(&self.key, error))?;
        if self.encoder.get_ref().len() >= self.piece_bytes {
            self.send().await?;
        }
        Ok(())
    }

    /// Ends the file and makes it visible; tells its size.
    pub(super) async fn finish(mut self) -> StoreResult<u64> {
        self.encoder.try_finish().map_err(|error| compression(&self.key, error))?;
        if self.upload.is_some() {
            self.send().await?;
        }
        let last = std::mem::take(self.encoder.get_mut());
        self.bytes += last.len() as u64;
        match self.upload {
            None => _ = self.store.put(&self.key, last.into(), PutMode::Create).await?,
            Some(mut upload) => _ = upload.complete().await?,
        }
        Ok(self.bytes)
    }

    async fn send(&mut self) -> StoreResult<()> {
        if self.upload.is_none() {
            self.upload = Some(self.store.upload(&self.key, PutMode::Create).await?);
        }
        let piece = std::mem::take(self.encoder.get_mut());
        self.bytes += piece.len() as u64;
        match &mut self.upload {
            Some(upload) if !piece.is_empty() => upload.write(piece.into()).await,
            _ => Ok(()),
        }
    }
}

fn compression(key: &Key, error: std::io::Error) -> StoreError {
    StoreError::new(StoreErrorKind::Other, format!("{key} could not be compressed")).with_source(error)
}
