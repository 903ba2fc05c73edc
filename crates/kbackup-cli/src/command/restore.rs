//! `kbackup restore create`.

use kbackup_core::modifier::ResourceModifiers;
use kbackup_core::spec::RestoreSpec;
use serde_json::Value;

use super::failure::of_restore;
use super::run::{code, run, stamped};
use crate::args::{Global, RestoreCreate};
use crate::connect;
use crate::document;
use crate::error::{Code, Failure};
use crate::view;

pub(super) async fn create(global: &Global, create: &RestoreCreate) -> Result<Code, Failure> {
    let spec = request(create).await?;
    let name = match &create.name {
        Some(name) => name.clone(),
        None => stamped(spec.backup_name.as_str())?,
    };
    let (engine, store) = connect::engine(global).await?;
    let (run, _signal) = run(global);
    let planned = engine.plan_restore(&name, &spec, &run).await;
    let plan = match planned {
        Ok(plan) => plan,
        Err(error) => return Err(of_restore(&error, &*store).await),
    };
    if create.dry_run.is_some() {
        drop(run);
        view::plan(global, &plan)?;
        return Ok(if plan.counts().failed == 0 { Code::Completed } else { Code::PartiallyFailed });
    }
    let report = match engine.apply(&plan, &run).await {
        Ok(report) => report,
        Err(error) => return Err(of_restore(&error, &*store).await),
    };
    drop(run);
    view::restore_report(global, &report)?;
    Ok(code(report.outcome))
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
