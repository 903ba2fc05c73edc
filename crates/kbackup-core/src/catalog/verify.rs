//! Whether a backup is what was written, to the last byte, and what it costs where it is not.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};

use super::CatalogError;
use crate::event::Event;
use crate::format::velero::{self, VeleroLayout};
use crate::format::{
    Access, FileRecord, FormatError, IndexLine, Manifest, PartRecord, read_manifest, scan_part, verify_file,
    verify_lines,
};
use crate::model::{BackupName, ObjectRef};
use crate::run::Run;
use crate::store::Key;

/// How thoroughly a backup is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// The size and digest of every file, and the index line by line.
    #[default]
    Digests,
    /// And every part decompressed, and its tar compared with the index entry by entry.
    Entries,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The backup.
    pub name: BackupName,
    /// How thorough it was.
    pub depth: Depth,
    /// Files that were read, the manifest among them.
    pub files: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Objects that the backup should hold.
    pub objects: u64,
    /// What is damaged; nothing, where the backup is whole.
    pub damages: Vec<Damage>,
    /// What is worth knowing and no damage: where Velero says that its backup holds other objects than it does.
    pub notes: Vec<String>,
}

/// A file of a backup that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub file: Key,
    /// What is wrong with it.
    pub what: Vec<String>,
    /// What that costs.
    pub cost: Cost,
}

/// What a damage costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cost {
    /// These objects. Without a deep verification: those that may be lost, all of the part.
    Objects(Vec<ObjectRef>),
    /// Every object: without its index, or the tarball of a backup of Velero's, nothing can be restored.
    Everything,
    /// No object.
    Nothing,
}

impl Verification {
    /// Whether nothing is damaged.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damages.is_empty()
    }
}

/// Reads every file of a backup and compares it with what was written.
///
/// Velero keeps no digests: of its backups the tarball is read to its end, whatever the depth, with its checksum and every
/// object in it; the list of what should be in it is compared, and the files beside it are read.
///
/// # Errors
/// Where there is no backup of that name, its manifest can't be read or believed, or the store does not answer: then it is
/// not known whether the backup is whole. Any other damage is in the verification.
pub async fn verify<'a>(
    from: impl Into<Access<'a>> + Send,
    name: &BackupName,
    depth: Depth,
    run: &Run,
) -> Result<Verification, CatalogError> {
    run.stage(format!("verifying {name}"));
    let access: Access<'a> = from.into();
    let manifest = read_manifest(access, name).await?;
    if manifest.is_velero() {
        return verify_velero(access, &manifest, run).await;
    }
    let mut damages = Vec::new();
    let index = match manifest.read_index(access).await {
        Ok(index) => Some(index),
        Err(FormatError::Damaged { what, .. }) => {
            damages.push(Damage { file: index_key(&manifest), what: vec![what], cost: Cost::Everything });
            None
        }
        Err(error) => return Err(error.into()),
    };
    damages.extend(index.as_ref().and_then(|index| miscount(&manifest, index)));
    for (role, file) in manifest.files.iter().filter(|(role, _)| *role != "index") {
        // What is under a passphrase has no lines.
        let depth = if role == "identity" { Depth::Digests } else { depth };
        damages.extend(verify_other(access, &manifest, file, depth).await?);
    }
    damages.extend(verify_parts(access, &manifest, index.as_deref(), depth, run).await?);
    let sizes = manifest.parts.iter().map(|part| &part.file).chain(manifest.files.values());
    Ok(Verification {
        name: name.clone(),
        depth,
        files: 1 + (manifest.parts.len() + manifest.files.len()) as u64,
        bytes: sizes.map(|file| file.bytes).sum(),
        objects: manifest.counts.objects,
        damages,
        notes: Vec::new(),
    })
}

/// Each object of the tarball is looked at, so it is as thorough as it can be.
async fn verify_velero(access: Access<'_>, manifest: &Manifest, run: &Run) -> Result<Verification, CatalogError> {
    let tarball = manifest.parts.first().map(|part| &part.file);
    let mut found = Verification {
        name: manifest.name.clone(),
        depth: Depth::Entries,
        files: 1 + (manifest.parts.len() + manifest.files.len()) as u64,
        bytes: tarball.map_or(0, |file| file.bytes),
        objects: manifest.counts.objects,
        damages: Vec::new(),
        notes: Vec::new(),
    };
    run.emit(Event::Total { objects: found.objects });
    match velero::check(access.store(), manifest).await {
        Ok(checked) => {
            found.objects = checked.index.len() as u64;
            found.notes = checked.notes;
            let damage = |(file, what)| Damage { file, what: vec![what], cost: Cost::Nothing };
            found.damages = checked.damages.into_iter().map(damage).collect();
        }
        Err(FormatError::Damaged { what, .. }) => {
            let file = tarball.map_or_else(|| VeleroLayout::new(&manifest.name).tarball(), |file| file.key.clone());
            found.damages.push(Damage { file, what: vec![what], cost: Cost::Everything });
        }
        Err(error) => return Err(error.into()),
    }
    Ok(found)
}

fn index_key(manifest: &Manifest) -> Key {
    let usual = || crate::format::BackupLayout::new(&manifest.name).index();
    manifest.file("index").map_or_else(usual, |file| file.key.clone())
}

/// An index that is what was written and still does not hold what the manifest says.
fn miscount(manifest: &Manifest, index: &[IndexLine]) -> Option<Damage> {
    let (held, stated) = (index.len() as u64, manifest.counts.objects);
    let what = vec![format!("it names {held} objects, and the manifest says {stated}")];
    (held != stated).then(|| Damage { file: index_key(manifest), what, cost: Cost::Nothing })
}

async fn verify_other(
    access: Access<'_>,
    manifest: &Manifest,
    file: &FileRecord,
    depth: Depth,
) -> Result<Option<Damage>, CatalogError> {
    let checked = match depth {
        Depth::Digests => verify_file(access, &manifest.name, file).await,
        Depth::Entries => verify_lines(access, manifest, file).await,
    };
    match checked {
        Ok(()) => Ok(None),
        Err(FormatError::Damaged { what, .. }) => {
            Ok(Some(Damage { file: file.key.clone(), what: vec![what], cost: Cost::Nothing }))
        }
        Err(error) => Err(error.into()),
    }
}

/// Several parts at a time; the damaged ones in the order of their numbers.
async fn verify_parts(
    access: Access<'_>,
    manifest: &Manifest,
    index: Option<&[IndexLine]>,
    depth: Depth,
    run: &Run,
) -> Result<Vec<Damage>, CatalogError> {
    let mut lines: BTreeMap<u32, Vec<&IndexLine>> = BTreeMap::new();
    for line in index.unwrap_or_default() {
        lines.entry(line.part).or_default().push(line);
    }
    run.emit(Event::Total { objects: manifest.counts.objects });
    let checks = manifest.parts.iter().map(|part| {
        let lines = lines.remove(&part.number).unwrap_or_default();
        verify_part(access, manifest, part, lines, (depth, index.is_some()), run)
    });
    let checks: Vec<_> = checks.collect();
    let found = stream::iter(checks).buffered(run.bounds().fetches_max.max(1));
    found.try_filter_map(async |damage| Ok(damage)).try_collect().await
}

async fn verify_part(
    access: Access<'_>,
    manifest: &Manifest,
    part: &PartRecord,
    lines: Vec<&IndexLine>,
    (depth, indexed): (Depth, bool),
    run: &Run,
) -> Result<Option<Damage>, CatalogError> {
    let (problems, lost) = match depth {
        Depth::Digests => match verify_file(access, &manifest.name, &part.file).await {
            Ok(()) => (Vec::new(), Vec::new()),
            Err(FormatError::Damaged { what, .. }) => (vec![what], (0..lines.len()).collect()),
            Err(error) => return Err(error.into()),
        },
        Depth::Entries => {
            let scan = scan_part(access, manifest, part, &lines, run.bounds()).await?;
            (scan.problems, scan.lost)
        }
    };
    if let Some(line) = lines.first() {
        run.emit(Event::Progress { gvr: (*line.gvr).clone(), objects: lines.len() as u64, bytes: part.file.raw_bytes });
    }
    if problems.is_empty() && lost.is_empty() {
        return Ok(None);
    }
    let objects = lost.into_iter().map(|number| lines[number].object()).collect();
    let cost = if indexed { Cost::Objects(objects) } else { Cost::Everything };
    Ok(Some(Damage { file: part.file.key.clone(), what: problems, cost }))
}
