//! Who may write a name: the first half of the write protocol of `docs/format.md`.

use bytes::Bytes;
use futures::TryStreamExt;
use jiff::Timestamp;
use uuid::Uuid;

use super::BackupError;
use crate::crypt::Seal;
use crate::format::{BackupLayout, Claim, Hold, NotHeld, TakeOver, mark_location, velero};
use crate::model::BackupName;
use crate::run::Run;
use crate::store::{Key, ObjectStore, ObjectStoreExt, StoreResult};

/// Keys that are deleted in one call.
const DELETE_BATCH: usize = 1_000;

/// The right to write a backup's folder, held by this run.
#[derive(Debug)]
pub(super) struct Held<'a> {
    store: &'a dyn ObjectStore,
    hold: Hold<'a>,
    pub(super) layout: BackupLayout,
    pub(super) run_id: Uuid,
    pub(super) started_at: Timestamp,
    /// How its files are written.
    pub(super) seal: Seal,
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
    let claim = Claim::new(Uuid::new_v4(), run.now());
    let hold = Hold::take(store, &layout, claim, TakeOver::Never, run).await.map_err(|error| not_held(name, error))?;
    let held = Held::new(store, layout, hold, seal);
    // Another run may have finished between the look at its manifest and our claim.
    if let Err(error) = refuse_taken(store, name, &held.layout).await {
        _ = held.release().await;
        return Err(error);
    }
    Ok(held)
}

/// What a run that only looks holds: nothing that anybody else could see.
pub(super) fn hold_nothing<'a>(store: &'a dyn ObjectStore, name: &BackupName, run: &Run) -> Held<'a> {
    let layout = BackupLayout::new(name);
    let hold = Hold::alone(&layout, Claim::new(Uuid::new_v4(), run.now()));
    Held::new(store, layout, hold, Seal::default())
}

impl<'a> Held<'a> {
    fn new(store: &'a dyn ObjectStore, layout: BackupLayout, hold: Hold<'a>, seal: Seal) -> Self {
        let Claim { run_id, started_at, .. } = *hold.claim();
        Self { store, hold, layout, run_id, started_at, seal }
    }

    /// Says that the run is alive, when it has not said so for a while.
    pub(super) async fn beat(&self, now: Timestamp) -> StoreResult<()> {
        self.hold.beat(now).await
    }

    /// That the name is still this run's.
    pub(super) async fn check(&self) -> StoreResult<()> {
        self.hold.check().await
    }

    /// Gives the name back; the backup stands on its own now.
    pub(super) async fn release(&self) -> StoreResult<()> {
        self.hold.release().await
    }

    /// Removes what the run has written, the claim last: until then nobody else writes here. Where the name is another
    /// run's by now, all that is there is.
    pub(super) async fn withdraw(&self) -> StoreResult<()> {
        if !self.hold.is_ours().await? {
            return Ok(());
        }
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

fn not_held(name: &BackupName, error: NotHeld) -> BackupError {
    match error {
        NotHeld::Taken(Claim { started_at, heartbeat_at, .. })
        | NotHeld::Left(Claim { started_at, heartbeat_at, .. }) => {
            BackupError::InProgress { name: name.clone(), started_at, heartbeat_at }
        }
        NotHeld::Cancelled => BackupError::Cancelled,
        NotHeld::Store(source) => BackupError::Store { during: "claiming the backup's name", source },
    }
}
