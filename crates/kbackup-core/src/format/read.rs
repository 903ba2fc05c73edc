//! Reading a backup: everything is checked against a digest before it is believed.

use std::collections::VecDeque;
use std::io::{self, Write};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::body::{Body, Contents};
use super::compressed::hex;
use super::inflate::Inflater;
use super::velero;
use super::{
    Access, BackupLayout, FileRecord, FormatError, FormatVersion, IndexLine, IndexReader, Manifest, PartRecord,
};
use crate::limits::Limits;
use crate::model::BackupName;
use crate::store::{ObjectStoreExt, StoreErrorKind};

/// A manifest names parts and types, not objects: a hundred thousand parts fit.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;
/// A line of an index has names, labels and digests of one object, which etcd holds to some MiB.
const LINE_BYTES_MAX: usize = 4 << 20;

/// The digest of bytes, as the manifest writes it.
#[must_use]
pub fn digest_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Reads and checks the manifest of a backup, kbackup's or [Velero's](super::velero), and its signature where keys are
/// trusted.
///
/// # Errors
/// `NotFound` where there is none; `Untrusted`; `TooNew`; `Damaged` where it is no manifest, or one of another backup.
pub async fn read_manifest<'a>(from: impl Into<Access<'a>> + Send, name: &BackupName) -> Result<Manifest, FormatError> {
    let access: Access<'a> = from.into();
    let (store, key) = (access.store(), BackupLayout::new(name).manifest());
    let bytes = match store.get_bytes(&key, MANIFEST_BYTES_MAX).await {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == StoreErrorKind::NotFound => {
            let not_found = || FormatError::NotFound { name: name.clone(), store: store.to_string() };
            let manifest = velero::read_manifest(store, name).await?.ok_or_else(not_found)?;
            return access.check_unsigned(name).map(|()| manifest);
        }
        Err(error) => return Err(FormatError::store(name, error)),
    };
    // Nothing in it is believed before that.
    access.check_signature(name, &bytes).await?;
    parse_manifest(name, &bytes)
}

fn parse_manifest(name: &BackupName, bytes: &[u8]) -> Result<Manifest, FormatError> {
    #[derive(serde::Deserialize)]
    struct Head {
        format: String,
        version: FormatVersion,
    }
    let damaged = |error: serde_json::Error| FormatError::damaged(name, format!("manifest.json: {error}"));
    let head: Head = serde_json::from_slice(bytes).map_err(damaged)?;
    if head.format != Manifest::FORMAT {
        return Err(FormatError::damaged(name, format!("manifest.json is of the format \"{}\"", head.format)));
    }
    if !head.version.is_readable() {
        return Err(FormatError::TooNew { name: name.clone(), version: head.version });
    }
    let manifest: Manifest = serde_json::from_slice(bytes).map_err(damaged)?;
    if manifest.name != *name {
        return Err(FormatError::damaged(name, format!("manifest.json is that of \"{}\"", manifest.name)));
    }
    Ok(manifest)
}

impl Manifest {
    /// Reads and checks the index: its lines that count, by type, namespace and name.
    ///
    /// # Errors
    /// `Damaged` where a byte differs from what was written, a line names a part that does not exist, or an object is
    /// named twice; `Encrypted` where nothing opens it.
    pub async fn read_index<'a>(&self, from: impl Into<Access<'a>> + Send) -> Result<Vec<IndexLine>, FormatError> {
        let access = from.into();
        if self.is_velero() {
            return velero::read_index(access, self).await;
        }
        let file = self.file("index").ok_or_else(|| FormatError::damaged(&self.name, "the manifest names no index"))?;
        let mut reader = IndexReader::default();
        read_lines(access, self, file, |line| reader.line(line)).await?;
        if let Some(part) = reader.parts().into_iter().find(|part| self.part(*part).is_none()) {
            return Err(FormatError::damaged(
                &self.name,
                format!("the index names part {part}, which is not in the manifest"),
            ));
        }
        let twice = |object| FormatError::damaged(&self.name, format!("the index names {object} twice"));
        reader.finish().map_err(twice)
    }

    /// Reads and checks the issues of the run that made the backup.
    ///
    /// # Errors
    /// `Damaged` where a byte differs from what was written; `Encrypted` where nothing opens them.
    pub async fn read_issues<'a>(
        &self,
        from: impl Into<Access<'a>> + Send,
    ) -> Result<Vec<crate::issue::Issue>, FormatError> {
        let access = from.into();
        if self.is_velero() {
            return velero::read_issues(access.store(), self).await;
        }
        let Some(file) = self.file("issues") else { return Ok(Vec::new()) };
        let mut issues = Vec::new();
        let take = |line: &[u8]| serde_json::from_slice(line).map(|issue| issues.push(issue));
        read_lines(access, self, file, take).await?;
        Ok(issues)
    }
}

/// Reads a whole part and compares its size and digest with the manifest. A gzip has a checksum of its own. No key is
/// needed.
///
/// # Errors
/// `Damaged` where it is missing or differs.
pub async fn verify_part<'a>(
    from: impl Into<Access<'a>> + Send,
    name: &BackupName,
    part: &PartRecord,
) -> Result<(), FormatError> {
    verify_file(from, name, &part.file).await
}

/// Reads a whole file and compares its size and digest with the manifest. A gzip has a checksum of its own.
///
/// # Errors
/// `Damaged` where it is missing or differs.
pub async fn verify_file<'a>(
    from: impl Into<Access<'a>> + Send,
    name: &BackupName,
    file: &FileRecord,
) -> Result<(), FormatError> {
    let mut body = Body::open(from.into(), name, file).await?;
    let damaged = |error: io::Error| FormatError::damaged(name, format!("{}: {error}", file.key));
    let is_gzip = file.key.as_str().ends_with(".gz");
    let mut inflater = is_gzip.then(|| Inflater::of(&file.key, Room(file.raw_bytes))).transpose().map_err(damaged)?;
    while let Some(piece) = body.next().await? {
        if let Some(inflater) = &mut inflater {
            inflater.write_all(&piece).map_err(damaged)?;
        }
    }
    inflater.as_mut().map_or(Ok(()), Inflater::end).map_err(damaged)?;
    body.check()
}

/// As [`verify_file`], of a file of lines: it also decompresses to the size that the manifest states, and each of its
/// lines is JSON.
///
/// # Errors
/// As [`verify_file`]; `Damaged` also where that does not hold.
pub async fn verify_lines(access: Access<'_>, manifest: &Manifest, file: &FileRecord) -> Result<(), FormatError> {
    read_lines(access, manifest, file, |line| serde_json::from_slice::<serde::de::IgnoredAny>(line).map(|_| ())).await
}

/// Bytes that are only counted.
struct Room(u64);

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len() as u64).ok_or_else(too_large)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Gives every line of a compressed file to `take`, then checks the file's digest: an `Err` voids all lines.
pub(super) async fn read_lines(
    access: Access<'_>,
    manifest: &Manifest,
    file: &FileRecord,
    take: impl FnMut(&[u8]) -> Result<(), serde_json::Error> + Send,
) -> Result<(), FormatError> {
    let damaged = |error: io::Error| FormatError::damaged(&manifest.name, format!("{}: {error}", file.key));
    let lines = Lines { take, rest: Vec::new(), room: file.raw_bytes };
    let mut inflater = Inflater::of(&file.key, lines).map_err(damaged)?;
    let mut contents = Contents::open(access, manifest, file).await?;
    while let Some(piece) = contents.next().await? {
        inflater.write_all(&piece).map_err(damaged)?;
    }
    inflater.end().map_err(damaged)?;
    contents.check()
}

/// Cuts what is written to it into lines.
struct Lines<F> {
    take: F,
    rest: Vec<u8>,
    room: u64,
}

impl<F: FnMut(&[u8]) -> Result<(), serde_json::Error>> Write for Lines<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.room = self.room.checked_sub(bytes.len() as u64).ok_or_else(too_large)?;
        let mut from = 0;
        for end in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at) {
            self.rest.extend_from_slice(&bytes[from..end]);
            (self.take)(&self.rest)?;
            self.rest.clear();
            from = end + 1;
        }
        self.rest.extend_from_slice(&bytes[from..]);
        if self.rest.len() > LINE_BYTES_MAX {
            return Err(io::Error::other("a line is longer than 4 MiB"));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(super) fn too_large() -> io::Error {
    io::Error::other("it decompresses to more than the manifest states")
}

/// Where an object's JSON is in a decompressed part, and what its digest must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectCut {
    /// The first byte.
    pub off: u64,
    /// The number of bytes.
    pub len: u64,
    /// The SHA-256 digest, in hexadecimal digits.
    pub sha256: String,
}

impl From<&IndexLine> for ObjectCut {
    fn from(line: &IndexLine) -> Self {
        Self { off: line.off, len: line.len, sha256: line.sha256.clone() }
    }
}

/// Reads chosen objects of one part, in the order of their place, holding only a few at a time.
pub struct PartReader<'a> {
    contents: Contents<'a>,
    inflater: Inflater<Cutter>,
}

impl std::fmt::Debug for PartReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PartReader").field("key", self.contents.key()).finish_non_exhaustive()
    }
}

impl<'a> PartReader<'a> {
    /// Begins to read `cuts`, which must ascend by place.
    ///
    /// # Errors
    /// `Damaged` where the part is missing, has another size than was written, or a cut is not possible; `Encrypted` where
    /// nothing opens it.
    pub async fn open<'s>(
        from: impl Into<Access<'s>> + Send,
        manifest: &'a Manifest,
        part: &'a PartRecord,
        cuts: Vec<ObjectCut>,
        limits: &Limits,
    ) -> Result<Self, FormatError> {
        let (access, name) = (from.into(), &manifest.name);
        let place = |what: &str| FormatError::damaged(name, format!("the index has {what} in {}", part.file.key));
        if cuts.iter().any(|cut| cut.len > limits.object_bytes_max) {
            return Err(place("an object that is too large"));
        }
        if cuts.windows(2).any(|pair| pair[0].off.saturating_add(pair[0].len) > pair[1].off) {
            return Err(place("objects that overlap"));
        }
        let cutter = Cutter {
            cuts: cuts.into(),
            position: 0,
            room: part.file.raw_bytes,
            open: Vec::new(),
            done: VecDeque::new(),
        };
        let inflater =
            Inflater::of(&part.file.key, cutter).map_err(|error| FormatError::damaged(name, error.to_string()))?;
        Ok(Self { contents: Contents::open(access, manifest, &part.file).await?, inflater })
    }

    /// The JSON of the next object, its digest checked; `None` after the last.
    ///
    /// # Errors
    /// `Damaged` where the part ends too early, can't be decompressed, or an object's digest differs.
    pub async fn next(&mut self) -> Result<Option<Bytes>, FormatError> {
        loop {
            let cutter = self.inflater.get_mut();
            if let Some(bytes) = cutter.done.pop_front() {
                return Ok(Some(bytes));
            }
            if cutter.cuts.is_empty() {
                return Ok(None);
            }
            self.bite().await?;
        }
    }

    async fn bite(&mut self) -> Result<(), FormatError> {
        let Some(bite) = self.contents.next().await? else {
            return Err(self.contents.damaged("it ends too early"));
        };
        self.inflater
            .write_all(&bite)
            .and_then(|()| self.inflater.flush())
            .map_err(|error| self.contents.damaged(error))
    }
}

/// Cuts objects out of what is written to it.
struct Cutter {
    cuts: VecDeque<ObjectCut>,
    position: u64,
    room: u64,
    open: Vec<u8>,
    done: VecDeque<Bytes>,
}

impl Cutter {
    /// Takes from `bytes`, which begin at the current position, what belongs to the first cut; true where that is done.
    fn cut(&mut self, bytes: &[u8]) -> io::Result<bool> {
        let Some(cut) = self.cuts.front() else { return Ok(false) };
        let (begin, end) = (cut.off + self.open.len() as u64, cut.off.saturating_add(cut.len));
        let here = |at: u64| usize::try_from(at.saturating_sub(self.position)).unwrap_or(usize::MAX).min(bytes.len());
        self.open.extend_from_slice(&bytes[here(begin)..here(end)]);
        if (self.open.len() as u64) < cut.len {
            return Ok(false);
        }
        if digest_of(&self.open) != cut.sha256 {
            return Err(io::Error::other(format!(
                "the object at byte {} is not what was written (its digest differs)",
                cut.off
            )));
        }
        self.done.push_back(std::mem::take(&mut self.open).into());
        self.cuts.pop_front();
        Ok(true)
    }
}

impl Write for Cutter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.room = self.room.checked_sub(bytes.len() as u64).ok_or_else(too_large)?;
        while self.cut(bytes)? {}
        self.position += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
