//! `kbackup restore create`, `plan` and `apply`.

use std::path::Path;

use kbackup_core::engine::Engine;
use kbackup_core::model::BackupName;
use kbackup_core::restore::RestorePlan;
use kbackup_core::run::Run;
use kbackup_core::store::ObjectStore;

use kbackup_core::modifier::ResourceModifiers;
use kbackup_core::spec::RestoreSpec;
use serde_json::Value;

use super::failure::of_restore;
use super::run::{code, run, stamped};
use crate::args::{DryRun, Global, RestoreApply, RestoreCreate};
use crate::connect;
use crate::document;
use crate::error::{Code, Failure};
use crate::view;

pub(super) async fn create(global: &Global, create: &RestoreCreate) -> Result<Code, Failure> {
    if create.dry_run.is_some() || create.plan_out.is_some() {
        return plan(global, create).await;
    }
    let spec = request(create).await?;
    let name = name(create, &spec)?;
    let (engine, store) = connect::engine(global).await?;
    let (run, _signal) = run(global);
    match engine.plan_restore(&name, &spec, &run).await {
        Ok(plan) => do_plan(global, (&engine, &*store), &plan, run).await,
        Err(error) => Err(of_restore(&error, &*store).await),
    }
}

pub(super) async fn plan(global: &Global, create: &RestoreCreate) -> Result<Code, Failure> {
    let spec = request(create).await?;
    let name = name(create, &spec)?;
    let (engine, store) = connect::engine(global).await?;
    let (run, _signal) = run(global);
    let mut planned = engine.plan_restore(&name, &spec, &run).await;
    if let (Ok(plan), Some(DryRun::Server)) = (&planned, create.dry_run) {
        planned = engine.check(plan.clone(), &run).await;
    }
    let plan = match planned {
        Ok(plan) => plan,
        Err(error) => return Err(of_restore(&error, &*store).await),
    };
    drop(run);
    if let Some(file) = &create.plan_out {
        write(file, &plan)?;
    }
    view::plan(global, &plan)?;
    Ok(if plan.counts().failed == 0 { Code::Completed } else { Code::PartiallyFailed })
}

pub(super) async fn apply(global: &Global, apply: &RestoreApply) -> Result<Code, Failure> {
    let stored = read(&apply.plan)?;
    let (engine, store) = connect::engine(global).await?;
    let plan = match stored {
        Some(plan) => plan,
        None => begun(&engine, &*store, &apply.plan).await?,
    };
    let (run, _signal) = run(global);
    do_plan(global, (&engine, &*store), &plan, run).await
}

async fn do_plan(
    global: &Global,
    (engine, store): (&Engine, &dyn ObjectStore),
    plan: &RestorePlan,
    run: Run,
) -> Result<Code, Failure> {
    let report = match engine.apply(plan, &run).await {
        Ok(report) => report,
        Err(error) => return Err(of_restore(&error, store).await),
    };
    drop(run);
    view::restore_report(global, &report)?;
    Ok(code(report.outcome))
}

fn name(create: &RestoreCreate, spec: &RestoreSpec) -> Result<BackupName, Failure> {
    match &create.name {
        Some(name) => Ok(name.clone()),
        None => stamped(spec.backup_name.as_str()),
    }
}

fn write(file: &Path, plan: &RestorePlan) -> Result<(), Failure> {
    let failed = |why: &dyn std::fmt::Display| {
        Failure::failed(format!("the plan could not be written to {}", file.display())).why(why)
    };
    let json = serde_json::to_vec_pretty(plan).map_err(|error| failed(&error))?;
    std::fs::write(file, json).map_err(|error| failed(&error))
}

/// The plan in a file; `None` where there is no such file.
fn read(file: &Path) -> Result<Option<RestorePlan>, Failure> {
    let json = match std::fs::read(file) {
        Ok(json) => json,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::usage(format!("{} can't be read", file.display())).why(error)),
    };
    let plan = serde_json::from_slice(&json);
    plan.map(Some).map_err(|error| {
        let next = "give a file that kbackup restore create --plan-out wrote";
        Failure::usage(format!("{} is not the plan of a restore", file.display())).why(error).next(next)
    })
}

/// The plan that an interrupted restore of that name has left in the store.
async fn begun(engine: &Engine, store: &dyn ObjectStore, name: &Path) -> Result<RestorePlan, Failure> {
    let text = name.to_string_lossy();
    let name: BackupName = text.parse().map_err(|_| Failure::usage(format!("there is no file {text}")))?;
    match engine.begun_restore(&name).await {
        Ok(plan) => Ok(plan),
        Err(error) => Err(of_restore(&error, store).await),
    }
}

/// What is asked for, by flags and files.
async fn request(create: &RestoreCreate) -> Result<RestoreSpec, Failure> {
    let wrong = |why: String| Failure::usage("the request is not valid").why(why);
    let mut spec = create.over(from_file(create).await?).map_err(wrong)?;
    if let Some(file) = &create.resource_modifiers {
        spec.resource_modifiers = Some(document::read("--resource-modifiers", file).await?);
    }
    let read = |modifiers: ResourceModifiers| modifiers.with_patches_read_by(document::tree);
    spec.resource_modifiers = spec.resource_modifiers.map(read).transpose().map_err(|why| wrong(why.join("; ")))?;
    Ok(spec)
}

/// The spec of the file, which need not name the backup where a flag does.
async fn from_file(create: &RestoreCreate) -> Result<RestoreSpec, Failure> {
    let flag = create.from_backup.clone();
    let Some(file) = &create.spec else {
        let missing = || Failure::usage("no backup was given").next("name one with --from-backup");
        return flag.map(RestoreSpec::from_backup).ok_or_else(missing);
    };
    let mut spec: Value = document::read("--spec", file).await?;
    if let (Some(backup), Some(fields)) = (flag, spec.as_object_mut()) {
        fields.insert("backupName".to_owned(), backup.to_string().into());
    }
    let failure = || Failure::usage(format!("the file of --spec, {}, is no RestoreSpec", file.display()));
    serde_json::from_value(spec).map_err(|error| failure().why(error))
}
