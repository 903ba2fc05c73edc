//! `kbackup backup create | get | describe | logs | contents | delete`.

use kbackup_core::action::BackupActions;
use kbackup_core::backup;
use kbackup_core::catalog;
use kbackup_core::format::{Access, FormatError, read_manifest};
use kbackup_core::issue::Outcome;
use kbackup_core::limits::Limits;
use kbackup_core::model::{BackupName, LabelSelector};
use kbackup_core::run::Run;
use kbackup_core::snapshot::SnapshotProviders;
use kbackup_core::spec::{BackupSpec, SCHEDULE_LABEL};

use super::entry::Entry;
use super::failure::{of_backup, of_catalog, of_format};
use super::run::{code, run, stamped};
use crate::args::{
    BackupContents, BackupCreate, BackupDelete, BackupDescribe, BackupGet, BackupLogs, Global, Pace, ProtectionArgs,
};
use crate::connect;
use crate::error::{Code, Failure};
use crate::keys;
use crate::view::{self, Details};

pub(super) async fn create(global: &Global, create: &BackupCreate) -> Result<Code, Failure> {
    let Request { name, global, spec, protection, pace } = request(global, create).await?;
    let global = &global;
    if create.dry_run {
        return preview(global, &name, &spec).await;
    }
    let protection = keys::protection(global, &protection, connect::location(global)?.as_ref())?;
    let (engine, _) = connect::engine(global).await?;
    let (run, _signal) = run(global);
    let run = run.limits(pace.limits());
    let report = engine.protect(protection).backup(&name, &spec, &run).await.map_err(|error| of_backup(&error))?;
    drop(run);
    view::backup_report(global, &report)?;
    Ok(code(report.manifest.outcome))
}

/// A backup that is asked for.
struct Request {
    name: BackupName,
    global: Global,
    spec: BackupSpec,
    protection: ProtectionArgs,
    pace: Pace,
}

/// What is asked for: by the flags alone, or by a schedule, over which the flags win.
async fn request(global: &Global, create: &BackupCreate) -> Result<Request, Failure> {
    let what = &create.what;
    let named = |base: &str| create.name.clone().map_or_else(|| stamped(base), Ok);
    let Some(schedule) = &create.from_schedule else {
        let ttl = connect::location(global)?.and_then(|location| location.ttl);
        let (protection, pace) = (what.protection.clone(), what.pace);
        return Ok(Request {
            name: named("backup")?,
            global: global.clone(),
            spec: what.spec(ttl).await?,
            protection,
            pace,
        });
    };
    let Entry { name, settings, spec, .. } = Entry::of(global, schedule)?;
    let spec = what.over(spec.template.label(SCHEDULE_LABEL, name.as_str())).await?;
    let mut protection = what.protection.clone();
    if protection.names_nobody() {
        protection.recipient = settings.recipients;
    }
    protection.sign_key = protection.sign_key.or(settings.sign_key);
    let mut global = global.clone();
    global.passphrase_file = global.passphrase_file.or(settings.passphrase_file);
    if let (None, Some(location)) = (&global.location, settings.location) {
        (global.location, global.store) = (Some(location), None);
    }
    Ok(Request { name: named(name.as_str())?, global, spec, protection, pace: what.pace.or(settings.limits) })
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

pub(super) async fn logs(global: &Global, logs: &BackupLogs) -> Result<Code, Failure> {
    let (store, keyring) = (connect::store(global)?, keys::keyring(global)?);
    let access = Access::new(&*store, &keyring);
    let read = async { read_manifest(access, &logs.name).await?.read_log(access).await };
    match read.await {
        Ok(lines) => view::log_lines(global, &logs.name, &lines)?,
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
        let objects = if describe.details { Some(manifest.read_index(access).await?) } else { None };
        Ok((manifest, Details { issues, volumes, objects, trusted: keyring.demands_signature() }))
    };
    match read.await {
        Ok((manifest, details)) => view::backup(global, &manifest, &details)?,
        Err(error) => return Err(of_format(&error, &*store).await),
    }
    Ok(Code::Completed)
}

pub(super) async fn delete(global: &Global, delete: &BackupDelete) -> Result<Code, Failure> {
    let store = connect::store(global)?;
    let names = match (&delete.selector, delete.all) {
        (None, false) => delete.names.clone(),
        (selector, _) => chosen(global, selector.as_ref()).await?,
    };
    if names.is_empty() {
        view::note("no backup is chosen, and none was deleted");
        return Ok(Code::Completed);
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    view::confirm(global, &format!("Delete {} from {store}, with all that is in it?", quoted.join(", ")))?;
    for name in &names {
        if let Err(error) = catalog::delete(&*store, &SnapshotProviders::default(), name, &Run::default()).await {
            return Err(of_catalog(&error, &*store).await);
        }
        view::deleted(global, name)?;
    }
    Ok(Code::Completed)
}

/// The backups of the store that a selector chooses, or all; Velero deletes its own.
async fn chosen(global: &Global, selector: Option<&LabelSelector>) -> Result<Vec<BackupName>, Failure> {
    let (store, keyring) = (connect::store(global)?, keys::keyring(global)?);
    let mut survey = match catalog::survey(Access::new(&*store, &keyring), &Limits::default()).await {
        Ok(survey) => survey,
        Err(error) => return Err(of_catalog(&error, &*store).await),
    };
    survey.choose(&[], selector);
    let is_own = |backup: &catalog::Listed| !backup.summary.as_ref().is_ok_and(catalog::Summary::is_velero);
    Ok(survey.backups.into_iter().filter(is_own).map(|backup| backup.name).collect())
}
