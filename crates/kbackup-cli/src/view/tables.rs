//! Tables and values for people.

use comfy_table::{Table, presets};
use indicatif::HumanBytes;
use jiff::{Timestamp, Unit};
use kbackup_core::catalog::Listed;
use kbackup_core::format::Manifest;
use kbackup_core::issue::Issue;

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

/// One line a backup.
pub(super) fn backups(listed: &[Listed], wide: bool) -> String {
    let mut header = vec!["NAME", "OUTCOME", "STARTED", "EXPIRES", "OBJECTS", "ISSUES"];
    if wide {
        header.extend(["STORED", "REVISION", "CLUSTER"]);
    }
    if listed.is_empty() {
        return "No backups found.".to_owned();
    }
    table(&header, listed.iter().map(|backup| row(backup, wide)).collect())
}

fn row(backup: &Listed, wide: bool) -> Vec<String> {
    let name = backup.name.to_string();
    let manifest = match &backup.manifest {
        Ok(manifest) => manifest,
        Err(error) => return vec![name, format!("unreadable: {error}")],
    };
    let outcome = if backup.deleting { "deleting".to_owned() } else { manifest.outcome.to_string() };
    let issues = manifest.counts.errors + manifest.counts.warnings;
    let mut row = vec![
        name,
        outcome,
        time(manifest.started_at),
        time(manifest.expires_at),
        manifest.counts.objects.to_string(),
        issues.to_string(),
    ];
    if wide {
        row.push(HumanBytes(manifest.counts.bytes_stored).to_string());
        row.push(manifest.consistency.revision.to_string());
        row.push(manifest.cluster.name.clone());
    }
    row
}

/// All that a manifest says, for people.
pub(super) fn backup(manifest: &Manifest, issues: &[Issue]) -> String {
    let counts = &manifest.counts;
    let mut lines = vec![
        field("Name", &manifest.name),
        field("Outcome", manifest.outcome),
        field("Cluster", format!("{} ({})", manifest.cluster.name, manifest.cluster.version)),
        field("Revision", manifest.consistency.revision),
        field("Started", time(manifest.started_at)),
        field("Took", took(manifest.started_at, manifest.completed_at)),
        field("Expires", time(manifest.expires_at)),
        field("Namespaces", manifest.resolved.namespaces.join(", ")),
        field("Objects", format!("{} of {} types", counts.objects, counts.by_type.len())),
        field("Size", format!("{} of JSON in {}", HumanBytes(counts.bytes_raw), HumanBytes(counts.bytes_stored))),
        field("Issues", format!("{} errors, {} warnings", counts.errors, counts.warnings)),
    ];
    lines.extend(manifest.consistency.exceptions.iter().map(|other| format!("  {}: {}", other.gvr, other.reason)));
    lines.extend(issues.iter().map(|issue| format!("  {issue}")));
    lines.push("Types:".to_owned());
    lines.extend(counts.by_type.iter().map(|(gvr, count)| format!("  {count:>8}  {}", gvr.group_resource())));
    lines.join("\n")
}

pub(super) fn field(name: &str, value: impl std::fmt::Display) -> String {
    format!("{:<12} {value}", format!("{name}:"))
}

/// A moment to the second, in UTC.
fn time(at: Timestamp) -> String {
    at.round(Unit::Second).unwrap_or(at).to_string()
}

/// How long something took, in seconds.
pub(super) fn took(from: Timestamp, to: Timestamp) -> String {
    format!("{:.1} s", to.duration_since(from).as_secs_f64())
}
