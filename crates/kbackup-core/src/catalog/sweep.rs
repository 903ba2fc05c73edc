//! Removes what runs that died have left, and finishes deletions that broke off.

use jiff::Timestamp;

use super::CatalogError;
use super::delete::{end, keys_of, refuse_read_only};
use super::list::{Survey, Unfinished, survey};
use crate::format::{BackupLayout, read_marker};
use crate::model::BackupName;
use crate::run::Run;
use crate::snapshot::SnapshotProviders;
use crate::spec::Ttl;
use crate::store::ObjectStore;

/// What [`sweep`] did.
#[derive(Debug, Default)]
pub struct Swept {
    /// Deletions that had broken off, and are finished now.
    pub deletions: Vec<BackupName>,
    /// Unfinished backups that are gone now.
    pub unfinished: Vec<BackupName>,
    /// Unfinished backups whose run may still be alive: they stay.
    pub waiting: Vec<Unfinished>,
    /// What should be gone, and why it is not. The next sweep goes on with it.
    pub failed: Vec<(BackupName, CatalogError)>,
}

/// For how long an unfinished backup gives no sign of life before it is removed, where nobody says otherwise: 24 hours, so
/// that a clock that is wrong by hours, or a host that slept, loses no run.
#[must_use]
pub fn grace() -> Ttl {
    Ttl::hours(24)
}

/// What a sweep would do with a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    FinishDeletion,
    Remove,
    Leave,
}

/// Finishes every deletion that was begun, and removes every unfinished backup that has given no sign of life for `grace`.
///
/// # Errors
/// `ReadOnly`; `Location` where the prefix is somebody else's; where the store can't be listed. Nothing was touched then.
pub async fn sweep(
    store: &dyn ObjectStore,
    snapshots: &SnapshotProviders,
    grace: Ttl,
    run: &Run,
) -> Result<Swept, CatalogError> {
    refuse_read_only(store)?;
    if read_marker(store).await?.is_none() {
        // Nothing of ours was ever written there. What stands there is somebody else's: Velero's, it may be.
        return Ok(Swept::default());
    }
    let survey = survey(store, run.bounds()).await?;
    let mut swept = Swept::default();
    for (name, fate) in fates(&survey, grace, run.now()) {
        if fate == Fate::Leave {
            swept.waiting.extend(survey.unfinished.iter().filter(|it| it.name == name).cloned());
            continue;
        }
        run.stage(format!("removing what is left of {name}"));
        match finish(store, snapshots, &name, run).await {
            Ok(()) if fate == Fate::Remove => swept.unfinished.push(name),
            Ok(()) => swept.deletions.push(name),
            Err(error) => swept.failed.push((name, error)),
        }
    }
    Ok(swept)
}

fn fates(survey: &Survey, grace: Ttl, now: Timestamp) -> Vec<(BackupName, Fate)> {
    let deleting = survey.backups.iter().filter(|backup| backup.deleting);
    let deleting = deleting.map(|backup| (backup.name.clone(), Fate::FinishDeletion));
    let unfinished = survey.unfinished.iter().map(|it| (it.name.clone(), fate(it, grace, now)));
    deleting.chain(unfinished).collect()
}

fn fate(unfinished: &Unfinished, grace: Ttl, now: Timestamp) -> Fate {
    let silent = |since: Timestamp| now.duration_since(since).unsigned_abs() >= grace.duration() && since < now;
    match unfinished.last_sign {
        _ if unfinished.deleting => Fate::FinishDeletion,
        Some(since) if silent(since) => Fate::Remove,
        _ => Fate::Leave,
    }
}

async fn finish(
    store: &dyn ObjectStore,
    snapshots: &SnapshotProviders,
    name: &BackupName,
    run: &Run,
) -> Result<(), CatalogError> {
    let keys = keys_of(store, &BackupLayout::new(name)).await?;
    if keys.is_empty() {
        return Ok(());
    }
    end(store, snapshots, name, keys, run).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_gave_no_sign_of_life_for_the_grace_is_removed() {
        let now: Timestamp = "2026-11-25T00:00:00Z".parse().expect("a time");
        let check = |sign: Option<&str>, deleting: bool, expect: Fate| {
            let last_sign = sign.map(|sign| sign.parse().expect("a time"));
            let it = Unfinished { name: "a".parse().expect("a name"), claim: None, last_sign, deleting };
            assert_eq!(fate(&it, grace(), now), expect, "{it:?}");
        };
        check(Some("2026-11-24T00:00:00Z"), false, Fate::Remove);
        check(Some("2026-11-24T00:00:01Z"), false, Fate::Leave);
        check(Some("2026-11-26T12:00:00Z"), false, Fate::Leave);
        check(None, false, Fate::Leave);
        check(Some("2026-11-24T23:59:59Z"), true, Fate::FinishDeletion);
    }
}
