//! `kbackup backup verify | copy | prune | sweep`: what becomes of backups after they were made.

use kbackup_core::catalog::{self, Depth};
use kbackup_core::format::Access;
use kbackup_core::snapshot::SnapshotProviders;

use super::failure::of_catalog;
use super::run::run;
use crate::args::{BackupCopy, BackupPrune, BackupSweep, BackupVerify, Global};
use crate::connect;
use crate::error::{Code, Failure};
use crate::keys;
use crate::view;

pub(super) async fn verify(global: &Global, verify: &BackupVerify) -> Result<Code, Failure> {
    let (store, keyring) = (connect::store(global)?, keys::keyring(global)?);
    let depth = if verify.deep { Depth::Entries } else { Depth::Digests };
    let mut found = Vec::new();
    for name in &verify.names {
        let (run, _signal) = run(global);
        match catalog::verify(Access::new(&*store, &keyring), name, depth, &run).await {
            Ok(verification) => found.push(verification),
            Err(error) => return Err(of_catalog(&error, &*store).await),
        }
    }
    let whole = found.iter().all(catalog::Verification::is_whole);
    view::verifications(global, &found)?;
    Ok(if whole { Code::Completed } else { Code::Failed })
}

pub(super) async fn copy(global: &Global, copy: &BackupCopy) -> Result<Code, Failure> {
    let (from, (to, location)) = (connect::store(global)?, connect::other_store(global, &copy.to)?);
    let (keyring, trust) = (keys::keyring(global)?, keys::trust(location.as_ref())?);
    let reseal = keys::reseal(&copy.protection, location.as_ref())?;
    let (run, _signal) = run(global);
    let (from_there, to_there) = (Access::new(&*from, &keyring), Access::new(&*to, &trust));
    let copied = match catalog::copy_as(from_there, to_there, &copy.name, &reseal, &run).await {
        Ok(copied) => copied,
        Err(error) => return Err(of_catalog(&error, &*from).await),
    };
    drop(run);
    view::copied(global, &copy.name, &*to, copied)?;
    Ok(Code::Completed)
}

pub(super) async fn prune(global: &Global, prune: &BackupPrune) -> Result<Code, Failure> {
    let (store, keyring) = (connect::store(global)?, keys::keyring(global)?);
    let access = Access::new(&*store, &keyring);
    let policies = super::schedule::policies(global, prune.rules.retention())?;
    let (run, _signal) = run(global);
    let verdicts = match catalog::expiry(access, &policies, &run).await {
        Ok(verdicts) => verdicts,
        Err(error) => return Err(of_catalog(&error, &*store).await),
    };
    if prune.dry_run {
        drop(run);
        view::verdicts(global, &verdicts)?;
        return Ok(Code::Completed);
    }
    let going = verdicts.iter().filter(|verdict| !verdict.keeps()).count();
    if going > 0 {
        view::confirm(global, &format!("Delete {going} of {} backups from {store}?", verdicts.len()))?;
    }
    let expired = match catalog::expire(access, &SnapshotProviders::default(), &policies, &run).await {
        Ok(expired) => expired,
        Err(error) => return Err(of_catalog(&error, &*store).await),
    };
    drop(run);
    view::expired(global, &expired)?;
    Ok(if expired.failed.is_empty() { Code::Completed } else { Code::Failed })
}

pub(super) async fn sweep(global: &Global, sweep: &BackupSweep) -> Result<Code, Failure> {
    let store = connect::store(global)?;
    let (run, _signal) = run(global);
    let swept = match catalog::sweep(&*store, &SnapshotProviders::default(), sweep.grace, &run).await {
        Ok(swept) => swept,
        Err(error) => return Err(of_catalog(&error, &*store).await),
    };
    drop(run);
    view::swept(global, &swept)?;
    Ok(if swept.failed.is_empty() { Code::Completed } else { Code::Failed })
}
