//! A file on its way to the store: compressed, encrypted where that is asked for, digested; written in pieces, never whole
//! in memory or on disk.

use std::io::{self, Write};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;
use zstd::stream::raw::{Encoder, Operation};
use zstd::stream::zio::Writer;

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
    seal: Seal,
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
        let encoder = Encoder::new(limits.compression_level).map_err(|error| compression(&key, error))?;
        Self::of(store, key, limits.upload_piece_bytes, seal.clone(), (encoder, Vec::new()))
    }

    fn of(
        store: &'a dyn ObjectStore,
        key: Key,
        piece_bytes: usize,
        seal: Seal,
        (encoder, gathered): (Encoder<'static>, Vec<u8>),
    ) -> StoreResult<Self> {
        let key = sealed(key, &seal);
        let batch_bytes = BATCH_BYTES.min(piece_bytes);
        let sealer = seal.sealer().map(|sealer| sealer.with_room(piece_bytes + batch_bytes));
        let writer = Writer::new(sealer.map_err(|error| compression(&key, error))?, encoder);
        Ok(Self {
            store,
            key,
            seal,
            compressor: Compressor::Idle((writer, Vec::new())),
            gathered,
            batch_bytes,
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
        let (writer, spare) = self.idle().await?;
        let batch = std::mem::replace(&mut self.gathered, spare);
        self.compressor = Compressor::begin(writer, batch);
        Ok(())
    }

    /// Ends the file and makes it visible, replacing one of that key.
    ///
    /// # Errors
    /// The store's; nothing is visible then.
    pub async fn finish(mut self) -> StoreResult<FileRecord> {
        self.end().await.map(|(record, _)| record)
    }

    /// Ends the file as [`FileWriter::finish`] does, and begins one of that key with what this one had: the memory of a
    /// compressor is most of what a file costs.
    ///
    /// # Errors
    /// As [`FileWriter::finish`] and [`FileWriter::new`].
    pub async fn then(mut self, next: Key) -> StoreResult<(FileRecord, Self)> {
        let (record, mut encoder) = self.end().await?;
        encoder.reinit().map_err(|error| compression(&next, error))?;
        self.gathered.clear();
        let next = Self::of(self.store, next, self.piece_bytes, self.seal, (encoder, self.gathered))?;
        Ok((record, next))
    }

    async fn end(&mut self) -> StoreResult<(FileRecord, Encoder<'static>)> {
        let (mut writer, _) = self.idle().await?;
        let ended = writer.write_all(&self.gathered).and_then(|()| writer.finish());
        let ended = ended.and_then(|()| writer.writer_mut().end());
        ended.map_err(|error| compression(&self.key, error))?;
        let last = self.take(&mut writer);
        match &mut self.upload {
            None => _ = self.store.put(&self.key, last, PutMode::Overwrite).await?,
            Some(upload) => {
                upload.write(last).await?;
                upload.complete().await?;
            }
        }
        let sha256 = hex(&std::mem::take(&mut self.digest).finalize());
        let (key, bytes, raw_bytes) = (self.key.clone(), self.bytes, self.raw_bytes);
        Ok((FileRecord { key, sha256, bytes, raw_bytes }, writer.into_inner().1))
    }

    /// The compressor and a spare buffer, after the batch in work; what that made a whole piece is sent.
    async fn idle(&mut self) -> StoreResult<Ready> {
        let ended = std::mem::replace(&mut self.compressor, Compressor::Lost).end().await;
        let (mut writer, spare) = ended.map_err(|error| compression(&self.key, error))?;
        if writer.writer().waiting() >= self.piece_bytes {
            let piece = self.take(&mut writer);
            self.send(piece).await?;
        }
        Ok((writer, spare))
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

    fn take(&mut self, writer: &mut Compressing) -> Bytes {
        let piece = writer.writer_mut().take();
        self.digest.update(&piece);
        self.bytes += piece.len() as u64;
        piece.into()
    }
}

/// What compresses into what encrypts.
type Compressing = Writer<Sealer, Encoder<'static>>;

/// A compressor and a buffer: one that waits for the next batch, or what comes back after one.
type Ready = (Compressing, Vec<u8>);

/// Compresses one batch at a time on another thread. Dropping it leaves at most one batch to be compressed for nothing.
enum Compressor {
    Idle(Ready),
    Busy(JoinHandle<io::Result<Ready>>),
    /// It failed, and so has the file.
    Lost,
}

impl Compressor {
    fn begin(mut writer: Compressing, mut batch: Vec<u8>) -> Self {
        Self::Busy(tokio::task::spawn_blocking(move || {
            writer.write_all(&batch)?;
            batch.clear();
            Ok((writer, batch))
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
