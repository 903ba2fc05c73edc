//! What became of a restore. The report of a backup is its manifest.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::issue::{Issue, Outcome};
use crate::model::{BackupName, ObjectRef};
use crate::spec::RestoreSpec;

/// What became of a restore as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoreReport {
    /// The restore's name.
    pub name: BackupName,
    /// The backup it was made from.
    pub backup: BackupName,
    /// What was asked for.
    pub spec: RestoreSpec,
    /// The plan that was applied.
    #[schemars(with = "String")]
    pub plan: Uuid,
    /// Whether it was applied to its end. Otherwise, applying it again goes on from here.
    pub finished: bool,
    /// Whether all of it was done.
    pub outcome: Outcome,
    /// When it began, in UTC.
    #[schemars(with = "String")]
    pub started_at: jiff::Timestamp,
    /// When it ended, in UTC.
    #[schemars(with = "String")]
    pub completed_at: jiff::Timestamp,
    /// How many objects had which result.
    pub counts: RestoreCounts,
    /// How many commands ran in the pods that were created.
    #[serde(default)]
    pub hooks: RestoreHookCounts,
    /// Where the data of each PersistentVolume came from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<RestoredVolume>,
    /// What went wrong or is worth knowing.
    pub issues: Vec<Issue>,
}

/// What a restore did with one PersistentVolume that was to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoredVolume {
    /// Its name in the backup.
    pub volume: String,
    /// Where its data came from.
    pub from: VolumeOrigin,
    /// The snapshot, as its disk service names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// Its name in the target, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed_to: Option<String>,
    /// Why its data came from nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Where the data of a restored volume came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum VolumeOrigin {
    /// It is on the disk that the PersistentVolume pointed at when it was backed up.
    Disk,
    /// A new disk was made of a snapshot.
    Snapshot,
    /// The claims have a new, empty volume.
    Nowhere,
}

/// How many objects of a restore had which result. Their sum is the number of objects in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoreCounts {
    /// Were not there and are now.
    pub created: u64,
    /// Were there, differed, and were changed.
    pub updated: u64,
    /// Were there and are as in the backup.
    pub unchanged: u64,
    /// Were left as they are, or left out, on purpose.
    pub skipped: u64,
    /// Could not be restored: there is an issue for each.
    pub failed: u64,
}

/// What became of the commands of restored pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoreHookCounts {
    /// Were begun.
    pub attempted: u64,
    /// Failed, took too long, or could not be begun: there is an issue for each, or one for all of a pod.
    pub failed: u64,
}

/// What became of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectResult {
    /// The object, by its name in the target.
    pub object: ObjectRef,
    /// What became of it.
    pub result: Applied,
}

/// What became of one object in a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Applied {
    /// It was not there and is now.
    Created,
    /// It was there, differed, and was changed.
    Updated,
    /// It was there and is as in the backup.
    Unchanged,
    /// It was left as it is, or left out, on purpose.
    Skipped,
    /// It could not be restored: there is an issue about it.
    Failed,
}

impl RestoreCounts {
    /// Counts one more object.
    pub fn add(&mut self, result: Applied) {
        let count = match result {
            Applied::Created => &mut self.created,
            Applied::Updated => &mut self.updated,
            Applied::Unchanged => &mut self.unchanged,
            Applied::Skipped => &mut self.skipped,
            Applied::Failed => &mut self.failed,
        };
        *count += 1;
    }
}
