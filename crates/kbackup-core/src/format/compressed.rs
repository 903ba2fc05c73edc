//! A compressed file on its way to the store: written in pieces, digested, never whole in memory or on disk.

use std::io::Write;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use zstd::stream::write::Encoder;

use super::FileRecord;
use crate::store::{Key, ObjectStore, PutMode, StoreError, StoreErrorKind, StoreResult, Upload};

/// Compresses what is written to it and sends it to the store. Nothing is visible there before [`FileWriter::finish`];
/// dropping it leaves nothing.
pub struct FileWriter<'a> {
    store: &'a dyn ObjectStore,
    key: Key,
    encoder: Encoder<'static, Vec<u8>>,
    /// Opened when the first piece is full: a file that fits into one piece is one put.
    upload: Option<Box<dyn Upload>>,
    digest: Sha256,
    piece_bytes: usize,
    bytes: u64,
    raw_bytes: u64,
}

impl std::fmt::Debug for FileWriter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileWriter").field("key", &self.key).field("raw_bytes", &self.raw_bytes).finish_non_exhaustive()
    }
}

impl<'a> FileWriter<'a> {
    /// A file of that key, compressed with zstd at `level`, sent in pieces of about `piece_bytes`.
    ///
    /// # Errors
    /// `Other` where there is no memory for the compressor, or the level does not exist.
    pub fn new(store: &'a dyn ObjectStore, key: Key, level: i32, piece_bytes: usize) -> StoreResult<Self> {
        let encoder = Encoder::new(Vec::new(), level).map_err(|error| compression(&key, error))?;
        Ok(Self { store, key, encoder, upload: None, digest: Sha256::new(), piece_bytes, bytes: 0, raw_bytes: 0 })
    }

    /// Bytes written so far, before compression.
    #[must_use]
    pub fn raw_bytes(&self) -> u64 {
        self.raw_bytes
    }

    /// Appends, and sends what has become a whole piece.
    ///
    /// # Errors
    /// The store's.
    pub async fn write(&mut self, bytes: &[u8]) -> StoreResult<()> {
        self.encoder.write_all(bytes).map_err(|error| compression(&self.key, error))?;
        self.raw_bytes += bytes.len() as u64;
        if self.encoder.get_ref().len() >= self.piece_bytes {
            self.send().await?;
        }
        Ok(())
    }

    /// Ends the file and makes it visible, replacing one of that key.
    ///
    /// # Errors
    /// The store's; nothing is visible then.
    pub async fn finish(mut self) -> StoreResult<FileRecord> {
        self.encoder.do_finish().map_err(|error| compression(&self.key, error))?;
        let last = self.take();
        match self.upload {
            None => _ = self.store.put(&self.key, last, PutMode::Overwrite).await?,
            Some(mut upload) => {
                upload.write(last).await?;
                upload.complete().await?;
            }
        }
        let sha256 = hex(&self.digest.finalize());
        Ok(FileRecord { key: self.key, sha256, bytes: self.bytes, raw_bytes: self.raw_bytes })
    }

    async fn send(&mut self) -> StoreResult<()> {
        let piece = self.take();
        if self.upload.is_none() {
            self.upload = Some(self.store.upload(&self.key, PutMode::Overwrite).await?);
        }
        match &mut self.upload {
            Some(upload) => upload.write(piece).await,
            None => Ok(()),
        }
    }

    fn take(&mut self) -> Bytes {
        let piece = std::mem::take(self.encoder.get_mut());
        self.digest.update(&piece);
        self.bytes += piece.len() as u64;
        piece.into()
    }
}

/// Bytes as hexadecimal digits, in lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        text.extend([byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')));
        text
    })
}

fn compression(key: &Key, error: std::io::Error) -> StoreError {
    StoreError::new(StoreErrorKind::Other, format!("{key} could not be compressed")).with_source(error)
}
