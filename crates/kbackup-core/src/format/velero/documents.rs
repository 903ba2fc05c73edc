//! The documents of a backup of Velero's, with the fields and the order of fields that Velero gives them.

use std::collections::BTreeMap;

use jiff::{Timestamp, Unit};
use serde::Serialize;

use super::write::FORMAT_VERSION;
use crate::format::Manifest;
use crate::issue::{Issue, Outcome, Severity};
use crate::model::LabelSelector;
use crate::spec::SCHEDULE_LABEL;

/// The location that the backup says it is in. Velero puts its own name there when it finds the backup.
const LOCATION: &str = "default";
const LOCATION_LABEL: &str = "velero.io/storage-location";
const SCHEDULE_LABEL_OF_VELERO: &str = "velero.io/schedule-name";

/// `velero-backup.json`: the Backup object, indented.
pub(super) fn marker(manifest: &Manifest) -> Vec<u8> {
    // Text keys and plain values always serialise.
    serde_json::to_vec_pretty(&backup(manifest)).unwrap_or_default()
}

/// `<name>-results.gz`: what went wrong, by where.
pub(super) fn results(issues: &[Issue]) -> Vec<u8> {
    json_line(&Results { errors: messages(issues, Severity::Error), warnings: messages(issues, Severity::Warning) })
}

/// `<name>-logs.gz`: the run that made the backup kept no log of its own.
pub(super) fn log(manifest: &Manifest) -> Vec<u8> {
    let message = format!("This backup was made by {}, and exported to Velero's format", manifest.writer);
    let (time, name) = (seconds(manifest.completed_at), &manifest.name);
    format!("time=\"{time}\" level=info msg=\"{message}\" backup=velero/{name}\n").into_bytes()
}

/// JSON on a line, as Go's encoder ends it.
pub(super) fn json_line(value: &impl Serialize) -> Vec<u8> {
    let mut json = serde_json::to_vec(value).unwrap_or_default();
    json.push(b'\n');
    json
}

#[derive(Serialize)]
struct Results<'a> {
    errors: Messages<'a>,
    warnings: Messages<'a>,
}

#[derive(Default, Serialize)]
struct Messages<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    velero: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cluster: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    namespaces: BTreeMap<&'a str, Vec<String>>,
}

fn messages(issues: &[Issue], severity: Severity) -> Messages<'_> {
    let mut messages = Messages::default();
    for issue in issues.iter().filter(|issue| issue.severity == severity) {
        match &issue.object {
            None => messages.velero.push(&issue.message),
            Some(object) => {
                let text = format!("{object}: {}", issue.message);
                match &object.namespace {
                    Some(namespace) => messages.namespaces.entry(namespace).or_default().push(text),
                    None => messages.cluster.push(text),
                }
            }
        }
    }
    messages
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Backup<'a> {
    kind: &'static str,
    api_version: &'static str,
    metadata: Metadata<'a>,
    spec: Spec<'a>,
    status: Status,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    name: &'a str,
    namespace: &'static str,
    uid: String,
    creation_timestamp: Timestamp,
    labels: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'a str, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    metadata: Empty,
    included_namespaces: Vec<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    excluded_namespaces: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    included_resources: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    excluded_resources: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    included_cluster_scoped_resources: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    excluded_cluster_scoped_resources: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    included_namespace_scoped_resources: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    excluded_namespace_scoped_resources: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    label_selector: Option<&'a LabelSelector>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    or_label_selectors: &'a [LabelSelector],
    snapshot_volumes: bool,
    ttl: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    include_cluster_resources: Option<bool>,
    hooks: Empty,
    storage_location: &'static str,
    default_volumes_to_fs_backup: bool,
    csi_snapshot_timeout: &'static str,
    item_operation_timeout: &'static str,
    snapshot_move_data: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    version: u32,
    format_version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<Timestamp>,
    phase: &'static str,
    start_timestamp: Timestamp,
    completion_timestamp: Timestamp,
    #[serde(skip_serializing_if = "is_zero")]
    warnings: u64,
    #[serde(skip_serializing_if = "is_zero")]
    errors: u64,
    progress: Progress,
    hook_status: Empty,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    total_items: u64,
    items_backed_up: u64,
}

/// `{}`
#[derive(Serialize)]
struct Empty {}

fn backup(manifest: &Manifest) -> Backup<'_> {
    Backup {
        kind: "Backup",
        api_version: "velero.io/v1",
        metadata: metadata(manifest),
        spec: spec(manifest),
        status: status(manifest),
    }
}

fn metadata(manifest: &Manifest) -> Metadata<'_> {
    let mut labels: BTreeMap<&str, &str> =
        manifest.spec.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    if let Some(schedule) = manifest.spec.labels.get(SCHEDULE_LABEL) {
        labels.insert(SCHEDULE_LABEL_OF_VELERO, schedule);
    }
    labels.insert(LOCATION_LABEL, LOCATION);
    Metadata {
        name: manifest.name.as_str(),
        namespace: "velero",
        uid: manifest.run_id.to_string(),
        creation_timestamp: seconds(manifest.started_at),
        labels,
        annotations: annotations(manifest),
    }
}

/// Those of the backup, and those by which Velero says of which cluster it is.
fn annotations(manifest: &Manifest) -> BTreeMap<&str, String> {
    let own = manifest.spec.annotations.iter().map(|(key, value)| (key.as_str(), value.clone()));
    own.chain(source_cluster(&manifest.cluster.version)).collect()
}

/// `v1.37.2` in the three pieces that Velero keeps.
fn source_cluster(version: &str) -> BTreeMap<&'static str, String> {
    let mut numbers = version.trim_start_matches('v').split('.');
    let (Some(major), Some(minor)) = (numbers.next(), numbers.next()) else { return BTreeMap::new() };
    [
        ("velero.io/source-cluster-k8s-gitversion", version.to_owned()),
        ("velero.io/source-cluster-k8s-major-version", major.to_owned()),
        ("velero.io/source-cluster-k8s-minor-version", minor.to_owned()),
    ]
    .into()
}

fn spec(manifest: &Manifest) -> Spec<'_> {
    let spec = &manifest.spec;
    let all = spec.included_namespaces.is_empty();
    Spec {
        metadata: Empty {},
        included_namespaces: if all {
            vec!["*"]
        } else {
            spec.included_namespaces.iter().map(String::as_str).collect()
        },
        excluded_namespaces: &spec.excluded_namespaces,
        included_resources: &spec.included_resources,
        excluded_resources: &spec.excluded_resources,
        included_cluster_scoped_resources: &spec.included_cluster_scoped_resources,
        excluded_cluster_scoped_resources: &spec.excluded_cluster_scoped_resources,
        included_namespace_scoped_resources: &spec.included_namespace_scoped_resources,
        excluded_namespace_scoped_resources: &spec.excluded_namespace_scoped_resources,
        label_selector: spec.label_selector.as_ref(),
        or_label_selectors: &spec.or_label_selectors,
        snapshot_volumes: false,
        ttl: spec.ttl.to_string(),
        include_cluster_resources: spec.include_cluster_resources,
        hooks: Empty {},
        storage_location: LOCATION,
        default_volumes_to_fs_backup: false,
        csi_snapshot_timeout: "10m0s",
        item_operation_timeout: "4h0m0s",
        snapshot_move_data: false,
    }
}

fn status(manifest: &Manifest) -> Status {
    Status {
        version: 1,
        format_version: FORMAT_VERSION,
        expiration: (manifest.expires_at != Timestamp::MAX).then(|| seconds(manifest.expires_at)),
        phase: match manifest.outcome {
            Outcome::Completed => "Completed",
            Outcome::PartiallyFailed => "PartiallyFailed",
            Outcome::Failed => "Failed",
        },
        start_timestamp: seconds(manifest.started_at),
        completion_timestamp: seconds(manifest.completed_at),
        warnings: manifest.counts.warnings,
        errors: manifest.counts.errors,
        progress: Progress { total_items: manifest.counts.objects, items_backed_up: manifest.counts.objects },
        hook_status: Empty {},
    }
}

/// Kubernetes writes times to the second.
fn seconds(at: Timestamp) -> Timestamp {
    at.round(Unit::Second).unwrap_or(at)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
