//! The manifest: what a backup is, and the digest of each of its files. It names no object and holds no data of one.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::FormatVersion;
use crate::crypt::{EncryptionRecord, SignatureRecord};
use crate::hook::HookCounts;
use crate::issue::Outcome;
use crate::model::{BackupName, Gvr, Lock, Revision};
use crate::snapshot::SnapshotId;
use crate::spec::{BackupSpec, Consistency};
use crate::store::Key;
use crate::volume::VolumeCounts;

/// `manifest.json`: the commit record of a backup. Written last, with create-if-absent; the backup exists from then on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// `kbackup`; `velero` where the manifest was made of what Velero keeps.
    pub format: String,
    /// The version of the store format.
    pub version: FormatVersion,
    /// The backup's name.
    pub name: BackupName,
    /// The run that made it.
    #[schemars(with = "String")]
    pub run_id: Uuid,
    /// What was asked for.
    pub spec: BackupSpec,
    /// What it came to.
    pub resolved: Resolved,
    /// Of which cluster it is.
    pub cluster: ClusterRecord,
    /// At which revision it was read.
    pub consistency: ConsistencyRecord,
    /// When the run began.
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// When everything but this manifest was written.
    #[schemars(with = "String")]
    pub completed_at: Timestamp,
    /// When the backup is no longer wanted.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
    /// How the store holds all of its files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<Lock>,
    /// Whether all that was asked for is in it.
    pub outcome: Outcome,
    /// How much is in it.
    pub counts: Counts,
    /// How hard the run was allowed to ask the cluster.
    #[serde(default)]
    pub caps: Caps,
    /// The parts, in the order of their numbers.
    pub parts: Vec<PartRecord>,
    /// The other files, by what they are (`index`, `issues`, `identity`).
    pub files: BTreeMap<String, FileRecord>,
    /// The snapshots that were taken of volumes: what goes when the backup does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub snapshots: Vec<SnapshotRecord>,
    /// For whom the files are encrypted; `None` where they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<EncryptionRecord>,
    /// Who signed this manifest, as it says itself; `None` where nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<SignatureRecord>,
    /// What wrote it.
    pub writer: Writer,
    /// Fields of later versions: kept, and ignored.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

/// What a spec came to on the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resolved {
    /// The namespaces that were taken.
    pub namespaces: Vec<String>,
    /// The types that were read.
    pub types: Vec<Gvr>,
}

/// Of which cluster a backup is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClusterRecord {
    /// The uid of its namespace `kube-system`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub uid: Option<String>,
    /// The server's version.
    pub version: String,
    /// Where it was.
    pub name: String,
}

/// At which revision a backup was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsistencyRecord {
    /// What was asked for.
    pub mode: Consistency,
    /// The revision of every type but the exceptions.
    pub revision: Revision,
    /// Types that could not be read at it, or not at all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Exception>,
}

/// A type that could not be read at the revision of its backup.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Exception {
    /// The type.
    #[serde(rename = "type")]
    pub gvr: Gvr,
    /// The revision at which it was read instead; `None` where it was not read to its end.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revision: Option<Revision>,
    /// Why.
    pub reason: String,
}

/// How much is in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Objects.
    pub objects: u64,
    /// Objects of each type.
    #[schemars(with = "BTreeMap<String, u64>")]
    pub by_type: BTreeMap<Gvr, u64>,
    /// Bytes of JSON.
    pub bytes_raw: u64,
    /// Bytes in the store, without this manifest.
    pub bytes_stored: u64,
    /// Commands of hooks that were run.
    #[serde(default)]
    pub hooks: HookCounts,
    /// Volumes, by what was decided for them.
    #[serde(default)]
    pub volumes: VolumeCounts,
    /// Issues that are warnings.
    pub warnings: u64,
    /// Issues that are errors.
    pub errors: u64,
}

/// How hard a run was allowed to ask the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Caps {
    /// Requests in flight.
    pub requests_in_flight: usize,
    /// Objects in a page.
    pub page_objects: usize,
    /// Bytes of JSON a second; not given: no cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u64>,
}

/// A part of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartRecord {
    /// Its number, by which the index names it.
    pub number: u32,
    /// Objects in it, those that the index does not name included.
    pub objects: u64,
    /// The file.
    #[serde(flatten)]
    pub file: FileRecord,
}

/// A file of a backup, with what is needed to check it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileRecord {
    /// Its key below the location's prefix.
    pub key: Key,
    /// The SHA-256 digest of its bytes, in hexadecimal digits; empty where nobody kept one (Velero's tarballs).
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its size when decompressed, in bytes; where nobody kept it, the most that a reader accepts.
    pub raw_bytes: u64,
}

/// A snapshot that belongs to a backup. Of which volume it is stands with the volumes, which may be encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotRecord {
    /// The disk service that has it, by the name of its provider.
    pub provider: String,
    /// What that calls it.
    #[schemars(with = "String")]
    pub id: SnapshotId,
}

/// What wrote a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Writer {
    /// The tool.
    pub tool: String,
    /// Its version.
    pub version: String,
}

impl Writer {
    /// Whether it is Velero.
    #[must_use]
    pub fn is_velero(&self) -> bool {
        self.tool == Manifest::VELERO
    }
}

impl std::fmt::Display for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.tool, self.version)
    }
}

impl Default for Writer {
    /// This crate.
    fn default() -> Self {
        Self { tool: "kbackup".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

impl Manifest {
    /// What stands in `format`.
    pub const FORMAT: &'static str = "kbackup";
    /// What stands in `format` where the backup is one of Velero's.
    pub const VELERO: &'static str = "velero";

    /// Whether Velero made the backup. Then nothing is written beside it and it is not deleted: that is Velero's.
    #[must_use]
    pub fn is_velero(&self) -> bool {
        self.format == Self::VELERO
    }

    /// The file of that role (`index`, `issues`), where the backup has it.
    #[must_use]
    pub fn file(&self, role: &str) -> Option<&FileRecord> {
        self.files.get(role)
    }

    /// The part of that number.
    #[must_use]
    pub fn part(&self, number: u32) -> Option<&PartRecord> {
        self.parts.iter().find(|part| part.number == number)
    }
}
