//! Tables and values for people.

use std::collections::BTreeMap;

use comfy_table::{Table, presets};
use indicatif::HumanBytes;
use jiff::{Timestamp, Unit};
use kbackup_core::backup::Preview;
use kbackup_core::catalog::{Listed, Summary, Survey, Unfinished};
use kbackup_core::event::{Level, LogLine};
use kbackup_core::format::{IndexLine, Manifest};
use kbackup_core::hook::HookCounts;
use kbackup_core::model::Revision;
use kbackup_core::volume::{VolumeCounts, VolumeRecord};

use super::results::Details;

/// Volumes that a description names.
const VOLUMES_MAX: usize = 100;

/// A table as kubectl prints one: no lines, columns three apart.
pub(super) fn table(header: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header.iter().copied());
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 3));
    }
    table.trim_fmt()
}

/// One line a backup, and one a folder that is none.
pub(super) fn backups(survey: &Survey, wide: bool) -> String {
    let mut header = vec!["NAME", "OUTCOME", "STARTED", "EXPIRES", "OBJECTS", "ISSUES"];
    if wide {
        header.extend(["STORED", "REVISION", "CLUSTER", "SCHEDULE"]);
    }
    // Who has only backups of kbackup's does not have to be told so in every line.
    let origin = wide || survey.backups.iter().any(|backup| backup.summary.as_ref().is_ok_and(Summary::is_velero));
    if origin {
        header.push("ORIGIN");
    }
    if survey.backups.is_empty() && survey.unfinished.is_empty() {
        return "No backups found.".to_owned();
    }
    let whole = survey.backups.iter().map(|backup| row(backup, wide, origin));
    let unfinished = survey.unfinished.iter().map(|folder| {
        let started = folder.claim.as_ref().map_or_else(String::new, |claim| time(claim.started_at));
        vec![folder.name.to_string(), state(folder).to_owned(), started]
    });
    table(&header, whole.chain(unfinished).collect())
}

fn row(backup: &Listed, wide: bool, origin: bool) -> Vec<String> {
    let name = backup.name.to_string();
    let summary = match &backup.summary {
        Ok(summary) => summary,
        Err(error) => return vec![name, format!("unreadable: {error}")],
    };
    let outcome = if backup.deleting { "deleting".to_owned() } else { summary.outcome.to_string() };
    let mut row = vec![
        name,
        outcome,
        time(summary.started_at),
        expiry(summary.expires_at),
        summary.objects.to_string(),
        (summary.errors + summary.warnings).to_string(),
    ];
    if wide {
        row.push(HumanBytes(summary.bytes_stored).to_string());
        row.push(revision(summary.is_velero(), summary.revision));
        row.push(summary.cluster.clone());
        row.push(summary.schedule().unwrap_or_default().to_owned());
    }
    if origin {
        row.push(summary.writer.to_string());
    }
    row
}

/// What a folder without a manifest is, in a word.
pub(super) fn state(unfinished: &Unfinished) -> &'static str {
    match (unfinished.deleting, unfinished.is_alive(Timestamp::now())) {
        (true, _) => "deleting",
        (false, true) => "inProgress",
        (false, false) => "unfinished",
    }
}

/// What a folder without a manifest is, in a sentence.
pub(crate) fn unfinished(unfinished: &Unfinished) -> String {
    let seen = unfinished.last_sign.map_or_else(|| "never".to_owned(), time);
    match state(unfinished) {
        "deleting" => "it was deleted, and what is left of it goes with: kbackup backup sweep".to_owned(),
        "inProgress" => format!("a run is making it (last sign of life {seen})"),
        _ => format!("a run that broke off has left a part of it (last sign of life {seen})"),
    }
}

/// One line an object.
pub(super) fn contents(lines: &[IndexLine], wide: bool) -> String {
    let mut header = vec!["TYPE", "NAMESPACE", "NAME", "BYTES"];
    if wide {
        header.extend(["PART", "UID"]);
    }
    if lines.is_empty() {
        return "No objects found.".to_owned();
    }
    let row = |line: &IndexLine| {
        let namespace = line.ns.clone().unwrap_or_default();
        let mut row = vec![line.gvr.group_resource(), namespace, line.name.clone(), line.len.to_string()];
        if wide {
            row.extend([line.part.to_string(), line.uid.clone()]);
        }
        row
    };
    table(&header, lines.iter().map(row).collect())
}

/// How many commands of hooks were run, in words.
fn hooks(counts: HookCounts) -> String {
    match counts {
        HookCounts { attempted: 0, .. } => "none".to_owned(),
        HookCounts { attempted, failed } => format!("{attempted} run, {failed} failed"),
    }
}

/// What was decided for the volumes, in words.
fn volumes(counts: VolumeCounts) -> String {
    let VolumeCounts { snapshot, fs_backup, custom, skipped, no_provider } = counts;
    let parts = [
        (snapshot, "to snapshot"),
        (fs_backup, "to copy"),
        (custom, "left to another program"),
        (skipped, "skipped"),
        (no_provider, "without a provider: their data is not in the backup"),
    ];
    let said: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if said.is_empty() { "none".to_owned() } else { said.join(", ") }
}

/// One line a volume.
fn volume(record: &VolumeRecord) -> String {
    let own = || record.pods.first().map(|pod| format!("{pod}:{}", record.pod_volume.as_deref().unwrap_or_default()));
    let name = record.claim.clone().or_else(own).or_else(|| record.volume.clone()).unwrap_or_default();
    format!("  {name}: {} ({})", record.action, record.reason)
}

/// One line a volume, for as many as a person reads.
fn volume_list(records: &[VolumeRecord]) -> Vec<String> {
    let more = records.len().saturating_sub(VOLUMES_MAX);
    let title = (!records.is_empty()).then(|| "By volume:".to_owned());
    let rest = (more > 0).then(|| format!("  and {more} more"));
    title.into_iter().chain(records.iter().take(VOLUMES_MAX).map(volume)).chain(rest).collect()
}

/// What a backup would take, for people.
pub(super) fn preview(preview: &Preview) -> String {
    let types = preview.by_type.len();
    let commands = if preview.hooks == 0 { "none".to_owned() } else { format!("{} to run", preview.hooks) };
    let mut lines = vec![
        format!(
            "Backup {} would take {} objects of {types} types; nothing was written.",
            preview.name, preview.objects
        ),
        field("Revision", preview.revision),
        field("Namespaces", preview.resolved.namespaces.join(", ")),
        field("Hooks", commands),
        field("Volumes", volumes(preview.volume_counts)),
    ];
    lines.extend(preview.issues.iter().map(|issue| format!("  {issue}")));
    lines.extend(volume_list(&preview.volumes));
    lines.push("Types:".to_owned());
    lines.extend(preview.by_type.iter().map(|(gvr, count)| format!("  {count:>8}  {}", gvr.group_resource())));
    lines.join("\n")
}

/// All that a manifest says, for people.
pub(super) fn backup(manifest: &Manifest, details: &Details) -> String {
    let counts = &manifest.counts;
    let mut lines = vec![
        field("Name", &manifest.name),
        field("Outcome", manifest.outcome),
        field("Origin", &manifest.writer),
        field("Cluster", format!("{} ({})", manifest.cluster.name, manifest.cluster.version)),
        field("Revision", revision(manifest.is_velero(), manifest.consistency.revision)),
        field("Started", time(manifest.started_at)),
        field("Took", took(manifest.started_at, manifest.completed_at)),
        field("Expires", expiry(manifest.expires_at)),
        field(
            "Locked",
            manifest.lock.map_or("no".to_owned(), |lock| format!("{} until {}", lock.mode, time(lock.until))),
        ),
        field("Labels", labels(&manifest.spec.labels)),
        field("Annotations", labels(&manifest.spec.annotations)),
        field("Namespaces", manifest.resolved.namespaces.join(", ")),
        field("Objects", objects(manifest)),
        field("Size", size(manifest)),
        field("Caps", caps(manifest)),
        field("Encrypted", encrypted(manifest)),
        field("Signed", signed(manifest, details.trusted)),
        field("Hooks", hooks(counts.hooks)),
        field("Volumes", volumes(counts.volumes)),
        field("Issues", format!("{} errors, {} warnings", counts.errors, counts.warnings)),
    ];
    lines.extend(manifest.consistency.exceptions.iter().map(|other| format!("  {}: {}", other.gvr, other.reason)));
    match &details.issues {
        Some(issues) => lines.extend(issues.iter().map(|issue| format!("  {issue}"))),
        None => lines.push("  they are encrypted: give an identity to see them (-i FILE)".to_owned()),
    }
    lines.extend(volume_list(&details.volumes));
    if !counts.by_type.is_empty() {
        lines.push("Types:".to_owned());
    }
    lines.extend(counts.by_type.iter().map(|(gvr, count)| format!("  {count:>8}  {}", gvr.group_resource())));
    if let Some(objects) = &details.objects {
        lines.push("Contents:".to_owned());
        lines.extend(objects.iter().map(|line| format!("  {}", line.object())));
    }
    lines.join("\n")
}

/// What was counted: Velero does not count types.
fn objects(manifest: &Manifest) -> String {
    let counts = &manifest.counts;
    if manifest.is_velero() {
        return counts.objects.to_string();
    }
    format!("{} of {} types", counts.objects, counts.by_type.len())
}

fn size(manifest: &Manifest) -> String {
    let counts = &manifest.counts;
    if manifest.is_velero() {
        return HumanBytes(counts.bytes_stored).to_string();
    }
    format!("{} of JSON in {}", HumanBytes(counts.bytes_raw), HumanBytes(counts.bytes_stored))
}

/// How hard the cluster was asked.
fn caps(manifest: &Manifest) -> String {
    let caps = &manifest.caps;
    if manifest.is_velero() {
        return "-".to_owned();
    }
    let speed = caps.bytes_per_second.map(|bytes| format!(", {} a second", HumanBytes(bytes)));
    let (lists, page) = (caps.requests_in_flight, caps.page_objects);
    format!("{lists} lists in flight, pages of {page} objects{}", speed.unwrap_or_default())
}

/// The revision at which all types were read, where there is one.
fn revision(is_velero: bool, revision: Revision) -> String {
    if is_velero { "-".to_owned() } else { revision.to_string() }
}

/// When a backup is no longer wanted.
fn expiry(at: Timestamp) -> String {
    if at == Timestamp::MAX { "never".to_owned() } else { time(at) }
}

fn encrypted(manifest: &Manifest) -> String {
    manifest.encryption.as_ref().map_or("no".to_owned(), |encryption| format!("for {encryption}"))
}

fn signed(manifest: &Manifest, trusted: bool) -> String {
    match (&manifest.signature, trusted) {
        (None, false) => "no".to_owned(),
        (Some(signature), false) => format!("by the key {}; not checked without --trusted-key", signature.key_id),
        (Some(signature), true) => format!("by the key {}, which is trusted", signature.key_id),
        (None, true) => "by a trusted key".to_owned(),
    }
}

/// A line of a log: when, how bad, and what.
pub(super) fn log_line(line: &LogLine) -> String {
    let level = match line.level {
        Level::Info => "info   ",
        Level::Warning => "warning",
        Level::Error => "error  ",
    };
    let object = line.object.as_ref().map(|object| format!("{object}: ")).unwrap_or_default();
    format!("{} {level} {object}{}", time(line.at), line.message)
}

pub(super) fn field(name: &str, value: impl std::fmt::Display) -> String {
    format!("{:<12} {value}", format!("{name}:"))
}

fn labels(labels: &BTreeMap<String, String>) -> String {
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

/// A moment to the second, in UTC.
pub(super) fn time(at: Timestamp) -> String {
    at.round(Unit::Second).unwrap_or(at).to_string()
}

/// How long something took, in seconds.
pub(super) fn took(from: Timestamp, to: Timestamp) -> String {
    format!("{:.1} s", to.duration_since(from).as_secs_f64())
}
