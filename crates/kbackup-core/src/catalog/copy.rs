//! Copies a backup to another store: checked on the way, resumable, and there only when it is whole.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::json;

use super::CatalogError;
use super::delete::refuse_read_only;
use super::incoming::Incoming;
use super::reseal::reseal;
use crate::crypt::Protection;
use crate::format::{
    Access, BackupLayout, CheckedBody, Claim, FileRecord, FormatError, Hold, Manifest, NotHeld, TakeOver,
    mark_location, read_manifest, verify_file,
};
use crate::model::BackupName;
use crate::run::Run;
use crate::store::{Key, ObjectStore, ObjectStoreExt, PutMode, StoreErrorKind};

/// What a file beside the parts and the index, of which the manifest does not know, can have at most: a signature.
const SIDE_BYTES_MAX: u64 = 1 << 20;
/// A manifest names parts and types, not objects.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// What [`copy`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Copied {
    /// Files that were copied.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that an earlier copy had brought over already: they were read there and compared with the manifest.
    pub reused: u64,
}

/// How a copy is protected.
#[derive(Debug, Clone, Default)]
pub enum Reseal {
    /// As the original: byte for byte, with its signature. No key is needed.
    #[default]
    Never,
    /// As this says where the original is not encrypted; otherwise as the original.
    IfOpen(Protection),
    /// As this says. The keys that open the original are needed.
    Always(Protection),
}

impl Reseal {
    fn of(&self, manifest: &Manifest) -> Option<&Protection> {
        match self {
            Self::Never => None,
            Self::IfOpen(protection) => Some(protection).filter(|_| manifest.encryption.is_none()),
            Self::Always(protection) => Some(protection),
        }
    }
}

/// Copies the backup `name` from one store to another, under the same name, byte for byte.
///
/// What is read is compared with the digests of the manifest before it becomes visible at its new place, and the manifest
/// comes last, with create-if-absent: a copy exists when it is whole. A copy that broke off goes on when it is made again;
/// one that is there already is compared, and nothing is written. A backup that is locked is locked at its new place too,
/// until the same time. The snapshots of volumes are not copied: they stay the
/// original's, and deleting the copy leaves them alone.
///
/// # Errors
/// `Damaged` where the original is; `NotOurs` where Velero made it; `NameTaken` where the other store has another backup of that name; `InProgress` where
/// somebody is writing one; `Location` where the other store is not a location of ours; `ReadOnly`; `Store` with
/// `Unsupported` where the backup is locked and the other store can't lock; `NotTrusted` where the keys of `to` demand a
/// signature that the backup has not. Nothing was written then.
pub async fn copy<'a, 'b>(
    from: impl Into<Access<'a>> + Send,
    to: impl Into<Access<'b>> + Send,
    name: &BackupName,
    run: &Run,
) -> Result<Copied, CatalogError> {
    copy_as(from, to, name, &Reseal::Never, run).await
}

/// As [`fn@copy`], encrypted and signed as `reseal` says.
///
/// Each file is decrypted where it is encrypted, and encrypted anew, while it passes by; nothing is decompressed, and a few
/// MiB are in memory. A new manifest takes the place of the old one, so the signature of the original does not go with
/// the copy: without a key of its own to sign with, it has none. Broken off, it goes on where it was; killed, too, after at
/// most a minute and a half in which it sees that the copy before gives no sign of life. What is signed goes on only with
/// what its own key has noted.
///
/// # Errors
/// As [`fn@copy`]; `Encrypted` where nothing opens the original; `Protection` where the keys of `to` would not believe the
/// copy; `OtherCopy` where the other store has a copy that is protected otherwise.
pub async fn copy_as<'a, 'b>(
    from: impl Into<Access<'a>> + Send,
    to: impl Into<Access<'b>> + Send,
    name: &BackupName,
    reseal_as: &Reseal,
    run: &Run,
) -> Result<Copied, CatalogError> {
    let (from, to): (Access<'a>, Access<'b>) = (from.into(), to.into());
    refuse_read_only(to.store())?;
    run.stage(format!("copying {name} to {}", to.store()));
    let manifest = read_manifest(from, name).await?;
    if manifest.is_velero() {
        return Err(CatalogError::NotOurs { name: name.clone() });
    }
    match reseal_as.of(&manifest) {
        None => verbatim(from, to, &manifest, run).await,
        Some(protection) => reseal(from, to, &manifest, protection, run).await,
    }
}

/// Byte for byte.
async fn verbatim(from: Access<'_>, to: Access<'_>, manifest: &Manifest, run: &Run) -> Result<Copied, CatalogError> {
    if to.keys().demands_signature() {
        let believed = read_manifest(Access::new(from.store(), to.keys()), &manifest.name).await;
        believed.map_err(|source| CatalogError::NotTrusted { store: to.store().to_string(), source })?;
    }
    let same = |there: &Manifest| files(there).eq(files(manifest));
    let locked = match find_place(to, manifest, same, run).await? {
        Place::There(there) => return compare(to.store(), &there, run).await,
        Place::Free(locked) => locked,
    };
    let (from, to, layout) = (from.store(), to.store(), BackupLayout::new(&manifest.name));
    // The claim carries the id of the run that made the original, so that a copy that broke off knows its own.
    let claim = Claim::new(manifest.run_id, run.now());
    let hold = Hold::take(to, &layout, claim, TakeOver::Shared, run).await;
    let hold = hold.map_err(|error| not_held(to, &manifest.name, error))?;
    let files_to = locked.as_deref().unwrap_or(to);
    let copied = copy_files(from, files_to, (manifest, &hold), run).await?;
    copy_sides(from, (to, files_to), &layout, manifest).await?;
    let bytes = from.get_bytes(&layout.manifest(), MANIFEST_BYTES_MAX).await;
    commit(files_to, &layout, manifest, bytes.map_err(CatalogError::store("reading the manifest"))?, run).await?;
    let dropped = to.delete(&[layout.copying()]).await.and(hold.release().await);
    dropped.map_err(CatalogError::store("dropping the claim of the copy"))?;
    Ok(copied)
}

/// What stands where a copy should.
pub(super) enum Place {
    /// The copy that is asked for, whole.
    There(Box<Manifest>),
    /// Nothing, or a part of a copy. With the store to write to, where what is written is to be locked.
    Free(Option<Arc<dyn ObjectStore>>),
}

/// Looks at the place of the copy, and makes it one of ours.
pub(super) async fn find_place(
    to: Access<'_>,
    manifest: &Manifest,
    is_wanted: impl Fn(&Manifest) -> bool,
    run: &Run,
) -> Result<Place, CatalogError> {
    let store = to.store();
    let locked = locked(store, manifest, run).await?;
    mark_location(store, run.now()).await?;
    let name = manifest.name.clone();
    match read_manifest(to, &name).await {
        Ok(there) if there.run_id != manifest.run_id => Err(CatalogError::NameTaken { name, store: store.to_string() }),
        Ok(there) if is_wanted(&there) => Ok(Place::There(Box::new(there))),
        Ok(_) => Err(CatalogError::OtherCopy { name, store: store.to_string() }),
        Err(FormatError::NotFound { .. }) => Ok(Place::Free(locked)),
        Err(error) => Err(error.into()),
    }
}

/// The store to write to where what is written is to be locked.
async fn locked(
    to: &dyn ObjectStore,
    manifest: &Manifest,
    run: &Run,
) -> Result<Option<Arc<dyn ObjectStore>>, CatalogError> {
    match manifest.lock {
        Some(lock) if lock.holds_at(run.now()) => {
            to.locked(lock).await.map(Some).map_err(CatalogError::store("asking the store to lock the copy"))
        }
        _ => Ok(None),
    }
}

pub(super) fn files(manifest: &Manifest) -> impl Iterator<Item = &FileRecord> {
    manifest.parts.iter().map(|part| &part.file).chain(manifest.files.values())
}

/// A copy that is there is one only if each of its files is.
pub(super) async fn compare(to: &dyn ObjectStore, manifest: &Manifest, run: &Run) -> Result<Copied, CatalogError> {
    let checks: Vec<_> = files(manifest).map(|file| verify_file(to, &manifest.name, file)).collect();
    let reused = checks.len() as u64;
    stream::iter(checks).buffer_unordered(run.bounds().fetches_max.max(1)).try_collect::<()>().await?;
    Ok(Copied { reused, ..Copied::default() })
}

/// Why the name was not given to a copy.
pub(super) fn not_held(to: &dyn ObjectStore, name: &BackupName, error: NotHeld) -> CatalogError {
    match error {
        NotHeld::Taken(claim) => CatalogError::InProgress { name: name.clone(), heartbeat_at: claim.heartbeat_at },
        NotHeld::Left(_) => CatalogError::Unfinished { name: name.clone(), store: to.to_string() },
        NotHeld::Cancelled => CatalogError::Cancelled,
        NotHeld::Store(source) => CatalogError::Store { during: "claiming the name for the copy", source },
    }
}

async fn copy_files(
    from: &dyn ObjectStore,
    to: &dyn ObjectStore,
    (manifest, hold): (&Manifest, &Hold<'_>),
    run: &Run,
) -> Result<Copied, CatalogError> {
    let copies: Vec<_> = files(manifest).map(|file| copy_file(from, to, manifest, file, run)).collect();
    let mut copies = stream::iter(copies).buffer_unordered(run.bounds().fetches_max.max(1));
    let mut copied = Copied::default();
    while let Some(bytes) = copies.try_next().await? {
        match bytes {
            Some(bytes) => {
                copied.files += 1;
                copied.bytes += bytes;
            }
            None => copied.reused += 1,
        }
        hold.beat(run.now()).await.map_err(CatalogError::store("renewing the claim of the copy"))?;
    }
    Ok(copied)
}

/// Copies a file, unless an earlier copy has brought it over whole; says how many bytes it copied.
async fn copy_file(
    from: &dyn ObjectStore,
    to: &dyn ObjectStore,
    manifest: &Manifest,
    file: &FileRecord,
    run: &Run,
) -> Result<Option<u64>, CatalogError> {
    if run.is_cancelled() {
        return Err(CatalogError::Cancelled);
    }
    if to.exists(&file.key).await.map_err(CatalogError::store("looking at the copy"))?
        && verify_file(to, &manifest.name, file).await.is_ok()
    {
        return Ok(None);
    }
    let mut body = CheckedBody::open(from.into(), &manifest.name, file).await?;
    let mut target = Incoming::new(to, &file.key, run.bounds().upload_piece_bytes);
    while let Some(piece) = body.next().await? {
        target.write(piece).await.map_err(CatalogError::store("writing the copy"))?;
    }
    match body.check() {
        Ok(()) => _ = target.finish().await.map_err(CatalogError::store("writing the copy"))?,
        Err(error) => {
            target.abort().await;
            return Err(error.into());
        }
    }
    Ok(Some(file.bytes))
}

/// Copies what stands beside the files of the manifest and speaks of it (its signature), and notes that this is a copy.
async fn copy_sides(
    from: &dyn ObjectStore,
    (to, files_to): (&dyn ObjectStore, &dyn ObjectStore),
    layout: &BackupLayout,
    manifest: &Manifest,
) -> Result<(), CatalogError> {
    let during = CatalogError::store("copying what stands beside the manifest");
    let own = [layout.manifest(), layout.claim(), layout.deleting(), layout.copied(), layout.copying()];
    let children = from.list_children(&layout.folder()).await.map_err(&during)?;
    let known = |key: &Key| own.contains(key) || files(manifest).any(|file| file.key == *key);
    for side in children.objects.iter().filter(|object| !known(&object.key) && object.size <= SIDE_BYTES_MAX) {
        let bytes = from.get_bytes(&side.key, SIDE_BYTES_MAX).await.map_err(&during)?;
        // What an earlier copy has brought over may be locked.
        if !files_to.get_bytes(&side.key, SIDE_BYTES_MAX).await.is_ok_and(|there| there == bytes) {
            files_to.put(&side.key, bytes, PutMode::Overwrite).await.map_err(&during)?;
        }
    }
    note_origin(from, to, layout).await
}

/// Notes that this is a copy: its snapshots belong to the original.
pub(super) async fn note_origin(
    from: &dyn ObjectStore,
    to: &dyn ObjectStore,
    layout: &BackupLayout,
) -> Result<(), CatalogError> {
    let note = json!({ "from": from.to_string() }).to_string();
    let noted = to.put(&layout.copied(), note.into(), PutMode::Overwrite).await;
    noted.map(|_| ()).map_err(CatalogError::store("noting where the copy is from"))
}

/// Puts the manifest. An answer that was lost on its way back is looked up.
pub(super) async fn commit(
    to: &dyn ObjectStore,
    layout: &BackupLayout,
    manifest: &Manifest,
    bytes: Bytes,
    run: &Run,
) -> Result<(), CatalogError> {
    if run.is_cancelled() {
        return Err(CatalogError::Cancelled);
    }
    let Err(error) = to.put(&layout.manifest(), bytes, PutMode::Create).await else { return Ok(()) };
    if error.kind() == StoreErrorKind::Unsupported {
        // It is there, and not locked as it should be.
        return Err(CatalogError::Store { during: "writing the manifest of the copy", source: error });
    }
    match read_manifest(to, &manifest.name).await {
        Ok(found) if found.run_id == manifest.run_id => Ok(()),
        Ok(_) => Err(CatalogError::NameTaken { name: manifest.name.clone(), store: to.to_string() }),
        Err(_) => Err(CatalogError::Store { during: "writing the manifest of the copy", source: error }),
    }
}
