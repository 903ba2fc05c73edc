//! Who may write a name: the first half of the write protocol of `docs/format.md`.

use bytes::Bytes;
use futures::TryStreamExt;
use jiff::Timestamp;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::BackupError;
use crate::crypt::Seal;
use crate::format::{BackupLayout, Claim, mark_location, velero};
use crate::model::BackupName;
use crate::run::Run;
use crate::store::{Key, ObjectStore, ObjectStoreExt, PutMode, StoreError, StoreErrorKind, StoreResult};

/// Claims are a few hundred bytes.
const CLAIM_BYTES_MAX: u64 = 64 << 10;
/// How often a run says that it is alive.
const HEARTBEAT_SECONDS: i64 = 30;
/// Keys that are deleted in one call.
const DELETE_BATCH: usize = 1_000;

/// The right to write a backup's folder, held by this run.
#[derive(Debug)]
pub(super) struct Held<'a> {
    store: &'a dyn ObjectStore,
    pub(super) layout: BackupLayout,
    pub(super) run_id: Uuid,
    pub(super) started_at: Timestamp,
    /// How its files are written.
    pub(super) seal: Seal,
    heartbeat_at: Mutex<Timestamp>,
}

/// Takes the name for this run.
pub(super) async fn take<'a>(
    store: &'a dyn ObjectStore,
    name: &BackupName,
    seal: Seal,
    run: &Run,
) -> Result<Held<'a>, BackupError> {
    mark_location(store, run.now()).await.map_err(BackupError::location)?;
    let layout = BackupLayout::new(name);
    refuse_taken(store, name, &layout).await?;
    refuse_taken_by_velero(store, name).await?;
    let now = run.now();
    let claim = Claim { run_id: Uuid::new_v4(), started_at: now, heartbeat_at: now };
    if let Err(error) = store.put(&layout.claim(), json(&claim), PutMode::Create).await {
        own_after_all(store, name, &layout, &claim, error).await?;
    }
    let held = Held { store, layout, run_id: claim.run_id, started_at: now, seal, heartbeat_at: Mutex::new(now) };
    // Another run may have finished between the look at its manifest and our claim.
    if let Err(error) = refuse_taken(store, name, &held.layout).await {
        _ = held.release().await;
        return Err(error);
    }
    Ok(held)
}

impl Held<'_> {
    /// Says that the run is alive, when it has not said so for a while.
    pub(super) async fn beat(&self, now: Timestamp) -> StoreResult<()> {
        let mut last = self.heartbeat_at.lock().await;
        if now.as_second() - last.as_second() < HEARTBEAT_SECONDS {
            return Ok(());
        }
        let claim = Claim { run_id: self.run_id, started_at: self.started_at, heartbeat_at: now };
        self.store.put(&self.layout.claim(), json(&claim), PutMode::Overwrite).await?;
        *last = now;
        Ok(())
    }

    /// Gives the name back; the backup stands on its own now.
    pub(super) async fn release(&self) -> StoreResult<()> {
        self.store.delete(&[self.layout.claim()]).await
    }

    /// Removes what the run has written, the claim last: until then nobody else writes here.
    pub(super) async fn withdraw(&self) -> StoreResult<()> {
        let claim = self.layout.claim();
        let mut keys: Vec<Key> =
            self.store.list(&self.layout.folder()).map_ok(|stored| stored.key).try_collect().await?;
        keys.retain(|key| *key != claim);
        for batch in keys.chunks(DELETE_BATCH) {
            self.store.delete(batch).await?;
        }
        self.release().await
    }
}

/// JSON of our own records: text keys and plain values always serialise.
pub(super) fn json(record: &impl serde::Serialize) -> Bytes {
    serde_json::to_vec_pretty(record).unwrap_or_default().into()
}

async fn refuse_taken(store: &dyn ObjectStore, name: &BackupName, layout: &BackupLayout) -> Result<(), BackupError> {
    let during = "looking for a backup of that name";
    let failed = |source| BackupError::Store { during, source };
    if store.exists(&layout.manifest()).await.map_err(failed)? {
        return Err(BackupError::NameTaken { name: name.clone(), store: store.to_string() });
    }
    // Who deletes the last backup of that name would delete the parts of the new one.
    match store.exists(&layout.deleting()).await.map_err(failed)? {
        true => Err(BackupError::Deleting { name: name.clone(), store: store.to_string() }),
        false => Ok(()),
    }
}

/// A store may hold both kinds of backups, and a name only one of them.
async fn refuse_taken_by_velero(store: &dyn ObjectStore, name: &BackupName) -> Result<(), BackupError> {
    match velero::has_marker(store, name).await {
        Ok(false) => Ok(()),
        Ok(true) => Err(BackupError::NameTaken { name: name.clone(), store: store.to_string() }),
        Err(source) => Err(BackupError::Store { during: "looking for a backup of that name", source }),
    }
}

/// A write whose answer was lost may have made the claim: then it is ours. Otherwise the error tells who holds the name.
async fn own_after_all(
    store: &dyn ObjectStore,
    name: &BackupName,
    layout: &BackupLayout,
    own: &Claim,
    error: StoreError,
) -> Result<(), BackupError> {
    let taken = error.kind() == StoreErrorKind::AlreadyExists;
    let failed = BackupError::Store { during: "claiming the backup's name", source: error };
    let Ok(bytes) = store.get_bytes(&layout.claim(), CLAIM_BYTES_MAX).await else { return Err(failed) };
    match serde_json::from_slice::<Claim>(&bytes) {
        Ok(found) if found.run_id == own.run_id => Ok(()),
        Ok(found) if taken => Err(BackupError::InProgress {
            name: name.clone(),
            started_at: found.started_at,
            heartbeat_at: found.heartbeat_at,
        }),
        _ => Err(failed),
    }
}
