//! `kbackup backup create | get | describe | contents | delete`.

use kbackup_core::action::BackupActions;
use kbackup_core::backup;
use kbackup_core::catalog;
use kbackup_core::format::{Access, FormatError, read_manifest};
use kbackup_core::issue::Outcome;
use kbackup_core::limits::Limits;
use kbackup_core::model::BackupName;
use kbackup_core::run::Run;
use kbackup_core::snapshot::SnapshotProviders;
use kbackup_core::spec::BackupSpec;

use super::failure::{of_backup, of_catalog, of_format};
use super::run::{code, run, stamped};
use crate::args::{BackupContents, BackupCreate, BackupDelete, BackupDescribe, BackupGet, Global};
use crate::connect;
use crate::error::{Code, Failure};
use crate::keys;
use crate::view;

pub(super) async fn create(global: &Global, create: &BackupCreate) -> Result<Code, Failure> {
    let name = match &create.name {
        Some(name) => name.clone(),
        None => stamped("backup")?,
    };
    let location = connect::location(global)?;
    let spec = create.what.spec(location.as_ref().and_then(|location| location.ttl)).await?;
    if create.dry_run {
        return preview(global, &name, &spec).await;
    }
    let protection = keys::protection(global, &create.what.protection, location.as_ref())?;
    let (engine, _) = connect::engine(global).await?;
    let (run, _signal) = run(global);
    let run = run.limits(create.what.pace.limits());
    let report = engine.protect(protection).backup(&name, &spec, &run).await.map_err(|error| of_backup(&error))?;
    drop(run);
    view::backup_report(global, &report)?;
    Ok(code(report.manifest.outcome))
}

/// What a backup would take.
async fn preview(global: &Global, name: &BackupName, spec: &BackupSpec) -> Result<Code, Failure> {
    let cluster = connect::cluster(global).await?;
    let (run, _signal) = run(global);
    let preview = backup::preview(&cluster, BackupActions::builtin(), (name, spec), &run).await;
    let preview = preview.map_err(|error| of_backup(&error))?;
    drop(run);
    view::backup_preview(global, &preview)?;
    Ok(code(Outcome::of(&preview.issues)))
}

pub(super) async fn get(global: &Global, get: &BackupGet) -> Result<Code, Failure> {
    let (store, keyring) = (connect::store(global)?, keys::keyring(global)?);
    let access = Access::new(&*store, &keyring);
    let mut survey = match catalog::survey(access, &Limits::default()).await {
        Ok(survey) => survey,
        Err(error) => return Err(of_catalog(&error, &*store).await),
    };
    if let Some(missing) = get.names.iter().find(|name| !survey.has(name)) {
        return Err(match read_manifest(access, missing).await {
            Err(error) => of_format(&error, &*store).await,
            Ok(_) => {
                Failure::failed(format!("backup \"{missing}\" appeared while the list was read")).next("run it again")
            }
        });
    }
    survey.choose(&get.names, get.selector.as_ref());
    survey.newest_first();
    view::backups(global, &survey)?;
    Ok(Code::Completed)
}

pub(super) async fn contents(global: &Global, contents: &BackupContents) -> Result<Code, Failure> {
    let (store, keyring) = (connect::store(global)?, keys::keyring(global)?);
    let (namespaces, types) = (&contents.include_namespaces, &contents.include_resources);
    let wanted = catalog::Wanted::new(namespaces, types, contents.selector.clone());
    match catalog::contents(Access::new(&*store, &keyring), &contents.name, &wanted).await {
        Ok(lines) => view::contents(global, &lines)?,
        Err(error) => return Err(of_format(&error, &*store).await),
    }
    Ok(Code::Completed)
}

pub(super) async fn describe(global: &Global, describe: &BackupDescribe) -> Result<Code, Failure> {
    let (store, keyring) = (connect::store(global)?, keys::keyring(global)?);
    let access = Access::new(&*store, &keyring);
    let read = async {
        let manifest = read_manifest(access, &describe.name).await?;
        // The manifest is never encrypted: what it says is shown to everybody.
        let issues = match manifest.read_issues(access).await {
            Err(FormatError::Encrypted { .. }) => None,
            issues => Some(issues?),
        };
        let volumes = match manifest.read_volumes(access).await {
            Err(FormatError::Encrypted { .. }) => Vec::new(),
            volumes => volumes?,
        };
        Ok((manifest, issues, volumes))
    };
    match read.await {
        Ok((manifest, issues, volumes)) => {
            view::backup(global, &manifest, issues.as_deref(), &volumes, keyring.demands_signature())?;
        }
        Err(error) => return Err(of_format(&error, &*store).await),
    }
    Ok(Code::Completed)
}

pub(super) async fn delete(global: &Global, delete: &BackupDelete) -> Result<Code, Failure> {
    let store = connect::store(global)?;
    let names: Vec<String> = delete.names.iter().map(|name| format!("\"{name}\"")).collect();
    view::confirm(global, &format!("Delete {} from {store}, with all that is in it?", names.join(", ")))?;
    for name in &delete.names {
        if let Err(error) = catalog::delete(&*store, &SnapshotProviders::default(), name, &Run::default()).await {
            return Err(of_catalog(&error, &*store).await);
        }
        view::deleted(global, name)?;
    }
    Ok(Code::Completed)
}
