//! The end of a backup: the manifest outlives all that it points to, so what breaks off can be finished.

use futures::TryStreamExt;
use serde_json::json;

use super::CatalogError;
use crate::format::{BackupLayout, Claim, FormatError};
use crate::model::BackupName;
use crate::run::Run;
use crate::store::{Key, ObjectStore, ObjectStoreExt, PutMode, StoreErrorKind, StoreResult};

/// A claim without a sign of life for so long is one of a run that is dead: a live one renews it twice a minute.
const CLAIM_STALE_SECONDS: i64 = 300;
/// A claim is a few hundred bytes.
const CLAIM_BYTES_MAX: u64 = 64 << 10;
/// Keys that are deleted in one call.
const DELETE_BATCH: usize = 1_000;

/// Deletes a backup, or what a run that died has left of one.
///
/// In this order: a note that the deletion has begun, the parts and files, the manifest, the note. Broken off anywhere, the
/// same call finishes it.
///
/// # Errors
/// `NotFound` where there is nothing of that name; `InProgress` where a live run is making it; `ReadOnly`.
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
    let bytes = match store.get_bytes(&layout.claim(), CLAIM_BYTES_MAX).await {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == StoreErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(CatalogError::Store { during: "reading who makes the backup", source }),
    };
    match serde_json::from_slice::<Claim>(&bytes) {
        Ok(claim) if run.now().as_second() - claim.heartbeat_at.as_second() < CLAIM_STALE_SECONDS => {
            Err(CatalogError::InProgress { name: name.clone(), heartbeat_at: claim.heartbeat_at })
        }
        _ => Ok(()),
    }
}
