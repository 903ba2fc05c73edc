//! Deletes the backups whose time is over.

use super::delete::{delete, refuse_read_only};
use super::list::list;
use super::retention::{Policies, Record, Verdict, judge};
use super::{CatalogError, Listed};
use crate::format::Access;
use crate::model::BackupName;
use crate::run::Run;
use crate::snapshot::SnapshotProviders;

/// What [`expire`] did.
#[derive(Debug, Default)]
pub struct Expired {
    /// What was decided of each backup, and why.
    pub verdicts: Vec<Verdict>,
    /// The backups that are gone.
    pub deleted: Vec<BackupName>,
    /// Those that should be, and why they are not. The next time finishes them.
    pub failed: Vec<(BackupName, CatalogError)>,
}

/// Decides which backups stay and which go, and why, without any effect. Backups that can't be read, those that are not
/// trusted where signatures are demanded, and those whose deletion is under way are not judged: they stay, and no rule counts
/// them, so nobody makes a backup go by putting newer ones beside it.
///
/// # Errors
/// Where the store can't be listed.
pub async fn expiry<'a>(
    from: impl Into<Access<'a>> + Send,
    policies: &Policies,
    run: &Run,
) -> Result<Vec<Verdict>, CatalogError> {
    let listed: Vec<Listed> = list(from, run.bounds()).await?;
    Ok(judge(listed.iter().filter_map(Record::of).collect(), policies, run.now()))
}

/// Deletes the backups whose time to live is over and that no rule keeps, each in the order of [`delete`](fn@delete). A
/// backup that can't be deleted does not stop the others.
///
/// # Errors
/// `ReadOnly`; where the store can't be listed. Nothing was touched then.
pub async fn expire<'a>(
    from: impl Into<Access<'a>> + Send,
    snapshots: &SnapshotProviders,
    policies: &Policies,
    run: &Run,
) -> Result<Expired, CatalogError> {
    let access: Access<'a> = from.into();
    let store = access.store();
    refuse_read_only(store)?;
    let mut expired = Expired { verdicts: expiry(access, policies, run).await?, ..Expired::default() };
    for verdict in expired.verdicts.iter().filter(|verdict| !verdict.keeps()) {
        let name = &verdict.record.name;
        if run.is_cancelled() {
            break;
        }
        run.stage(format!("deleting {name}: {verdict}"));
        match delete(store, snapshots, name, run).await {
            Ok(()) => expired.deleted.push(name.clone()),
            Err(error) => expired.failed.push((name.clone(), error)),
        }
    }
    Ok(expired)
}
