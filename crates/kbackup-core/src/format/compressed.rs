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
/// One batch is compressed, encrypted and digested on another thread while the next one is gathered. It needs a tokio runtime for that.
pub struct FileWriter<'a> {
    store: &'a dyn ObjectStore,
    key: Key,
    seal: Seal,
    compressor: Compressor,
    gathered: Vec<u8>,
    batch_bytes: usize,
    /// Opened when the first piece is full: a file that fits into one piece is one put.
    upload: Option<Box<dyn Upload>>,
    piece_bytes: usize,
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
            compressor: Compressor::Idle(Box::new(Ready::new(writer))),
            gathered,
            batch_bytes,
            upload: None,
            piece_bytes,
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
        let Ready { work, spare, piece } = self.compressed().await?;
        let batch = std::mem::replace(&mut self.gathered, spare);
        // While this is compressed, what came of the last one is sent.
        self.compressor = Compressor::begin(work, batch, self.piece_bytes);
        match piece {
            Some(piece) => self.send(piece).await,
            None => Ok(()),
        }
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
        let Ready { mut work, piece, .. } = self.compressed().await?;
        if let Some(piece) = piece {
            self.send(piece).await?;
        }
        let last = work.end(&self.gathered).map_err(|error| compression(&self.key, error))?;
        match &mut self.upload {
            None => _ = self.store.put(&self.key, last, PutMode::Overwrite).await?,
            Some(upload) => {
                upload.write(last).await?;
                upload.complete().await?;
            }
        }
        let sha256 = hex(&work.digest.finalize());
        let record = FileRecord { key: self.key.clone(), sha256, bytes: work.bytes, raw_bytes: self.raw_bytes };
        Ok((record, work.writer.into_inner().1))
    }

    /// What there is after the batch in work.
    async fn compressed(&mut self) -> StoreResult<Ready> {
        let ended = std::mem::replace(&mut self.compressor, Compressor::Lost).end().await;
        ended.map_err(|error| compression(&self.key, error))
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
}

/// What compresses, encrypts and digests a file.
struct Work {
    writer: Writer<Sealer, Encoder<'static>>,
    digest: Sha256,
    bytes: u64,
}

impl Work {
    /// Takes a batch; gives what is to be sent, where that makes a whole piece.
    fn batch(&mut self, batch: &[u8], piece_bytes: usize) -> io::Result<Option<Bytes>> {
        self.writer.write_all(batch)?;
        Ok((self.writer.writer().waiting() >= piece_bytes).then(|| self.take()))
    }

    /// Takes the last batch; gives what is left to be sent.
    fn end(&mut self, batch: &[u8]) -> io::Result<Bytes> {
        self.writer.write_all(batch)?;
        self.writer.finish()?;
        self.writer.writer_mut().end()?;
        Ok(self.take())
    }

    fn take(&mut self) -> Bytes {
        let piece = self.writer.writer_mut().take();
        self.digest.update(&piece);
        self.bytes += piece.len() as u64;
        piece.into()
    }
}

/// What waits for the next batch: a compressor, a buffer, and what is to be sent of the batches before.
struct Ready {
    work: Work,
    spare: Vec<u8>,
    piece: Option<Bytes>,
}

impl Ready {
    fn new(writer: Writer<Sealer, Encoder<'static>>) -> Self {
        Self { work: Work { writer, digest: Sha256::new(), bytes: 0 }, spare: Vec::new(), piece: None }
    }
}

/// Compresses one batch at a time on another thread. Dropping it leaves at most one batch to be compressed for nothing.
enum Compressor {
    Idle(Box<Ready>),
    Busy(JoinHandle<io::Result<Ready>>),
    /// It failed, and so has the file.
    Lost,
}

impl Compressor {
    fn begin(mut work: Work, mut batch: Vec<u8>, piece_bytes: usize) -> Self {
        Self::Busy(tokio::task::spawn_blocking(move || {
            let piece = work.batch(&batch, piece_bytes)?;
            batch.clear();
            Ok(Ready { work, spare: batch, piece })
        }))
    }

    async fn end(self) -> io::Result<Ready> {
        match self {
            Self::Idle(ready) => Ok(*ready),
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
