//! Reading files, whole and in ranges.

use std::fs::{self, File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use jiff::Timestamp;
use kbackup_core::store::{Key, StoreError, StoreErrorKind, StoreResult, Stored};

use super::error::{blocking, failed, is_missing, not_found};
use super::root::Root;

/// What is read from disk and held in memory at a time.
const PIECE_BYTES: u64 = 256 << 10;

/// A file that is being read. It stays as it was when it was opened, whatever becomes of its name.
pub(super) struct OpenFile {
    pub(super) stored: Stored,
    pub(super) range: Range<u64>,
    path: PathBuf,
    file: File,
}

/// What a file is as an object.
pub(super) fn stored(key: &Key, metadata: &Metadata) -> Stored {
    let modified = metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok());
    Stored { key: key.clone(), size: metadata.len(), modified: modified.unwrap_or(Timestamp::UNIX_EPOCH) }
}

/// Describes an object.
pub(super) fn describe(root: &Root, key: &Key) -> StoreResult<Stored> {
    let path = root.file(key)?;
    match fs::symlink_metadata(&path) {
        Ok(metadata) if metadata.is_file() => Ok(stored(key, &metadata)),
        Err(error) if !is_missing(&error) => Err(failed("look at", &path, error)),
        _ => Err(not_found(key, &root.path)),
    }
}

/// Opens an object at the beginning of `range`.
pub(super) fn open(root: &Root, key: &Key, range: Option<Range<u64>>) -> StoreResult<OpenFile> {
    // Before the file is opened, because opening a pipe, which is no object, would wait for its writer.
    describe(root, key)?;
    let path = root.file(key)?;
    let mut file = match File::open(&path) {
        Err(error) if is_missing(&error) => return Err(not_found(key, &root.path)),
        opened => opened.map_err(|error| failed("read", &path, error))?,
    };
    let metadata = file.metadata().map_err(|error| failed("look at", &path, error))?;
    let stored = stored(key, &metadata);
    let range = stored.clip(range)?;
    file.seek(SeekFrom::Start(range.start)).map_err(|error| failed("read", &path, error))?;
    Ok(OpenFile { stored, range, path, file })
}

impl OpenFile {
    /// The bytes of the range.
    pub(super) fn body(self) -> BoxStream<'static, StoreResult<Bytes>> {
        let left = self.range.end - self.range.start;
        stream::try_unfold((self, left), |(mut open, left)| async move {
            if left == 0 {
                return Ok(None);
            }
            let (open, piece) = blocking(move || open.read(left).map(|piece| (open, piece))).await?;
            let left = left - piece.len() as u64;
            Ok(Some((piece, (open, left))))
        })
        .boxed()
    }

    fn read(&mut self, left: u64) -> StoreResult<Bytes> {
        let mut piece = Vec::new();
        let read = Read::by_ref(&mut self.file).take(left.min(PIECE_BYTES)).read_to_end(&mut piece);
        read.map_err(|error| failed("read", &self.path, error))?;
        if piece.is_empty() {
            return Err(StoreError::new(
                StoreErrorKind::Corrupt,
                format!(
                    "{} was cut short while it was read: something else than kbackup writes to it",
                    self.path.display()
                ),
            ));
        }
        Ok(piece.into())
    }
}
