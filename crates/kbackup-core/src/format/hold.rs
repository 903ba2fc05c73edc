//! The right to write the folder of a backup: taken by a claim, renewed, taken over from the dead, and given back.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::Mutex;

use super::{BackupLayout, Claim};
use crate::run::Run;
use crate::store::{Key, ObjectStore, ObjectStoreExt, PutMode, StoreError, StoreErrorKind, StoreResult};

/// A claim is a few hundred bytes.
const CLAIM_BYTES_MAX: u64 = 64 << 10;
/// How often a run says that it is alive.
const HEARTBEAT_SECONDS: i64 = 30;
/// How often who waits looks whether a claim is renewed, and how many looks without a renewal there are: three heartbeats.
const LOOK_EVERY: Duration = Duration::from_secs(10);
const LOOKS: usize = 9;

/// What may become of a claim that somebody else has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TakeOver {
    /// Nothing: a name is its claim's.
    Never,
    /// One with the same run id is shared: whoever holds it writes the same bytes to the same keys.
    Shared,
    /// One with the same run id passes on when its holder is dead.
    WhenSilent,
}

/// Why the right was not given.
#[derive(Debug)]
pub(crate) enum NotHeld {
    /// Somebody holds it, who may be alive.
    Taken(Claim),
    /// Who held it is dead, and has left something of another sort.
    Left(Claim),
    /// The run was cancelled while it waited.
    Cancelled,
    /// The store refused or failed.
    Store(StoreError),
}

/// What follows from a claim that stands where one should be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It is the one that was made: the answer was lost on its way back.
    Own,
    Share,
    Seize,
    /// Its clock says that it is alive, and clocks can be wrong or the holder dead since: it is watched.
    Watch,
    Taken,
    Left,
}

fn judge(found: &Claim, own: &Claim, over: TakeOver, now: Timestamp) -> Verdict {
    let (same, alive) = (found.run_id == own.run_id, found.is_alive(now));
    match over {
        _ if found.is_of_the_run_of(own) => Verdict::Own,
        TakeOver::Shared if same => Verdict::Share,
        TakeOver::WhenSilent if same && alive => Verdict::Watch,
        TakeOver::WhenSilent if same => Verdict::Seize,
        _ if alive => Verdict::Taken,
        _ => Verdict::Left,
    }
}

/// The right to write a backup's folder, held by one run.
#[derive(Debug)]
pub(crate) struct Hold<'a> {
    /// `None` where nobody else can come: then nothing is claimed.
    store: Option<&'a dyn ObjectStore>,
    key: Key,
    claim: Claim,
    over: TakeOver,
    is_seized: bool,
    beaten_at: Mutex<Timestamp>,
}

impl<'a> Hold<'a> {
    /// Takes the folder, or waits at most a minute and a half to see whether who holds it is alive, where that may pass on.
    pub(crate) async fn take(
        store: &'a dyn ObjectStore,
        layout: &BackupLayout,
        own: Claim,
        over: TakeOver,
        run: &Run,
    ) -> Result<Self, NotHeld> {
        let mut watched: Option<Claim> = None;
        loop {
            let mut hold = Self::new(Some(store), layout, own.clone(), over);
            let Err(error) = hold.put(PutMode::Create).await else { return Ok(hold) };
            let Some(found) = read_claim(store, layout).await.map_err(NotHeld::Store)? else {
                return Err(NotHeld::Store(error));
            };
            match judge(&found, &own, over, run.now()) {
                Verdict::Own => return Ok(hold),
                Verdict::Share => {
                    hold.claim.started_at = found.started_at;
                    hold.put(PutMode::Overwrite).await.map_err(NotHeld::Store)?;
                    return Ok(hold);
                }
                Verdict::Watch if watched.is_none() => {
                    watched = Some(found.clone());
                    watch(store, layout, &found, run).await?;
                }
                Verdict::Watch if watched.as_ref() != Some(&found) => return Err(NotHeld::Taken(found)),
                Verdict::Watch | Verdict::Seize => {
                    hold.put(PutMode::Overwrite).await.map_err(NotHeld::Store)?;
                    hold.is_seized = true;
                    return Ok(hold);
                }
                Verdict::Taken => return Err(NotHeld::Taken(found)),
                Verdict::Left => return Err(NotHeld::Left(found)),
            }
        }
    }

    /// The right to a folder that nobody else knows of.
    pub(crate) fn alone(layout: &BackupLayout, own: Claim) -> Self {
        Self::new(None, layout, own, TakeOver::Never)
    }

    fn new(store: Option<&'a dyn ObjectStore>, layout: &BackupLayout, claim: Claim, over: TakeOver) -> Self {
        let beaten_at = Mutex::new(claim.heartbeat_at);
        Self { store, key: layout.claim(), claim, over, is_seized: false, beaten_at }
    }

    pub(crate) fn claim(&self) -> &Claim {
        &self.claim
    }

    /// Whether it was taken from somebody who gave no sign of life, and might wake up.
    pub(crate) fn is_seized(&self) -> bool {
        self.is_seized
    }

    /// Says that the run is alive, when it has not said so for a while.
    pub(crate) async fn beat(&self, now: Timestamp) -> StoreResult<()> {
        let mut last = self.beaten_at.lock().await;
        if now.as_second() - last.as_second() < HEARTBEAT_SECONDS {
            return Ok(());
        }
        self.check().await?;
        let Some(store) = self.store else { return Ok(()) };
        let renewed = Claim { heartbeat_at: now, ..self.claim.clone() };
        store.put(&self.key, json(&renewed), PutMode::Overwrite).await?;
        *last = now;
        Ok(())
    }

    /// That it is still this run's. Who was silent for too long has lost it: what it has written may be gone, or another's.
    pub(crate) async fn check(&self) -> StoreResult<()> {
        if self.is_ours().await? {
            return Ok(());
        }
        let why = "this run was silent for so long that it was taken for dead: its claim is gone or another run's";
        Err(StoreError::new(StoreErrorKind::AlreadyExists, why))
    }

    /// Gives it back, where it is still this run's.
    pub(crate) async fn release(&self) -> StoreResult<()> {
        match self.store {
            Some(store) if self.is_ours().await? => store.delete(std::slice::from_ref(&self.key)).await,
            _ => Ok(()),
        }
    }

    pub(crate) async fn is_ours(&self) -> StoreResult<bool> {
        let Some(store) = self.store else { return Ok(true) };
        if self.over == TakeOver::Shared {
            return Ok(true);
        }
        let found = read(store, &self.key).await?;
        Ok(found.is_some_and(|found| found.is_of_the_run_of(&self.claim)))
    }

    async fn put(&self, mode: PutMode) -> StoreResult<()> {
        let Some(store) = self.store else { return Ok(()) };
        store.put(&self.key, json(&self.claim), mode).await.map(drop)
    }
}

/// Waits until a claim is not what it was, or has been so for three heartbeats by our own clock: whose clock is right does
/// not matter then.
async fn watch(store: &dyn ObjectStore, layout: &BackupLayout, found: &Claim, run: &Run) -> Result<(), NotHeld> {
    run.stage(format!("waiting to see whether the run that began at {} is alive", found.started_at));
    for _ in 0..LOOKS {
        tokio::select! {
            () = run.cancelled() => return Err(NotHeld::Cancelled),
            () = run.sleep(LOOK_EVERY) => {}
        }
        if read_claim(store, layout).await.map_err(NotHeld::Store)?.as_ref() != Some(found) {
            return Ok(());
        }
    }
    Ok(())
}

/// Who is writing a backup; `None` where nobody says so, or in words that can't be read.
pub(crate) async fn read_claim(store: &dyn ObjectStore, layout: &BackupLayout) -> StoreResult<Option<Claim>> {
    read(store, &layout.claim()).await
}

async fn read(store: &dyn ObjectStore, key: &Key) -> StoreResult<Option<Claim>> {
    match store.get_bytes(key, CLAIM_BYTES_MAX).await {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if matches!(error.kind(), StoreErrorKind::NotFound | StoreErrorKind::Corrupt) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Text keys and plain values always serialise.
fn json(claim: &Claim) -> Bytes {
    serde_json::to_vec_pretty(claim).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_claim_passes_on_only_from_the_dead_to_their_like() {
        let at = |second| Timestamp::from_second(second).expect("a time");
        let own = Claim::new(Uuid::from_u128(1), at(1_000));
        let found = |run: u128, heartbeat| Claim {
            run_id: Uuid::from_u128(run),
            started_at: at(0),
            heartbeat_at: at(heartbeat),
        };
        for over in [TakeOver::Never, TakeOver::Shared, TakeOver::WhenSilent] {
            assert_eq!(judge(&own, &own, over, at(9_999)), Verdict::Own, "{over:?}");
            assert_eq!(judge(&found(2, 900), &own, over, at(1_000)), Verdict::Taken, "{over:?}");
            assert_eq!(judge(&found(2, 600), &own, over, at(1_000)), Verdict::Left, "{over:?}");
        }
        for (over, alive, silent) in [
            (TakeOver::Never, Verdict::Taken, Verdict::Left),
            (TakeOver::Shared, Verdict::Share, Verdict::Share),
            (TakeOver::WhenSilent, Verdict::Watch, Verdict::Seize),
        ] {
            assert_eq!(judge(&found(1, 900), &own, over, at(1_000)), alive, "{over:?}");
            assert_eq!(judge(&found(1, 600), &own, over, at(1_000)), silent, "{over:?}");
        }
    }
}
