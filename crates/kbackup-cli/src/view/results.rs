//! The result of each command. The JSON of each is described in docs/guide/cli.md.

use indicatif::HumanBytes;
use kbackup_core::backup::{BackupReport, Preview};
use kbackup_core::catalog::{Exported, Listed, Survey, Unfinished};
use kbackup_core::event::LogLine;
use kbackup_core::format::{IndexLine, Manifest};
use kbackup_core::issue::Issue;
use kbackup_core::model::BackupName;
use kbackup_core::report::RestoreReport;
use kbackup_core::restore::RestorePlan;
use kbackup_core::store::ObjectStore;
use kbackup_core::volume::VolumeRecord;
use serde_json::{Value, json};

use super::out::result;
use super::{note, tables};
use crate::args::{Global, Output};
use crate::error::{Code, Failure};

/// A backup that was just made.
pub(crate) fn backup_report(global: &Global, report: &BackupReport) -> Result<(), Failure> {
    let manifest = &report.manifest;
    let counts = &manifest.counts;
    let sentence = |_| {
        format!(
            "Backup {} {}: {} objects of {} types at revision {}, {} stored, in {}.",
            manifest.name,
            manifest.outcome,
            counts.objects,
            counts.by_type.len(),
            manifest.consistency.revision,
            HumanBytes(counts.bytes_stored),
            tables::took(manifest.started_at, manifest.completed_at),
        )
    };
    result(global, manifest, || vec![manifest.name.to_string()], sentence)
}

/// What a backup would take.
pub(crate) fn backup_preview(global: &Global, preview: &Preview) -> Result<(), Failure> {
    result(global, preview, || vec![preview.name.to_string()], |_| tables::preview(preview))
}

/// What is told of a backup beside its manifest.
#[derive(Debug)]
pub(crate) struct Details {
    /// `None` where nothing opens them.
    pub(crate) issues: Option<Vec<Issue>>,
    pub(crate) volumes: Vec<VolumeRecord>,
    /// `None` where nobody asked for them.
    pub(crate) objects: Option<Vec<IndexLine>>,
    /// Whether a trusted key has signed it.
    pub(crate) trusted: bool,
}

/// A backup that was asked about.
pub(crate) fn backup(global: &Global, manifest: &Manifest, details: &Details) -> Result<(), Failure> {
    result(global, manifest, || vec![manifest.name.to_string()], |_| tables::backup(manifest, details))
}

/// The backups in a store.
pub(crate) fn backups(global: &Global, survey: &Survey) -> Result<(), Failure> {
    let items: Vec<Value> = survey.backups.iter().map(item).collect();
    let unfinished: Vec<Value> = survey.unfinished.iter().map(unfinished_item).collect();
    let names = || survey.backups.iter().map(|backup| backup.name.to_string()).collect();
    result(global, &json!({ "items": items, "unfinished": unfinished }), names, |wide| tables::backups(survey, wide))
}

fn item(backup: &Listed) -> Value {
    match &backup.summary {
        Ok(summary) => json!({
            "name": backup.name,
            "outcome": summary.outcome,
            "deleting": backup.deleting,
            "origin": summary.writer,
            "startedAt": summary.started_at,
            "completedAt": summary.completed_at,
            "expiresAt": summary.expires_at,
            "objects": summary.objects,
            "bytesStored": summary.bytes_stored,
            "labels": summary.labels,
            "issues": { "errors": summary.errors, "warnings": summary.warnings },
        }),
        Err(error) => json!({ "name": backup.name, "deleting": backup.deleting, "error": error.to_string() }),
    }
}

fn unfinished_item(unfinished: &Unfinished) -> Value {
    json!({
        "name": unfinished.name,
        "state": tables::state(unfinished),
        "startedAt": unfinished.claim.as_ref().map(|claim| claim.started_at),
        "lastSignOfLife": unfinished.last_sign,
    })
}

/// The objects in a backup.
pub(crate) fn contents(global: &Global, lines: &[IndexLine]) -> Result<(), Failure> {
    let item = |line: &IndexLine| {
        json!({
            "type": line.gvr,
            "namespace": line.ns,
            "name": line.name,
            "uid": line.uid,
            "labels": line.labels,
            "bytes": line.len,
            "part": line.part,
        })
    };
    let items: Vec<Value> = lines.iter().map(item).collect();
    let names = || lines.iter().map(|line| line.object().to_string()).collect();
    result(global, &json!({ "items": items }), names, |wide| tables::contents(lines, wide))
}

/// What the run that made a backup told.
pub(crate) fn log_lines(global: &Global, name: &BackupName, lines: &[LogLine]) -> Result<(), Failure> {
    if lines.is_empty() && !global.quiet {
        note(format!("no log was kept of backup {name}"));
    }
    let text = |_| lines.iter().map(tables::log_line).collect::<Vec<_>>().join("\n");
    result(global, &json!({ "items": lines }), || vec![name.to_string()], text)
}

/// A backup that another tool can read now.
pub(crate) fn exported(global: &Global, exported: &Exported, to: &dyn ObjectStore) -> Result<(), Failure> {
    let Exported { manifest, objects, bytes } = exported;
    let name = &manifest.name;
    result(
        global,
        &json!({ "name": name, "to": to.to_string(), "objects": objects, "bytes": bytes }),
        || vec![name.to_string()],
        |_| format!("Backup {name} exported to {to}: {objects} objects in {}.", HumanBytes(*bytes)),
    )
}

/// A backup that is gone.
pub(crate) fn deleted(global: &Global, name: &BackupName) -> Result<(), Failure> {
    result(
        global,
        &json!({ "name": name, "deleted": true }),
        || vec![name.to_string()],
        |_| format!("Backup {name} deleted."),
    )
}

/// What a restore would do.
pub(crate) fn plan(global: &Global, plan: &RestorePlan) -> Result<(), Failure> {
    let names = || plan.steps().filter(|step| step.is_write()).map(|step| step.object.to_string()).collect();
    if matches!(global.output, Output::Table | Output::Wide) && !global.quiet {
        plan.issues.iter().for_each(|issue| note(issue.to_string()));
    }
    let table = |wide: bool| match (wide, plan.diff()) {
        (true, _) => plan.listing(),
        (false, diff) if diff.is_empty() => plan.to_string(),
        (false, diff) => format!("{diff}\n{plan}"),
    };
    result(global, plan, names, table)
}

/// What a restore did.
pub(crate) fn restore_report(global: &Global, report: &RestoreReport) -> Result<(), Failure> {
    let counts = &report.counts;
    let sentence = |_| {
        format!(
            "Restore {} of backup {} {}: {} created, {} updated, {} unchanged, {} skipped, {} failed, in {}.",
            report.name,
            report.backup,
            report.outcome,
            counts.created,
            counts.updated,
            counts.unchanged,
            counts.skipped,
            counts.failed,
            tables::took(report.started_at, report.completed_at),
        )
    };
    result(global, report, || vec![report.name.to_string()], sentence)
}

/// The version.
pub(crate) fn version(global: &Global) -> Result<Code, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let value = json!({ "version": version, "formatVersion": kbackup_core::format::FormatVersion::CURRENT });
    result(global, &value, || vec![version.to_owned()], |_| format!("kbackup {version}"))?;
    Ok(Code::Completed)
}
