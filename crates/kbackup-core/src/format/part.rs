//! Parts: objects in a tar, compressed, and encrypted where that is asked for.

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::compressed::hex;
use super::{BackupLayout, FileWriter, IndexLine, PartRecord};
use crate::crypt::Seal;
use crate::limits::Limits;
use crate::model::{Gvr, Object};
use crate::store::{ObjectStore, StoreError, StoreErrorKind, StoreResult};

/// What stands for itself in an entry's path: what every file system and shell takes.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');
const BLOCK: usize = 512;

/// Writes one part. Nothing is visible in the store before [`PartWriter::finish`].
pub struct PartWriter<'a> {
    number: u32,
    file: FileWriter<'a>,
    mtime: u64,
    objects: u64,
}

impl std::fmt::Debug for PartWriter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PartWriter")
            .field("number", &self.number)
            .field("objects", &self.objects)
            .finish_non_exhaustive()
    }
}

impl<'a> PartWriter<'a> {
    /// The part `number` of a backup whose run began at `started_at`, which becomes the time of every entry.
    ///
    /// # Errors
    /// As [`FileWriter::new`].
    pub fn new(
        store: &'a dyn ObjectStore,
        layout: &BackupLayout,
        number: u32,
        started_at: Timestamp,
        limits: &Limits,
        seal: &Seal,
    ) -> StoreResult<Self> {
        let file = FileWriter::new(store, layout.part(number), limits, seal)?;
        let mtime = started_at.as_second().try_into().unwrap_or(0);
        Ok(Self { number, file, mtime, objects: 0 })
    }

    /// Bytes in it so far, before compression.
    #[must_use]
    pub fn raw_bytes(&self) -> u64 {
        self.file.raw_bytes()
    }

    /// Appends an object of type `gvr`, and gives its line of the index.
    ///
    /// # Errors
    /// The store's.
    pub async fn append(&mut self, gvr: &Gvr, object: &Object) -> StoreResult<IndexLine> {
        let data = object.raw();
        let path = entry_path(gvr, object.meta().namespace.as_deref(), &object.meta().name);
        let header = self.header(&path, data.len()).map_err(|error| {
            StoreError::new(StoreErrorKind::Invalid, format!("{path} does not fit into a tar archive"))
                .with_source(error)
        })?;
        self.file.write(&header).await?;
        let off = self.file.raw_bytes();
        self.file.write(data).await?;
        self.file.write(&[0; BLOCK][..data.len().next_multiple_of(BLOCK) - data.len()]).await?;
        self.objects += 1;
        Ok(IndexLine::of(gvr, object, self.number, off, hex(&Sha256::digest(data))))
    }

    /// Ends the part and makes it visible.
    ///
    /// # Errors
    /// The store's; nothing is visible then.
    pub async fn finish(mut self) -> StoreResult<PartRecord> {
        self.end().await?;
        Ok(PartRecord { number: self.number, objects: self.objects, file: self.file.finish().await? })
    }

    /// Ends the part as [`PartWriter::finish`] does, and begins the part `number` of the same backup with the memory of
    /// this one.
    ///
    /// # Errors
    /// As [`PartWriter::finish`] and [`PartWriter::new`].
    pub async fn then(mut self, layout: &BackupLayout, number: u32) -> StoreResult<(PartRecord, Self)> {
        self.end().await?;
        let (file, next) = self.file.then(layout.part(number)).await?;
        let record = PartRecord { number: self.number, objects: self.objects, file };
        Ok((record, Self { number, file: next, objects: 0, ..self }))
    }

    /// A tar ends with two blocks of zeros.
    async fn end(&mut self) -> StoreResult<()> {
        self.file.write(&[0; 2 * BLOCK]).await
    }

    /// What stands before the bytes of an entry.
    fn header(&self, path: &str, len: usize) -> std::io::Result<Vec<u8>> {
        let mut header = tar::Header::new_ustar();
        header.set_size(len as u64);
        header.set_mode(0o644);
        header.set_mtime(self.mtime);
        header.set_entry_type(tar::EntryType::Regular);
        let mut bytes = Vec::with_capacity(BLOCK);
        if header.set_path(path).is_err() {
            // Too long for the header of a ustar archive: a pax record before it has the path, and wins.
            let mut before = tar::Builder::new(Vec::new());
            before.append_pax_extensions([("path", path.as_bytes())])?;
            bytes.append(before.get_mut());
            header.set_path(format!("resources/long/{:08}.json", self.objects))?;
        }
        header.set_cksum();
        bytes.extend_from_slice(header.as_bytes());
        Ok(bytes)
    }
}

/// Where an object stands in its part: `resources/<plural>[.<group>]/<version>/namespaces/<ns>/<name>.json`, or
/// `…/cluster/<name>.json`. What not every file system takes is percent-encoded; the index has the true name.
///
/// ```
/// use kbackup_core::format::entry_path;
/// use kbackup_core::model::Gvr;
///
/// let roles = Gvr::new("rbac.authorization.k8s.io", "v1", "roles");
/// assert_eq!(
///     entry_path(&roles, Some("shop"), "system:web"),
///     "resources/roles.rbac.authorization.k8s.io/v1/namespaces/shop/system%3Aweb.json"
/// );
/// ```
#[must_use]
pub fn entry_path(gvr: &Gvr, namespace: Option<&str>, name: &str) -> String {
    let name = utf8_percent_encode(name, PLAIN);
    let ty = format!("resources/{}/{}", gvr.group_resource(), gvr.version);
    match namespace {
        Some(namespace) => format!("{ty}/namespaces/{}/{name}.json", utf8_percent_encode(namespace, PLAIN)),
        None => format!("{ty}/cluster/{name}.json"),
    }
}
