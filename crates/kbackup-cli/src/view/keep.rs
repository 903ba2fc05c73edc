//! The results of verifying, copying, pruning and sweeping.

use indicatif::HumanBytes;
use kbackup_core::catalog::{CatalogError, Copied, Cost, Damage, Depth, Expired, Swept, Verdict, Verification};
use kbackup_core::model::{BackupName, ObjectRef};
use kbackup_core::store::ObjectStore;
use serde_json::{Value, json};

use super::out::result;
use super::{note, tables};
use crate::args::Global;
use crate::error::Failure;

/// Objects that are named in a sentence about a damage; JSON has all.
const NAMED_MAX: usize = 20;

/// What was verified, and what is damaged.
pub(crate) fn verifications(global: &Global, found: &[Verification]) -> Result<(), Failure> {
    let items: Vec<Value> = found.iter().map(verification).collect();
    let damaged = || found.iter().filter(|it| !it.is_whole()).map(|it| it.name.to_string()).collect();
    let sentences = |_| found.iter().map(verification_text).collect::<Vec<_>>().join("\n");
    result(global, &json!({ "items": items }), damaged, sentences)
}

fn verification(found: &Verification) -> Value {
    let damage = |damage: &Damage| {
        let objects: Vec<String> = match &damage.cost {
            Cost::Objects(objects) => objects.iter().map(ObjectRef::to_string).collect(),
            Cost::Everything | Cost::Nothing => Vec::new(),
        };
        let everything = damage.cost == Cost::Everything;
        json!({ "file": damage.file, "what": damage.what, "objects": objects, "everything": everything })
    };
    json!({
        "name": found.name,
        "whole": found.is_whole(),
        "deep": found.depth == Depth::Entries,
        "files": found.files,
        "bytes": found.bytes,
        "objects": found.objects,
        "damages": found.damages.iter().map(damage).collect::<Vec<_>>(),
        "notes": found.notes,
    })
}

fn verification_text(found: &Verification) -> String {
    let Verification { name, files, bytes, objects, .. } = found;
    let read = format!("{files} files, {}, {objects} objects", HumanBytes(*bytes));
    let state = if found.is_whole() { "whole" } else { "damaged" };
    let mut lines = vec![format!("Backup {name} is {state}: {read}.")];
    for Damage { file, what, cost } in &found.damages {
        lines.push(format!("  {file}"));
        lines.extend(what.iter().map(|what| format!("    {what}")));
        lines.push(format!("    costs {}", cost_text(cost, *objects)));
    }
    lines.extend(found.notes.iter().map(|note| format!("  note: {note}")));
    lines.join("\n")
}

fn cost_text(cost: &Cost, all: u64) -> String {
    match cost {
        Cost::Everything if all == 0 => "every object: nothing can be restored without it".to_owned(),
        Cost::Everything => format!("all {all} objects: nothing can be restored without it"),
        Cost::Nothing => "no object".to_owned(),
        Cost::Objects(objects) if objects.is_empty() => "no object".to_owned(),
        Cost::Objects(objects) => {
            let names: Vec<String> = objects.iter().take(NAMED_MAX).map(ObjectRef::to_string).collect();
            let more = objects.len().saturating_sub(NAMED_MAX);
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{} objects: {}{rest}", objects.len(), names.join(", "))
        }
    }
}

/// A backup that is in another store now.
pub(crate) fn copied(global: &Global, name: &BackupName, to: &dyn ObjectStore, copied: Copied) -> Result<(), Failure> {
    let Copied { files, bytes, reused } = copied;
    let value = json!({ "name": name, "to": to.to_string(), "files": files, "bytes": bytes, "reused": reused });
    let size = HumanBytes(bytes);
    let sentence = |_| match (files, reused) {
        (0, reused) => format!("Backup {name} is in {to} already: {reused} files compared, none copied."),
        (files, 0) => format!("Backup {name} copied to {to}: {files} files, {size}."),
        (files, reused) => format!("Backup {name} copied to {to}: {files} files, {size}; {reused} were there already."),
    };
    result(global, &value, || vec![name.to_string()], sentence)
}

/// What would become of each backup, and why.
pub(crate) fn verdicts(global: &Global, verdicts: &[Verdict]) -> Result<(), Failure> {
    let items: Vec<Value> = verdicts.iter().map(verdict).collect();
    let going = || verdicts.iter().filter(|it| !it.keeps()).map(|it| it.record.name.to_string()).collect();
    result(global, &json!({ "items": items }), going, |_| table(verdicts))
}

/// What became of each backup, and why.
pub(crate) fn expired(global: &Global, expired: &Expired) -> Result<(), Failure> {
    let Expired { verdicts, deleted, failed } = expired;
    tell_failed("could not be deleted", failed);
    let items: Vec<Value> = verdicts.iter().map(verdict).collect();
    let value = json!({ "items": items, "deleted": deleted, "failed": failed_items(failed) });
    let names = || deleted.iter().map(BackupName::to_string).collect();
    let sentence = |_| format!("{} of {} backups deleted, {} failed.", deleted.len(), verdicts.len(), failed.len());
    result(global, &value, names, sentence)
}

fn verdict(verdict: &Verdict) -> Value {
    let record = &verdict.record;
    json!({
        "name": record.name,
        "schedule": record.schedule,
        "outcome": record.outcome,
        "startedAt": record.started_at,
        "expiresAt": record.expires_at,
        "keep": verdict.keeps(),
        "reason": verdict.to_string(),
    })
}

fn table(verdicts: &[Verdict]) -> String {
    if verdicts.is_empty() {
        return "No backups found.".to_owned();
    }
    let row = |verdict: &Verdict| {
        let record = &verdict.record;
        let action = if verdict.keeps() { "keep" } else { "delete" };
        let schedule = record.schedule.clone().unwrap_or_default();
        let started = tables::time(record.started_at);
        vec![record.name.to_string(), schedule, started, action.to_owned(), verdict.to_string()]
    };
    tables::table(&["NAME", "SCHEDULE", "STARTED", "ACTION", "REASON"], verdicts.iter().map(row).collect())
}

/// What a sweep has removed.
pub(crate) fn swept(global: &Global, swept: &Swept) -> Result<(), Failure> {
    let Swept { deletions, unfinished, waiting, failed } = swept;
    tell_failed("could not be removed", failed);
    let left: Vec<&BackupName> = waiting.iter().map(|it| &it.name).collect();
    let value = json!({
        "deletions": deletions,
        "unfinished": unfinished,
        "waiting": left,
        "failed": failed_items(failed),
    });
    let names = || deletions.iter().chain(unfinished).map(BackupName::to_string).collect();
    let sentence = |_| {
        let mut lines = vec![format!(
            "{} unfinished backups removed, {} deletions finished, {} may still be going on, {} failed.",
            unfinished.len(),
            deletions.len(),
            waiting.len(),
            failed.len()
        )];
        lines.extend(waiting.iter().map(|it| format!("  {}: {}", it.name, tables::unfinished(it))));
        lines.join("\n")
    };
    result(global, &value, names, sentence)
}

fn tell_failed(what: &str, failed: &[(BackupName, CatalogError)]) {
    failed.iter().for_each(|(name, error)| note(format!("error: {name} {what}: {}", causes(error))));
}

fn failed_items(failed: &[(BackupName, CatalogError)]) -> Vec<Value> {
    failed.iter().map(|(name, error)| json!({ "name": name, "error": causes(error) })).collect()
}

/// An error with all that caused it, on one line.
pub(super) fn causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    std::iter::once(error.to_string()).chain(causes.map(ToString::to_string)).collect::<Vec<_>>().join(": ")
}
