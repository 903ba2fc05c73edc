//! Copies a backup to another store: checked on the way, resumable, and there only when it is whole.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::json;

use super::CatalogError;
use super::delete::refuse_read_only;
use super::list::{is_alive, read_claim};
use crate::format::{
    BackupLayout, CheckedBody, Claim, FileRecord, FormatError, Manifest, mark_location, read_manifest, verify_file,
};
use crate::model::BackupName;
use crate::run::Run;
use crate::store::{Key, ObjectStore, ObjectStoreExt, PutMode, StoreErrorKind, StoreResult, Stored, Upload};

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
/// `Unsupported` where the backup is locked and the other store can't lock. Nothing was written then.
pub async fn copy(
    from: &dyn ObjectStore,
    to: &dyn ObjectStore,
    name: &BackupName,
    run: &Run,
) -> Result<Copied, CatalogError> {
    refuse_read_only(to)?;
    run.stage(format!("copying {name} to {to}"));
    let manifest = read_manifest(from, name).await?;
    if manifest.is_velero() {
        return Err(CatalogError::NotOurs { name: name.clone() });
    }
    let locked = locked(to, &manifest, run).await?;
    mark_location(to, run.now()).await?;
    let layout = BackupLayout::new(name);
    match read_manifest(to, name).await {
        Ok(there) if there.run_id == manifest.run_id => return compare(to, &manifest, run).await,
        Err(FormatError::NotFound { .. }) => {}
        Ok(_) => return Err(CatalogError::NameTaken { name: name.clone(), store: to.to_string() }),
        Err(error) => return Err(error.into()),
    }
    claim(to, &layout, &manifest, run).await?;
    let files_to = locked.as_deref().unwrap_or(to);
    let copied = copy_files(from, files_to, &manifest, run).await?;
    copy_sides(from, (to, files_to), &layout, &manifest).await?;
    commit(from, files_to, &layout, &manifest, run).await?;
    to.delete(&[layout.claim()]).await.map_err(CatalogError::store("dropping the claim of the copy"))?;
    Ok(copied)
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

fn files(manifest: &Manifest) -> impl Iterator<Item = &FileRecord> {
    manifest.parts.iter().map(|part| &part.file).chain(manifest.files.values())
}

/// A copy that is there is one only if each of its files is.
async fn compare(to: &dyn ObjectStore, manifest: &Manifest, run: &Run) -> Result<Copied, CatalogError> {
    let checks: Vec<_> = files(manifest).map(|file| verify_file(to, &manifest.name, file)).collect();
    let reused = checks.len() as u64;
    stream::iter(checks).buffer_unordered(run.bounds().fetches_max.max(1)).try_collect::<()>().await?;
    Ok(Copied { reused, ..Copied::default() })
}

/// Takes the name. The claim carries the id of the run that made the original, so that a copy that broke off knows its own.
async fn claim(
    to: &dyn ObjectStore,
    layout: &BackupLayout,
    manifest: &Manifest,
    run: &Run,
) -> Result<(), CatalogError> {
    let during = "claiming the name for the copy";
    let now = run.now();
    let claim = Claim { run_id: manifest.run_id, started_at: now, heartbeat_at: now };
    let body: Bytes = serde_json::to_vec_pretty(&claim).unwrap_or_default().into();
    let Err(error) = to.put(&layout.claim(), body.clone(), PutMode::Create).await else { return Ok(()) };
    let found = read_claim(to, layout).await.map_err(CatalogError::store(during))?;
    match found {
        Some(found) if found.run_id == manifest.run_id => {
            _ = to.put(&layout.claim(), body, PutMode::Overwrite).await.map_err(CatalogError::store(during))?;
            Ok(())
        }
        Some(found) if is_alive(&found, now) => {
            Err(CatalogError::InProgress { name: manifest.name.clone(), heartbeat_at: found.heartbeat_at })
        }
        Some(_) => Err(CatalogError::Unfinished { name: manifest.name.clone(), store: to.to_string() }),
        None => Err(CatalogError::Store { during, source: error }),
    }
}

async fn copy_files(
    from: &dyn ObjectStore,
    to: &dyn ObjectStore,
    manifest: &Manifest,
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
    let mut target = Target::new(to, &file.key, run.bounds().upload_piece_bytes);
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

/// A file on its way into a store: one put where it fits into a piece, an upload otherwise.
struct Target<'a> {
    store: &'a dyn ObjectStore,
    key: &'a Key,
    piece_bytes: usize,
    gathered: BytesMut,
    upload: Option<Box<dyn Upload>>,
}

impl<'a> Target<'a> {
    fn new(store: &'a dyn ObjectStore, key: &'a Key, piece_bytes: usize) -> Self {
        Self { store, key, piece_bytes, gathered: BytesMut::new(), upload: None }
    }

    async fn write(&mut self, bytes: Bytes) -> StoreResult<()> {
        self.gathered.extend_from_slice(&bytes);
        if self.gathered.len() < self.piece_bytes {
            return Ok(());
        }
        let piece = self.gathered.split().freeze();
        match &mut self.upload {
            Some(upload) => upload.write(piece).await,
            none => none.insert(self.store.upload(self.key, PutMode::Overwrite).await?).write(piece).await,
        }
    }

    async fn finish(mut self) -> StoreResult<Stored> {
        let last = self.gathered.split().freeze();
        match &mut self.upload {
            None => self.store.put(self.key, last, PutMode::Overwrite).await,
            Some(upload) => {
                upload.write(last).await?;
                upload.complete().await
            }
        }
    }

    /// Best effort: what is not complete is visible to nobody.
    async fn abort(mut self) {
        if let Some(upload) = &mut self.upload
            && let Err(error) = upload.abort().await
        {
            tracing::warn!(%error, "an upload that was given up could not be removed");
        }
    }
}

/// Copies what stands beside the files of the manifest and speaks of it (its signature), and notes that this is a copy.
async fn copy_sides(
    from: &dyn ObjectStore,
    (to, files_to): (&dyn ObjectStore, &dyn ObjectStore),
    layout: &BackupLayout,
    manifest: &Manifest,
) -> Result<(), CatalogError> {
    let during = CatalogError::store("copying what stands beside the manifest");
    let own = [layout.manifest(), layout.claim(), layout.deleting(), layout.copied()];
    let children = from.list_children(&layout.folder()).await.map_err(&during)?;
    let known = |key: &Key| own.contains(key) || files(manifest).any(|file| file.key == *key);
    for side in children.objects.iter().filter(|object| !known(&object.key) && object.size <= SIDE_BYTES_MAX) {
        let bytes = from.get_bytes(&side.key, SIDE_BYTES_MAX).await.map_err(&during)?;
        // What an earlier copy has brought over may be locked.
        if !files_to.get_bytes(&side.key, SIDE_BYTES_MAX).await.is_ok_and(|there| there == bytes) {
            files_to.put(&side.key, bytes, PutMode::Overwrite).await.map_err(&during)?;
        }
    }
    let note = json!({ "from": from.to_string() }).to_string();
    to.put(&layout.copied(), note.into(), PutMode::Overwrite).await.map_err(during)?;
    Ok(())
}

/// Puts the manifest, byte for byte. An answer that was lost on its way back is looked up.
async fn commit(
    from: &dyn ObjectStore,
    to: &dyn ObjectStore,
    layout: &BackupLayout,
    manifest: &Manifest,
    run: &Run,
) -> Result<(), CatalogError> {
    if run.is_cancelled() {
        return Err(CatalogError::Cancelled);
    }
    let key = layout.manifest();
    let bytes = from.get_bytes(&key, MANIFEST_BYTES_MAX).await.map_err(CatalogError::store("reading the manifest"))?;
    let Err(error) = to.put(&key, bytes, PutMode::Create).await else { return Ok(()) };
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
