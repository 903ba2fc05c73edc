//! A file on its way to the store: compressed, encrypted where that is asked for, digested; written in pieces, never whole
//! in memory or on disk.

use std::io::{self, Write};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;
use zstd::stream::write::Encoder;

use super::FileRecord;
use super::layout::sealed;
use crate::crypt::{Seal, Sealer};
use crate::limits::Limits;
use crate::store::{Key, ObjectStore, PutMode, StoreError, StoreErrorKind, StoreResult, Upload};

/// What is compressed at a time: enough to be worth a thread's while, little enough to keep many files open.
const BATCH_BYTES: usize = 256 << 10;

/// Compresses what is written to it, encrypts it, and sends it to the store. Nothing is visible there before [`FileWriter::finish`];
/// dropping it leaves nothing.
///
/// One batch is compressed and encrypted on another thread while the next one is gathered. It needs a tokio runtime for that.
pub struct FileWriter<'a> {
    store: &'a dyn ObjectStore,
    key: Key,
    compressor: Compressor,
    gathered: Vec<u8>,
    batch_bytes: usize,
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
    /// A file of that key (with `.age` behind it where `seal` encrypts), compressed and sent as `limits` say.
    ///
    /// # Errors
    /// `Other` where there is no memory for the compressor, or the level does not exist.
    pub fn new(store: &'a dyn ObjectStore, key: Key, limits: &Limits, seal: &Seal) -> StoreResult<Self> {
        let key = sealed(key, seal);
        let piece_bytes = limits.upload_piece_bytes;
        let encoder = seal.sealer().and_then(|sealer| Encoder::new(sealer, limits.compression_level));
        let encoder = encoder.map_err(|error| compression(&key, error))?;
        Ok(Self {
            store,
            key,
            compressor: Compressor::Idle((encoder, Vec::new())),
            gathered: Vec::new(),
            batch_bytes: BATCH_BYTES.min(piece_bytes),
            upload: None,
            digest: Sha256::new(),
            piece_bytes,
            bytes: 0,
            raw_bytes: 0,
        })
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
        self.gathered.extend_from_slice(bytes);
        self.raw_bytes += bytes.len() as u64;
        if self.gathered.len() < self.batch_bytes {
            return Ok(());
        }
        let (encoder, spare) = self.idle().await?;
        let batch = std::mem::replace(&mut self.gathered, spare);
        self.compressor = Compressor::begin(encoder, batch);
        Ok(())
    }

    /// Ends the file and makes it visible, replacing one of that key.
    ///
    /// # Errors
    /// The store's; nothing is visible then.
    pub async fn finish(mut self) -> StoreResult<FileRecord> {
        let (mut encoder, _) = self.idle().await?;
        let ended = encoder.write_all(&self.gathered).and_then(|()| encoder.do_finish());
        let ended = ended.and_then(|()| encoder.get_mut().end());
        ended.map_err(|error| compression(&self.key, error))?;
        let last = self.take(&mut encoder);
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

    /// The compressor and a spare buffer, after the batch in work; what that made a whole piece is sent.
    async fn idle(&mut self) -> StoreResult<Ready> {
        let ended = std::mem::replace(&mut self.compressor, Compressor::Lost).end().await;
        let (mut encoder, spare) = ended.map_err(|error| compression(&self.key, error))?;
        if encoder.get_ref().waiting() >= self.piece_bytes {
            let piece = self.take(&mut encoder);
            self.send(piece).await?;
        }
        Ok((encoder, spare))
    }

    async fn send(&mut self, piece: Bytes) -> StoreResult<()> {
        if self.upload.is_none() {
            self.upload = Some(self.store.upload(&self.key, PutMode::Overwrite).await?);
        }
        match &mut self.upload {
            Some(upload) => upload.write(piece).await,
            None => Ok(()),
        }
    }

    fn take(&mut self, encoder: &mut Encoder<'static, Sealer>) -> Bytes {
        let piece = encoder.get_mut().take();
        self.digest.update(&piece);
        self.bytes += piece.len() as u64;
        piece.into()
    }
}

/// A compressor and a buffer: one that waits for the next batch, or what comes back after one.
type Ready = (Encoder<'static, Sealer>, Vec<u8>);

/// Compresses one batch at a time on another thread. Dropping it leaves at most one batch to be compressed for nothing.
enum Compressor {
    Idle(Ready),
    Busy(JoinHandle<io::Result<Ready>>),
    /// It failed, and so has the file.
    Lost,
}

impl Compressor {
    fn begin(mut encoder: Encoder<'static, Sealer>, mut batch: Vec<u8>) -> Self {
        Self::Busy(tokio::task::spawn_blocking(move || {
            encoder.write_all(&batch)?;
            batch.clear();
            Ok((encoder, batch))
        }))
    }

    async fn end(self) -> io::Result<Ready> {
        match self {
            Self::Idle(ready) => Ok(ready),
            Self::Busy(work) => work.await.map_err(io::Error::other)?,
            Self::Lost => Err(io::Error::other("an earlier error has ended the file")),
        }
    }
}

/// Bytes as hexadecimal digits, in lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        text.extend([byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')));
        text
    })
}

fn compression(key: &Key, error: io::Error) -> StoreError {
    StoreError::new(StoreErrorKind::Other, format!("{key} could not be compressed")).with_source(error)
}
