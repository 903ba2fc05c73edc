//! Schedules, and what happens while they run.

use indicatif::HumanBytes;
use jiff::Timestamp;
use kbackup_core::model::BackupName;
use kbackup_core::scheduler::Told;
use serde_json::{Value, json};

use super::out::result;
use super::tables::{field, table, time, took};
use super::{causes, line, note};
use crate::args::{Global, Output};
use crate::command::Entry;
use crate::error::Failure;

/// Times that are shown of one schedule.
const TIMES: usize = 5;

/// The schedules of the configuration file.
pub(crate) fn schedules(global: &Global, entries: &[Entry]) -> Result<(), Failure> {
    let items: Vec<Value> = entries.iter().map(item).collect();
    let names = || entries.iter().map(|entry| entry.name.to_string()).collect();
    let row = |entry: &Entry| {
        let next = times(entry, 1).first().map_or_else(String::new, |at| time(*at));
        let state = if entry.spec.paused { "paused" } else { "active" };
        let location = entry.settings.location.clone().unwrap_or_default();
        vec![entry.name.to_string(), state.to_owned(), entry.spec.schedule.to_string(), zone(entry), next, location]
    };
    let header = ["NAME", "STATE", "SCHEDULE", "ZONE", "NEXT", "LOCATION"];
    let text = |_| match entries.is_empty() {
        true => "No schedules found.".to_owned(),
        false => table(&header, entries.iter().map(row).collect()),
    };
    result(global, &json!({ "items": items }), names, text)
}

/// One schedule.
pub(crate) fn schedule(global: &Global, entry: &Entry) -> Result<(), Failure> {
    let spec = &entry.spec;
    let text = |_| {
        let mut lines = vec![
            field("Name", &entry.name),
            field("State", if spec.paused { "paused" } else { "active" }),
            field("Schedule", format!("{} ({})", spec.schedule, zone(entry))),
            field("Location", entry.settings.location.as_deref().unwrap_or("(where the command says)")),
            field("Encrypted", encrypted(entry)),
            field(
                "Signed",
                entry.settings.sign_key.as_ref().map_or("no".to_owned(), |key| format!("with {}", key.display())),
            ),
            field("Kept for", spec.template.ttl),
            field("Rules", serde_json::to_string(&spec.retention).unwrap_or_default()),
            "Next:".to_owned(),
        ];
        lines.extend(times(entry, TIMES).into_iter().map(|at| format!("  {}", at.to_zoned(entry.zone.clone()))));
        lines.join("\n")
    };
    result(global, &item(entry), || vec![entry.name.to_string()], text)
}

fn item(entry: &Entry) -> Value {
    let settings = &entry.settings;
    json!({
        "name": entry.name,
        "location": settings.location,
        "createdAt": settings.created_at,
        "recipients": settings.recipients,
        "signKey": settings.sign_key,
        "passphraseFile": settings.passphrase_file,
        "limits": settings.limits,
        "zone": zone(entry),
        "spec": entry.spec,
        "next": times(entry, TIMES),
    })
}

fn encrypted(entry: &Entry) -> String {
    let passphrase = entry.settings.passphrase_file.iter().map(|_| "a passphrase");
    let whom: Vec<&str> = entry.settings.recipients.iter().map(String::as_str).chain(passphrase).collect();
    if whom.is_empty() { "as the location says".to_owned() } else { format!("for {}", whom.join(", ")) }
}

fn zone(entry: &Entry) -> String {
    entry.zone.iana_name().unwrap_or("UTC").to_owned()
}

/// The next times; none of a schedule that rests.
fn times(entry: &Entry, count: usize) -> Vec<Timestamp> {
    let next = |at: &Timestamp| entry.spec.schedule.next(*at, &entry.zone).filter(|_| !entry.spec.paused);
    std::iter::successors(next(&Timestamp::now()), next).take(count).collect()
}

/// What happens while schedules run: a line on standard output for each backup, the rest on standard error.
pub(crate) fn told(global: &Global, schedule: &BackupName, told: &Told<'_>) {
    let made = match told {
        Told::Made(report) => {
            let manifest = &report.manifest;
            let counts = &manifest.counts;
            let text = format!(
                "{schedule}: {} {}, {} objects, {}, {} issues, in {}",
                manifest.name,
                manifest.outcome,
                counts.objects,
                HumanBytes(counts.bytes_stored),
                counts.errors + counts.warnings,
                took(manifest.started_at, manifest.completed_at),
            );
            let value = json!({
                "schedule": schedule, "backup": manifest.name, "outcome": manifest.outcome,
                "objects": counts.objects, "bytesStored": counts.bytes_stored,
                "issues": { "errors": counts.errors, "warnings": counts.warnings },
                "startedAt": manifest.started_at, "completedAt": manifest.completed_at,
            });
            Some((text, value))
        }
        Told::Failed(backup, error) => {
            let why = causes(*error);
            let value = json!({ "schedule": schedule, "backup": backup, "outcome": "failed", "error": why });
            Some((format!("{schedule}: {backup} failed: {why}"), value))
        }
        _ => None,
    };
    match made {
        // Where nobody reads any more, the backups go on.
        Some((_, value)) if matches!(global.output, Output::Json | Output::Yaml) => _ = line(value.to_string()),
        Some((text, _)) => _ = line(text),
        None if global.quiet && !matches!(told, Told::Missed(_) | Told::Unreadable(_)) => {}
        None => aside(schedule, told),
    }
}

fn aside(schedule: &BackupName, told: &Told<'_>) {
    match told {
        Told::Next(at) => note(format!("{schedule}: the next backup is due {}", time(*at))),
        Told::Missed(at) => note(format!("{schedule}: warning: the backup that was due {} was missed", time(*at))),
        Told::Busy(at) => note(format!("{schedule}: the backup that was due {} waits for the last one", time(*at))),
        Told::Begun(backup) => note(format!("{schedule}: {backup} begins")),
        Told::MadeElsewhere(backup) => note(format!("{schedule}: {backup} is made by somebody else")),
        Told::Expired(expired) => {
            expired.deleted.iter().for_each(|backup| note(format!("{schedule}: {backup} was over, and is deleted")));
            let failed = expired.failed.iter();
            failed.for_each(|(backup, error)| note(format!("{schedule}: error: {backup} is over: {}", causes(error))));
        }
        Told::Unreadable(error) => note(format!("{schedule}: error: {}", causes(*error))),
        Told::Paused => note(format!("{schedule}: paused")),
        Told::Never => note(format!("{schedule}: warning: it has no time in the next five years")),
        _ => {}
    }
}
