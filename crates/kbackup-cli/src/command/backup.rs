//! `kbackup backup create | get | describe | delete`.

use kbackup_core::catalog::{self, Listed};
use kbackup_core::format::read_manifest;
use kbackup_core::limits::Limits;
use kbackup_core::model::BackupName;
use kbackup_core::run::Run;

use super::failure::{of_backup, of_catalog, of_format};
use super::run::{code, run, stamped};
use crate::args::{BackupCreate, BackupDelete, BackupDescribe, BackupGet, Global};
use crate::connect;
use crate::error::{Code, Failure};
use crate::view;

pub(super) async fn create(global: &Global, create: &BackupCreate) -> Result<Code, Failure> {
    let name = match &create.name {
        Some(name) => name.clone(),
        None => stamped("backup")?,
    };
    let (engine, _) = connect::engine(global).await?;
    let (run, _signal) = run(global);
    let report = engine.backup(&name, &create.spec(), &run).await.map_err(|error| of_backup(&error))?;
    drop(run);
    view::backup_report(global, &report)?;
    Ok(code(report.manifest.outcome))
}

pub(super) async fn get(global: &Global, get: &BackupGet) -> Result<Code, Failure> {
    let store = connect::store(global)?;
    let listed = match catalog::list(&*store, &Limits::default()).await {
        Ok(listed) => listed,
        Err(error) => return Err(of_catalog(&error, &*store).await),
    };
    let is_named = |listed: &Listed, name: &BackupName| listed.name == *name;
    if let Some(missing) = get.names.iter().find(|name| !listed.iter().any(|listed| is_named(listed, name))) {
        return Err(match read_manifest(&*store, missing).await {
            Err(error) => of_format(&error, &*store).await,
            Ok(_) => {
                Failure::failed(format!("backup \"{missing}\" appeared while the list was read")).next("run it again")
            }
        });
    }
    let wanted = |listed: &Listed| get.names.is_empty() || get.names.contains(&listed.name);
    let listed: Vec<Listed> = listed.into_iter().filter(wanted).collect();
    view::backups(global, &listed)?;
    Ok(Code::Completed)
}

pub(super) async fn describe(global: &Global, describe: &BackupDescribe) -> Result<Code, Failure> {
    let store = connect::store(global)?;
    let read = async {
        let manifest = read_manifest(&*store, &describe.name).await?;
        let issues = manifest.read_issues(&*store).await?;
        Ok((manifest, issues))
    };
    match read.await {
        Ok((manifest, issues)) => view::backup(global, &manifest, &issues)?,
        Err(error) => return Err(of_format(&error, &*store).await),
    }
    Ok(Code::Completed)
}

pub(super) async fn delete(global: &Global, delete: &BackupDelete) -> Result<Code, Failure> {
    let store = connect::store(global)?;
    let names: Vec<String> = delete.names.iter().map(|name| format!("\"{name}\"")).collect();
    view::confirm(global, &format!("Delete {} from {store}, with all that is in it?", names.join(", ")))?;
    for name in &delete.names {
        if let Err(error) = catalog::delete(&*store, name, &Run::default()).await {
            return Err(of_catalog(&error, &*store).await);
        }
        view::deleted(global, name)?;
    }
    Ok(Code::Completed)
}
