//! What is written down of a volume.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::snapshot::SnapshotId;
use crate::spec::{VolumeActionType, VolumeType};

/// A line of `volumes.jsonl.zst`: one volume, what was decided for it and what became of that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VolumeRecord {
    /// The name of its PersistentVolume, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<String>,
    /// Its claim, `namespace/name`, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// The pods that use it, `namespace/name`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pods: Vec<String>,
    /// Its name in the pod that has it, where it has no claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_volume: Option<String>,
    /// Where its bytes are.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<VolumeType>,
    /// The CSI driver that serves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// Its storage class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    /// Its capacity, as its object writes it (`10Gi`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<String>,
    /// What was decided.
    pub action: VolumeActionType,
    /// The parameters of a policy's action.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Value>,
    /// Why.
    pub reason: String,
    /// What became of it.
    pub result: VolumeResult,
    /// The snapshot that shows it, where one was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<VolumeSnapshot>,
}

/// The snapshot of a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VolumeSnapshot {
    /// The disk service that has it, by the name of its provider.
    pub provider: String,
    /// What that calls it.
    #[schemars(with = "String")]
    pub id: SnapshotId,
    /// The zone of the volume, where it has one: a disk that is made of the snapshot goes there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// What became of the decision for a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum VolumeResult {
    /// Nothing was to be done, or not by this program.
    Skipped,
    /// Nobody who can do it is set up: the bytes of the volume are not in the backup.
    NoProvider,
    /// A snapshot was taken.
    Snapshotted,
}

/// How many volumes had which decision, and how many of the decisions were not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct VolumeCounts {
    /// To be snapshotted.
    pub snapshot: u64,
    /// To be copied as files.
    pub fs_backup: u64,
    /// Left to another program.
    pub custom: u64,
    /// Left out.
    pub skipped: u64,
    /// Of those that were not to be left out: for which nobody who could do it was set up.
    pub no_provider: u64,
}

impl VolumeCounts {
    /// Counts the decisions of a plan.
    #[must_use]
    pub fn of<'a>(records: impl IntoIterator<Item = &'a VolumeRecord>) -> Self {
        let mut counts = Self::default();
        for record in records {
            let count = match record.action {
                VolumeActionType::Snapshot => &mut counts.snapshot,
                VolumeActionType::FsBackup => &mut counts.fs_backup,
                VolumeActionType::Custom => &mut counts.custom,
                VolumeActionType::Skip => &mut counts.skipped,
            };
            *count += 1;
            counts.no_provider += u64::from(record.result == VolumeResult::NoProvider);
        }
        counts
    }

    /// All volumes.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.snapshot + self.fs_backup + self.custom + self.skipped
    }
}
