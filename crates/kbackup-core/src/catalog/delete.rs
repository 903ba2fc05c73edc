//! The end of a backup: the manifest outlives all that it points to, so what breaks off can be finished.

use futures::TryStreamExt;
use serde_json::json;

use super::CatalogError;
use super::list::{is_alive, read_claim};
use crate::format::velero::VeleroLayout;
use crate::format::{BackupLayout, FormatError};
use crate::model::BackupName;
use crate::run::Run;
use crate::store::{Key, ObjectStore, PutMode, StoreResult};

/// Keys that are deleted in one call.
const DELETE_BATCH: usize = 1_000;

/// Deletes a backup, or what a run that died has left of one.
///
/// In this order: a note that the deletion has begun, the parts and files, the manifest, the note. Broken off anywhere, the
/// same call finishes it.
///
/// # Errors
/// `NotFound` where there is nothing of that name; `Velero` where Velero made it; `InProgress` where a live run is making it; `ReadOnly`.
pub async fn delete(store: &dyn ObjectStore, name: &BackupName, run: &Run) -> Result<(), CatalogError> {
    if !store.capabilities().writable {
        return Err(CatalogError::ReadOnly { store: store.to_string() });
    }
    let layout = BackupLayout::new(name);
    let during = CatalogError::store("deleting the backup");
    let keys: Vec<Key> =
        store.list(&layout.folder()).map_ok(|stored| stored.key).try_collect().await.map_err(&during)?;
    if keys.is_empty() {
        return Err(FormatError::NotFound { name: name.clone(), store: store.to_string() }.into());
    }
    if keys.contains(&VeleroLayout::new(name).marker()) {
        return Err(CatalogError::Velero { name: name.clone() });
    }
    if !keys.contains(&layout.manifest()) && keys.contains(&layout.claim()) {
        refuse_alive(store, name, &layout, run).await?;
    }
    remove(store, &layout, keys, run).await.map_err(during)
}

async fn remove(store: &dyn ObjectStore, layout: &BackupLayout, mut keys: Vec<Key>, run: &Run) -> StoreResult<()> {
    let note = json!({ "startedAt": run.now() }).to_string();
    store.put(&layout.deleting(), note.into(), PutMode::Overwrite).await?;
    let last = [layout.manifest(), layout.claim(), layout.deleting()];
    keys.retain(|key| !last.contains(key));
    for batch in keys.chunks(DELETE_BATCH) {
        store.delete(batch).await?;
    }
    for key in last {
        store.delete(&[key]).await?;
    }
    Ok(())
}

async fn refuse_alive(
    store: &dyn ObjectStore,
    name: &BackupName,
    layout: &BackupLayout,
    run: &Run,
) -> Result<(), CatalogError> {
    let claim = read_claim(store, layout).await.map_err(CatalogError::store("reading who makes the backup"))?;
    match claim {
        Some(claim) if is_alive(&claim, run.now()) => {
            Err(CatalogError::InProgress { name: name.clone(), heartbeat_at: claim.heartbeat_at })
        }
        _ => Ok(()),
    }
}
