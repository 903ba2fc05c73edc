//! The end of a backup: the manifest outlives all that it points to, so what breaks off can be finished.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use serde_json::json;

use super::CatalogError;
use crate::format::velero::VeleroLayout;
use crate::format::{BackupLayout, FormatError, Manifest, read_claim, read_manifest};
use crate::model::BackupName;
use crate::run::Run;
use crate::snapshot::{SnapshotId, SnapshotProvider, SnapshotProviders};
use crate::store::{Key, ObjectStore, ObjectStoreExt, PutMode, StoreResult};

/// Keys that are deleted in one call.
const DELETE_BATCH: usize = 1_000;
/// Snapshots that are deleted at the same time.
const SNAPSHOTS_AT_ONCE: usize = 4;

/// Deletes a backup with the snapshots of its volumes, or what a run that died has left of one.
///
/// In this order: a note that the deletion has begun, the snapshots, the parts and files, the manifest, the note. Broken
/// off anywhere, the same call finishes it. The snapshots of a backup that was copied here stay: they belong to the
/// original.
///
/// # Errors
/// `NotFound` where there is nothing of that name; `Velero` where Velero made it; `InProgress` where a live run is making
/// it; `Locked` before the time of its lock has come; `ReadOnly`; `NoProvider` where a snapshot's disk service is not among `snapshots`. Nothing was touched then. `Snapshot` where a disk service
/// fails: what it holds is still named by the manifest, which stays.
pub async fn delete(
    store: &dyn ObjectStore,
    snapshots: &SnapshotProviders,
    name: &BackupName,
    run: &Run,
) -> Result<(), CatalogError> {
    refuse_read_only(store)?;
    let layout = BackupLayout::new(name);
    let keys = keys_of(store, &layout).await?;
    if keys.is_empty() {
        return Err(FormatError::NotFound { name: name.clone(), store: store.to_string() }.into());
    }
    if keys.contains(&VeleroLayout::new(name).marker()) {
        return Err(CatalogError::Velero { name: name.clone() });
    }
    if !keys.contains(&layout.manifest()) && keys.contains(&layout.claim()) {
        refuse_alive(store, name, &layout, run).await?;
    }
    end(store, snapshots, name, keys, run).await
}

/// Deletes what is in the folder of a backup, whoever has begun it.
pub(super) async fn end(
    store: &dyn ObjectStore,
    snapshots: &SnapshotProviders,
    name: &BackupName,
    keys: Vec<Key>,
    run: &Run,
) -> Result<(), CatalogError> {
    refuse_locked(store, name, run).await?;
    let layout = BackupLayout::new(name);
    let doomed = if keys.contains(&layout.manifest()) && !keys.contains(&layout.copied()) {
        snapshots_of(store, snapshots, name).await?
    } else {
        Vec::new()
    };
    let during = CatalogError::store("deleting the backup");
    let note = json!({ "startedAt": run.now() }).to_string();
    store.put(&layout.deleting(), note.into(), PutMode::Overwrite).await.map_err(&during)?;
    let deletions = doomed.into_iter().map(|(provider, snapshot)| delete_snapshot(name, provider, snapshot));
    let deletions: Vec<_> = deletions.collect();
    stream::iter(deletions).buffer_unordered(SNAPSHOTS_AT_ONCE).try_collect::<()>().await?;
    remove(store, &layout, keys).await.map_err(during)
}

pub(super) fn refuse_read_only(store: &dyn ObjectStore) -> Result<(), CatalogError> {
    if store.capabilities().writable {
        return Ok(());
    }
    Err(CatalogError::ReadOnly { store: store.to_string() })
}

pub(super) async fn keys_of(store: &dyn ObjectStore, layout: &BackupLayout) -> Result<Vec<Key>, CatalogError> {
    let keys = store.list(&layout.folder()).map_ok(|stored| stored.key).try_collect();
    keys.await.map_err(CatalogError::store("looking what the backup consists of"))
}

type Doomed = (Arc<dyn SnapshotProvider>, SnapshotId);

/// The snapshots that go with a backup. One whose manifest is damaged names none that could be believed.
async fn snapshots_of(
    store: &dyn ObjectStore,
    snapshots: &SnapshotProviders,
    name: &BackupName,
) -> Result<Vec<Doomed>, CatalogError> {
    let manifest = match read_manifest(store, name).await {
        Ok(manifest) => manifest,
        // Somebody else has finished in the meantime, or nobody can know.
        Err(FormatError::NotFound { .. } | FormatError::Damaged { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let Manifest { snapshots: records, .. } = manifest;
    let find = |provider: &str| {
        let unknown = || CatalogError::NoProvider { name: name.clone(), provider: provider.to_owned() };
        snapshots.named(provider).map(Arc::clone).ok_or_else(unknown)
    };
    records.into_iter().map(|record| Ok((find(&record.provider)?, record.id))).collect()
}

async fn delete_snapshot(
    name: &BackupName,
    provider: Arc<dyn SnapshotProvider>,
    snapshot: SnapshotId,
) -> Result<(), CatalogError> {
    let failed = |source| CatalogError::Snapshot { name: name.clone(), snapshot: snapshot.clone(), source };
    provider.delete(&snapshot).await.map_err(failed)
}

async fn remove(store: &dyn ObjectStore, layout: &BackupLayout, mut keys: Vec<Key>) -> StoreResult<()> {
    // What says whose the folder is stays until all else is gone.
    let last = [layout.copied(), layout.manifest(), layout.claim(), layout.deleting()];
    keys.retain(|key| !last.contains(key));
    for batch in keys.chunks(DELETE_BATCH) {
        // Without the note somebody else has finished, and the name may be a new backup's by now.
        if !store.exists(&layout.deleting()).await? {
            return Ok(());
        }
        store.delete(batch).await?;
    }
    let [copied, manifest, claim, deleting] = last;
    for key in [manifest, copied, claim, deleting] {
        store.delete(&[key]).await?;
    }
    Ok(())
}

/// A backup without a manifest that can be read can't say that it is locked; the store holds it all the same.
async fn refuse_locked(store: &dyn ObjectStore, name: &BackupName, run: &Run) -> Result<(), CatalogError> {
    match read_manifest(store, name).await.ok().and_then(|manifest| manifest.lock) {
        Some(lock) if lock.holds_at(run.now()) => Err(CatalogError::Locked { name: name.clone(), lock }),
        _ => Ok(()),
    }
}

async fn refuse_alive(
    store: &dyn ObjectStore,
    name: &BackupName,
    layout: &BackupLayout,
    run: &Run,
) -> Result<(), CatalogError> {
    let claim = read_claim(store, layout).await.map_err(CatalogError::store("reading who makes the backup"))?;
    match claim {
        Some(claim) if claim.is_alive(run.now()) => {
            Err(CatalogError::InProgress { name: name.clone(), heartbeat_at: claim.heartbeat_at })
        }
        _ => Ok(()),
    }
}
