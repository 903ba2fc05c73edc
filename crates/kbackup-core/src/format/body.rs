//! The bytes of a file: as they are in the store, and opened.

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use sha2::{Digest, Sha256};

use super::access::refused;
use super::compressed::hex;
use super::{Access, FileRecord, FormatError, Manifest};
use crate::crypt::{Opener, Step};
use crate::model::BackupName;
use crate::store::{Key, StoreResult};

/// Compressed bytes that are decompressed at once: bounds what a hostile file can blow up to between two checks.
const BITE_BYTES: usize = 16 << 10;

/// The bytes of a file as they are in the store, digested on the way.
pub(crate) struct Body<'a> {
    name: &'a BackupName,
    file: &'a FileRecord,
    stream: BoxStream<'static, StoreResult<Bytes>>,
    digest: Sha256,
    bytes: u64,
}

impl<'a> Body<'a> {
    pub(crate) async fn open(
        access: Access<'_>,
        name: &'a BackupName,
        file: &'a FileRecord,
    ) -> Result<Self, FormatError> {
        let download = access.store().get(&file.key, None).await;
        let download = download.map_err(|error| FormatError::of_file(name, file, error))?;
        if download.stored.size != file.bytes {
            let what = format!("{} has {} bytes, and {} were written", file.key, download.stored.size, file.bytes);
            return Err(FormatError::damaged(name, what));
        }
        Ok(Self { name, file, stream: download.body, digest: Sha256::new(), bytes: 0 })
    }

    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, FormatError> {
        let piece = self.stream.next().await.transpose();
        let piece = piece.map_err(|error| FormatError::of_file(self.name, self.file, error))?;
        if let Some(piece) = &piece {
            self.digest.update(piece);
            self.bytes += piece.len() as u64;
        }
        Ok(piece)
    }

    /// Compares what was read, which must be all, with what was written.
    pub(crate) fn check(self) -> Result<(), FormatError> {
        // A file of Velero's has no digest.
        let digest_differs = !self.file.sha256.is_empty() && hex(&self.digest.finalize()) != self.file.sha256;
        if self.bytes == self.file.bytes && !digest_differs {
            return Ok(());
        }
        Err(FormatError::differs(self.name, self.file))
    }
}

/// What is in a file: decrypted where the backup is encrypted, and still compressed.
pub(crate) struct Contents<'a> {
    manifest: &'a Manifest,
    body: Body<'a>,
    opener: Option<Opener>,
    piece: Bytes,
}

impl<'a> Contents<'a> {
    pub(crate) async fn open(
        access: Access<'_>,
        manifest: &'a Manifest,
        file: &'a FileRecord,
    ) -> Result<Self, FormatError> {
        let opener = access.identities(manifest).await?.map(Opener::new);
        let body = Body::open(access, &manifest.name, file).await?;
        Ok(Self { manifest, body, opener, piece: Bytes::new() })
    }

    /// The next few bytes; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, FormatError> {
        let Some(opener) = &mut self.opener else { return self.plain().await };
        loop {
            let step = opener.read(BITE_BYTES).map_err(|error| refused(self.manifest, self.body.file, error))?;
            match step {
                Step::Bytes(bytes) => return Ok(Some(bytes)),
                Step::End => return Ok(None),
                Step::Hungry => match self.body.next().await? {
                    Some(piece) => opener.feed(piece),
                    None => opener.end(),
                },
            }
        }
    }

    /// Compares what was read, which must be all, with what was written.
    pub(crate) fn check(self) -> Result<(), FormatError> {
        self.body.check()
    }

    pub(super) fn key(&self) -> &Key {
        &self.body.file.key
    }

    pub(super) fn damaged(&self, what: impl std::fmt::Display) -> FormatError {
        FormatError::damaged(&self.manifest.name, format!("{}: {what}", self.key()))
    }

    async fn plain(&mut self) -> Result<Option<Bytes>, FormatError> {
        while self.piece.is_empty() {
            match self.body.next().await? {
                Some(piece) => self.piece = piece,
                None => return Ok(None),
            }
        }
        Ok(Some(self.piece.split_to(self.piece.len().min(BITE_BYTES))))
    }
}
