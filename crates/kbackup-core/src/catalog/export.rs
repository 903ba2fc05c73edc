//! Writes a backup to another store in a format that is not kbackup's.

use std::collections::BTreeMap;

use futures::TryStreamExt;

use super::CatalogError;
use crate::event::Event;
use crate::format::velero::{VeleroLayout, VeleroWriter, written_keys};
use crate::format::{
    Access, BackupLayout, FormatError, IndexLine, Manifest, ObjectCut, PartReader, location, read_manifest,
};
use crate::model::{BackupName, Object};
use crate::run::Run;
use crate::store::{ObjectStore, ObjectStoreExt, Prefix, StoreErrorKind};

/// Folders that Velero knows: with any other one beside its backups it takes the place for broken.
const KNOWN_TO_VELERO: [&str; 6] = ["backups", "restores", "restic", "metadata", "plugins", "kopia"];

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// The backup.
    pub manifest: Manifest,
    /// Objects that were written.
    pub objects: u64,
    /// Bytes that were written.
    pub bytes: u64,
}

/// Why a backup could not be exported. Nothing of it is left in the store then, as far as the store lets it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The backup can't be read, or does not exist.
    #[error(transparent)]
    Backup(#[from] FormatError),
    /// There is a backup of that name, kbackup's or Velero's, or something that one has left.
    #[error("there is a backup \"{name}\" in {store} already, or what is left of one")]
    NameTaken {
        /// The name.
        name: BackupName,
        /// The store's URL.
        store: String,
    },
    /// Velero would not accept the place.
    #[error("{store} is not a place for Velero's backups: {why}")]
    Unfit {
        /// The store's URL.
        store: String,
        /// What is in the way.
        why: String,
    },
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] CatalogError),
    /// The run was cancelled.
    #[error("the export was cancelled")]
    Cancelled,
}

/// Writes the backup `name` of the store `from` to the store `to`, as Velero keeps one: Velero lists it after its next sync,
/// and restores it.
///
/// Objects only: what a backup knows of volumes is not exported. Every object is read and checked on the way; a few are in
/// memory at a time. The backup exists for Velero when all of it is there.
///
/// # Errors
/// See [`ExportError`].
pub async fn export_velero<'a>(
    from: impl Into<Access<'a>> + Send,
    name: &BackupName,
    to: &dyn ObjectStore,
    run: &Run,
) -> Result<Exported, ExportError> {
    let from: Access<'a> = from.into();
    run.stage("reading the backup");
    let manifest = read_manifest(from, name).await?;
    let index = manifest.read_index(from).await?;
    refuse_unfit(to).await?;
    refuse_taken(to, name).await?;
    run.stage(format!("exporting {} objects", index.len()));
    run.emit(Event::Total { objects: index.len() as u64 });
    let mut owned = false;
    let written = tokio::select! {
        biased;
        () = run.cancelled() => Err(ExportError::Cancelled),
        written = write(from, manifest, index, to, &mut owned, run) => written,
    };
    if written.is_err() && owned {
        clean_up(to, name).await;
    }
    written
}

/// Writes all of it; `owned` tells whether the name is this run's by now, and so what was written is.
async fn write(
    from: Access<'_>,
    manifest: Manifest,
    index: Vec<IndexLine>,
    to: &dyn ObjectStore,
    owned: &mut bool,
    run: &Run,
) -> Result<Exported, ExportError> {
    let layout = VeleroLayout::new(&manifest.name);
    let begun = VeleroWriter::begin(to, layout, run.now(), run.bounds().upload_piece_bytes).await;
    let mut writer = begun.map_err(CatalogError::store("beginning the tarball"))?;
    let objects = index.len() as u64;
    let mut parts: BTreeMap<u32, Vec<IndexLine>> = BTreeMap::new();
    for line in index {
        parts.entry(line.part).or_default().push(line);
    }
    for (number, lines) in parts {
        copy_part(from, &manifest, number, lines, &mut writer, run).await?;
    }
    let issues = manifest.read_issues(from).await?;
    let commit = writer.finish().await.map_err(CatalogError::store("writing the tarball"))?;
    *owned = true;
    let bytes = commit.commit(&manifest, &issues).await.map_err(CatalogError::store("writing Velero's files"))?;
    Ok(Exported { manifest, objects, bytes })
}

async fn copy_part(
    from: Access<'_>,
    manifest: &Manifest,
    number: u32,
    mut lines: Vec<IndexLine>,
    writer: &mut VeleroWriter<'_>,
    run: &Run,
) -> Result<(), ExportError> {
    lines.sort_by_key(|line| line.off);
    let missing = || FormatError::damaged(&manifest.name, format!("the manifest has no part {number}"));
    let part = manifest.part(number).ok_or_else(missing)?;
    let cuts = lines.iter().map(ObjectCut::from).collect();
    let mut reader = PartReader::open(from, manifest, part, cuts, run.bounds()).await?;
    for line in &lines {
        let damaged = |why: String| FormatError::damaged(&manifest.name, format!("{}: {why}", line.object()));
        let bytes = reader.next().await?.ok_or_else(|| damaged("it is not in its part".to_owned()))?;
        let object = Object::parse(bytes).map_err(|error| damaged(error.to_string()))?;
        writer.append(&line.gvr, &object).await.map_err(CatalogError::store("writing the tarball"))?;
        run.emit(Event::Progress { gvr: (*line.gvr).clone(), objects: 1, bytes: line.len });
    }
    Ok(())
}

/// Velero takes a place with folders that it does not know for broken, and kbackup's own backups are not to be mixed up
/// with Velero's.
async fn refuse_unfit(to: &dyn ObjectStore) -> Result<(), ExportError> {
    if !to.capabilities().writable {
        return Err(CatalogError::ReadOnly { store: to.to_string() }.into());
    }
    let during = "looking whose the place is";
    let unfit = |why: String| Err(ExportError::Unfit { store: to.to_string(), why });
    if to.exists(&location()).await.map_err(CatalogError::store(during))? {
        return unfit("kbackup keeps its own backups there, and Velero's need a prefix of their own".to_owned());
    }
    let beside = to.list_children(&Prefix::root()).await.map_err(CatalogError::store(during))?.prefixes;
    match beside.iter().find(|prefix| !KNOWN_TO_VELERO.contains(&prefix.as_str())) {
        Some(foreign) => unfit(format!("Velero does not accept one with a folder \"{}/\" in it", foreign.as_str())),
        None => Ok(()),
    }
}

async fn refuse_taken(to: &dyn ObjectStore, name: &BackupName) -> Result<(), ExportError> {
    let first = to.list(&BackupLayout::new(name).folder()).try_next().await;
    match first.map_err(CatalogError::store("looking for a backup of that name"))? {
        Some(_) => Err(ExportError::NameTaken { name: name.clone(), store: to.to_string() }),
        None => Ok(()),
    }
}

/// Best effort: without the Backup object, which comes last, nothing lists. Where that is there, another one has written it,
/// or its answer was lost: then all stays.
async fn clean_up(to: &dyn ObjectStore, name: &BackupName) {
    let layout = VeleroLayout::new(name);
    if !matches!(to.head(&layout.marker()).await, Err(error) if error.kind() == StoreErrorKind::NotFound) {
        return;
    }
    let keys: Vec<_> = written_keys(&layout).into_iter().filter(|key| *key != layout.marker()).collect();
    if let Err(error) = to.delete(&keys).await {
        tracing::warn!(%error, "what an unfinished export has written could not be removed");
    }
}
