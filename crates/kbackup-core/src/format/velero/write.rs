//! Writes a backup as Velero keeps one.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use jiff::Timestamp;

use super::VeleroLayout;
use super::documents;
use super::gzip::GzipFile;
use super::tar_entry::{end, entry, object_paths};
use crate::format::Manifest;
use crate::issue::Issue;
use crate::model::{Gvr, Object};
use crate::store::{Key, ObjectStore, PutMode, StoreError, StoreErrorKind, StoreResult};

/// The version of Velero's format that is written.
pub(super) const FORMAT_VERSION: &str = "1.1.0";

/// Writes one backup in Velero's layout. It does not exist for Velero before [`VeleroCommit::commit`], which comes last.
pub struct VeleroWriter<'a> {
    store: &'a dyn ObjectStore,
    layout: VeleroLayout,
    tarball: GzipFile<'a>,
    mtime: u64,
    resources: BTreeMap<String, BTreeSet<String>>,
    piece_bytes: usize,
}

/// A backup whose tarball is there, and that Velero does not see yet.
#[derive(Debug)]
pub struct VeleroCommit<'a> {
    store: &'a dyn ObjectStore,
    layout: VeleroLayout,
    resources: BTreeMap<String, BTreeSet<String>>,
    piece_bytes: usize,
    bytes: u64,
}

impl std::fmt::Debug for VeleroWriter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VeleroWriter").field("layout", &self.layout).finish_non_exhaustive()
    }
}

impl<'a> VeleroWriter<'a> {
    /// Begins the tarball of a backup, whose entries get the time `now`; it is sent in pieces of about `piece_bytes`.
    ///
    /// # Errors
    /// The store's.
    pub async fn begin(
        store: &'a dyn ObjectStore,
        layout: VeleroLayout,
        now: Timestamp,
        piece_bytes: usize,
    ) -> StoreResult<Self> {
        let tarball = GzipFile::new(store, layout.tarball(), piece_bytes);
        let mtime = now.as_second().try_into().unwrap_or(0);
        let mut writer = Self { store, layout, tarball, mtime, resources: BTreeMap::new(), piece_bytes };
        writer.add("metadata/version", format!("{FORMAT_VERSION}\n").as_bytes()).await?;
        Ok(writer)
    }

    /// Adds an object, which is of the version that its server preferred.
    ///
    /// # Errors
    /// The store's.
    pub async fn append(&mut self, gvr: &Gvr, object: &Object) -> StoreResult<()> {
        let meta = object.meta();
        for path in object_paths(gvr, meta.namespace.as_deref(), &meta.name) {
            self.add(&path, object.raw()).await?;
        }
        let place = match &meta.namespace {
            Some(namespace) => format!("{namespace}/{}", meta.name),
            None => meta.name.clone(),
        };
        self.resources.entry(format!("{}/{}", meta.api_version, meta.kind)).or_default().insert(place);
        Ok(())
    }

    /// Ends the tarball and makes it visible: from then on the name is this writer's.
    ///
    /// # Errors
    /// The store's; `AlreadyExists` where another one writes a backup of that name. Nothing was written then.
    pub async fn finish(mut self) -> StoreResult<VeleroCommit<'a>> {
        self.tarball.write(&end()).await?;
        let bytes = self.tarball.finish().await?;
        let Self { store, layout, resources, piece_bytes, .. } = self;
        Ok(VeleroCommit { store, layout, resources, piece_bytes, bytes })
    }

    async fn add(&mut self, path: &str, content: &[u8]) -> StoreResult<()> {
        let bytes = entry(path, content, self.mtime).map_err(|error| unfit(path, error))?;
        self.tarball.write(&bytes).await
    }
}

impl VeleroCommit<'_> {
    /// Writes the small files, and last the Backup object, by which the backup exists. Gives the bytes of all files.
    ///
    /// # Errors
    /// The store's.
    pub async fn commit(self, manifest: &Manifest, issues: &[Issue]) -> StoreResult<u64> {
        let mut bytes = self.bytes;
        let none = || b"[]\n".to_vec();
        for (name, content) in [
            ("logs.gz", documents::log(manifest)),
            ("podvolumebackups.json.gz", none()),
            ("volumesnapshots.json.gz", none()),
            ("itemoperations.json.gz", none()),
            ("resource-list.json.gz", documents::json_line(&self.resources)),
            ("results.gz", documents::results(issues)),
            ("volumeinfo.json.gz", none()),
        ] {
            let mut file = GzipFile::new(self.store, self.layout.file(name), self.piece_bytes);
            file.write(&content).await?;
            bytes += file.finish().await?;
        }
        let marker = documents::marker(manifest);
        bytes += marker.len() as u64;
        self.store.put(&self.layout.marker(), marker.into(), PutMode::Create).await?;
        Ok(bytes)
    }
}

/// Every key that a [`VeleroWriter`] may write, the Backup object first: until that is gone Velero sees the backup.
#[must_use]
pub(crate) fn written_keys(layout: &VeleroLayout) -> Vec<Key> {
    let beside = [
        "logs.gz",
        "podvolumebackups.json.gz",
        "volumesnapshots.json.gz",
        "itemoperations.json.gz",
        "resource-list.json.gz",
        "results.gz",
        "volumeinfo.json.gz",
    ];
    let files = beside.into_iter().map(|name| layout.file(name));
    [layout.marker(), layout.tarball()].into_iter().chain(files).collect()
}

fn unfit(path: &str, error: io::Error) -> StoreError {
    let what = format!("{path} does not fit into a tar archive");
    StoreError::new(StoreErrorKind::Invalid, what).with_source(error)
}
