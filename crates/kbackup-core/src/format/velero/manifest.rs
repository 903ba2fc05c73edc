//! What `velero-backup.json` says, as a manifest.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::VeleroLayout;
use crate::format::{
    Caps, ClusterRecord, ConsistencyRecord, Counts, FileRecord, FormatError, FormatVersion, Manifest, PartRecord,
    Resolved, Writer,
};
use crate::issue::Outcome;
use crate::model::{BackupName, LabelSelector, Revision};
use crate::spec::{BackupSpec, Consistency, Ttl};

/// What a tarball may decompress to whatever its size: small backups compress best.
const RAW_BYTES_FREE: u64 = 64 << 20;
/// How many times its size it may decompress to beyond that. Objects come to ten or twenty times, twice that with the
/// second copy that Velero keeps of each; a bomb comes to a thousand.
const RATIO_MAX: u64 = 256;
/// What it may decompress to at most: Velero's own limit.
const RAW_BYTES_MAX: u64 = 16 << 30;

/// The parts of Velero's Backup object that are needed here. Everything may be missing: old versions had less.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Backup {
    api_version: String,
    kind: String,
    metadata: Metadata,
    spec: Value,
    status: Status,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    name: String,
    uid: String,
    creation_timestamp: Option<Timestamp>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    included_namespaces: Option<Vec<String>>,
    excluded_namespaces: Option<Vec<String>>,
    included_resources: Option<Vec<String>>,
    excluded_resources: Option<Vec<String>>,
    include_cluster_resources: Option<bool>,
    included_cluster_scoped_resources: Option<Vec<String>>,
    excluded_cluster_scoped_resources: Option<Vec<String>>,
    included_namespace_scoped_resources: Option<Vec<String>>,
    excluded_namespace_scoped_resources: Option<Vec<String>>,
    label_selector: Option<LabelSelector>,
    or_label_selectors: Option<Vec<LabelSelector>>,
    ttl: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    format_version: String,
    phase: String,
    start_timestamp: Option<Timestamp>,
    completion_timestamp: Option<Timestamp>,
    expiration: Option<Timestamp>,
    warnings: u64,
    errors: u64,
    progress: Option<Progress>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Progress {
    items_backed_up: u64,
}

/// The manifest of the backup `name`, from the bytes of its `velero-backup.json` and the size of its tarball, where it has
/// one.
pub(super) fn manifest(name: &BackupName, marker: &[u8], tarball: Option<u64>) -> Result<Manifest, FormatError> {
    let damaged = |why: String| FormatError::damaged(name, format!("velero-backup.json: {why}"));
    let backup: Backup = serde_json::from_slice(marker).map_err(|error| damaged(error.to_string()))?;
    if backup.kind != "Backup" || !backup.api_version.starts_with("velero.io/") {
        return Err(damaged(format!("it holds a {:?} of {:?}, not Velero's Backup", backup.kind, backup.api_version)));
    }
    if backup.metadata.name != name.as_str() {
        return Err(damaged(format!("it is that of {:?}", backup.metadata.name)));
    }
    let format = Some(backup.status.format_version.as_str()).filter(|version| !version.is_empty()).unwrap_or("1");
    check_version(name, format)?;
    Ok(assemble(name, &backup, format, tarball))
}

/// Every version that begins with 1 is read: what was added since 1 is beside what was there.
pub(super) fn check_version(name: &BackupName, version: &str) -> Result<(), FormatError> {
    if version.split('.').next() == Some("1") {
        return Ok(());
    }
    Err(FormatError::VeleroTooNew { name: name.clone(), version: version.to_owned() })
}

fn assemble(name: &BackupName, backup: &Backup, format: &str, tarball: Option<u64>) -> Manifest {
    let status = &backup.status;
    let started_at = status.start_timestamp.or(backup.metadata.creation_timestamp).unwrap_or(Timestamp::UNIX_EPOCH);
    let spec = BackupSpec {
        labels: backup.metadata.labels.clone().unwrap_or_default(),
        annotations: backup.metadata.annotations.clone().unwrap_or_default(),
        ..spec(&backup.spec)
    };
    Manifest {
        format: Manifest::VELERO.to_owned(),
        version: FormatVersion::CURRENT,
        name: name.clone(),
        run_id: run_id(name, backup, started_at),
        resolved: Resolved { namespaces: plain_namespaces(&spec), types: Vec::new() },
        spec,
        cluster: cluster(backup),
        consistency: ConsistencyRecord { mode: Consistency::Relaxed, revision: Revision(0), exceptions: Vec::new() },
        started_at,
        completed_at: status.completion_timestamp.unwrap_or(started_at),
        expires_at: status.expiration.unwrap_or(Timestamp::MAX),
        lock: None,
        outcome: outcome(&status.phase),
        counts: Counts {
            objects: status.progress.as_ref().map_or(0, |progress| progress.items_backed_up),
            bytes_stored: tarball.unwrap_or(0),
            warnings: status.warnings,
            errors: status.errors,
            ..Counts::default()
        },
        caps: Caps::default(),
        parts: tarball.map(|bytes| part(name, bytes)).into_iter().collect(),
        files: BTreeMap::new(),
        snapshots: Vec::new(),
        encryption: None,
        signature: None,
        writer: Writer { tool: "velero".to_owned(), version: format!("format {format}") },
        unknown: [("velero".to_owned(), own_words(backup))].into(),
    }
}

/// What Velero says of its backup beyond what a manifest of kbackup's has room for.
fn own_words(backup: &Backup) -> Value {
    json!({
        "phase": backup.status.phase,
        "annotations": backup.metadata.annotations,
        "spec": backup.spec,
    })
}

/// The tarball as the one part. Velero keeps no digest of it and not its decompressed size: that is what is accepted at
/// most.
fn part(name: &BackupName, bytes: u64) -> PartRecord {
    let raw_bytes = bytes.saturating_mul(RATIO_MAX).saturating_add(RAW_BYTES_FREE).min(RAW_BYTES_MAX);
    let file = FileRecord { key: VeleroLayout::new(name).tarball(), sha256: String::new(), bytes, raw_bytes };
    PartRecord { number: 1, objects: 0, file }
}

/// A phase that is not an end of a backup is that of one that Velero has not finished.
fn outcome(phase: &str) -> Outcome {
    match phase {
        "Completed" => Outcome::Completed,
        "PartiallyFailed" => Outcome::PartiallyFailed,
        _ => Outcome::Failed,
    }
}

/// The uid of the Backup object; of one without it, a number that two backups of one name don't share.
fn run_id(name: &BackupName, backup: &Backup, started_at: Timestamp) -> Uuid {
    use sha2::Digest;
    backup.metadata.uid.parse().unwrap_or_else(|_| {
        let digest = sha2::Sha256::digest(format!("{name} {started_at}"));
        uuid::Builder::from_custom_bytes(std::array::from_fn(|at| digest[at])).into_uuid()
    })
}

fn cluster(backup: &Backup) -> ClusterRecord {
    let annotation = "velero.io/source-cluster-k8s-gitversion";
    let version = backup.metadata.annotations.as_ref().and_then(|annotations| annotations.get(annotation));
    ClusterRecord { uid: None, version: version.cloned().unwrap_or_default(), name: String::new() }
}

/// What of the spec means the same here. A field that is not as expected is as good as none: the backup is made, and its
/// tarball says what is in it.
fn spec(spec: &Value) -> BackupSpec {
    let asked = Spec::deserialize(spec).unwrap_or_default();
    let list = Option::unwrap_or_default;
    BackupSpec {
        included_namespaces: list(asked.included_namespaces),
        excluded_namespaces: list(asked.excluded_namespaces),
        included_resources: list(asked.included_resources),
        excluded_resources: list(asked.excluded_resources),
        include_cluster_resources: asked.include_cluster_resources,
        included_cluster_scoped_resources: list(asked.included_cluster_scoped_resources),
        excluded_cluster_scoped_resources: list(asked.excluded_cluster_scoped_resources),
        included_namespace_scoped_resources: list(asked.included_namespace_scoped_resources),
        excluded_namespace_scoped_resources: list(asked.excluded_namespace_scoped_resources),
        label_selector: asked.label_selector,
        or_label_selectors: asked.or_label_selectors.unwrap_or_default(),
        ttl: asked.ttl.and_then(|ttl| ttl.parse::<Ttl>().ok()).unwrap_or_default(),
        ..BackupSpec::default()
    }
}

/// The namespaces that were asked for by name.
fn plain_namespaces(spec: &BackupSpec) -> Vec<String> {
    let is_glob = |name: &String| name.contains(['*', '?', '[']);
    let names = spec.included_namespaces.iter();
    names.filter(|name| !is_glob(name) && !spec.excluded_namespaces.contains(name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(marker: &Value) -> Result<Manifest, FormatError> {
        manifest(&"nightly".parse().unwrap(), marker.to_string().as_bytes(), Some(1_000))
    }

    fn marker(spec: Value, status: Value) -> Value {
        json!({
            "kind": "Backup", "apiVersion": "velero.io/v1",
            "metadata": { "name": "nightly", "uid": "056ed110-e0d6-4678-81b5-0728e4fc314f" },
            "spec": spec, "status": status,
        })
    }

    #[test]
    fn a_backup_becomes_a_manifest() {
        let spec = json!({
            "metadata": {}, "includedNamespaces": ["shop", "web-*"], "excludedResources": null, "hooks": {}, "ttl": "24h0m0s",
            "labelSelector": { "matchLabels": { "app": "web" } },
        });
        let status = json!({
            "version": 1, "formatVersion": "1.1.0", "phase": "Completed", "expiration": "2026-12-23T09:45:21Z",
            "startTimestamp": "2026-11-23T09:45:21Z", "completionTimestamp": "2026-11-23T09:45:22Z", "warnings": 3,
            "progress": { "totalItems": 137, "itemsBackedUp": 137 },
        });
        let manifest = read(&marker(spec.clone(), status)).unwrap();
        assert_eq!(manifest.format, "velero");
        assert_eq!(manifest.run_id.to_string(), "056ed110-e0d6-4678-81b5-0728e4fc314f");
        assert_eq!(manifest.expires_at.to_string(), "2026-12-23T09:45:21Z");
        assert_eq!((manifest.outcome, manifest.counts.objects, manifest.counts.warnings), (Outcome::Completed, 137, 3));
        assert_eq!(manifest.spec.ttl.to_string(), "24h0m0s");
        assert_eq!(manifest.spec.label_selector, Some(LabelSelector::label("app", "web")));
        assert_eq!(manifest.resolved.namespaces, ["shop"]);
        assert_eq!(manifest.parts[0].file.bytes, 1_000);
        assert_eq!(manifest.unknown["velero"]["spec"], spec);
    }

    #[test]
    fn phases_and_versions() {
        let with =
            |phase: &str, version: &str| read(&marker(json!({}), json!({ "phase": phase, "formatVersion": version })));
        for (phase, outcome) in [
            ("Completed", Outcome::Completed),
            ("PartiallyFailed", Outcome::PartiallyFailed),
            ("Failed", Outcome::Failed),
            ("Finalizing", Outcome::Failed),
            ("", Outcome::Failed),
        ] {
            assert_eq!(with(phase, "1.1.0").unwrap().outcome, outcome, "{phase}");
        }
        for (version, reads) in
            [("1.1.0", true), ("1", true), ("", true), ("1.9.9", true), ("2.0.0", false), ("10", false)]
        {
            assert_eq!(with("Completed", version).is_ok(), reads, "{version:?}");
        }
    }

    #[test]
    fn what_is_missing_is_nothing_bad_and_what_is_foreign_is() {
        let bare = json!({ "kind": "Backup", "apiVersion": "velero.io/v1", "metadata": { "name": "nightly" } });
        let manifest = read(&bare).unwrap();
        assert_eq!(manifest.expires_at, Timestamp::MAX);
        assert_eq!(manifest.run_id, read(&bare).unwrap().run_id, "the same each time");
        for foreign in [
            json!({}),
            json!({ "kind": "Backup", "apiVersion": "kbackup.dev/v1", "metadata": { "name": "nightly" } }),
            json!({ "kind": "Backup", "apiVersion": "velero.io/v1", "metadata": { "name": "other" } }),
            json!([1]),
        ] {
            assert!(matches!(read(&foreign), Err(FormatError::Damaged { .. })), "{foreign}");
        }
    }
}
