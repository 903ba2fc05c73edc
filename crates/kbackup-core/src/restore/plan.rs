//! The plan: what a restore would do with each object, and why. A value.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::action::Wave;
use crate::compare::Change;
use crate::issue::{Code, Issue, Stage};
use crate::model::{BackupName, Gvr, ObjectRef};
use crate::report::{Applied, RestoreCounts};
use crate::spec::RestoreSpec;
use crate::volume::VolumeFates;

/// What a restore would do. A value: it can be printed, stored as JSON and applied later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestorePlan {
    /// Which plan this is: an apply that was interrupted goes on with its own plan only.
    #[schemars(with = "String")]
    pub id: Uuid,
    /// The restore's name.
    pub name: BackupName,
    /// What was asked for.
    pub spec: RestoreSpec,
    /// The run that made the backup: a plan fits one backup only, not another one of its name.
    #[schemars(with = "String")]
    pub backup_run: Uuid,
    /// The steps, in the order in which they are done.
    pub waves: Vec<PlannedWave>,
    /// What is worth knowing, or can't be done.
    pub issues: Vec<Issue>,
    /// The types whose status is restored, by `plural.group`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) status: BTreeSet<String>,
    /// Where the data of each PersistentVolume comes from, by its name in the backup.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub volumes: VolumeFates,
    /// Uids of the backup that other objects name as their owner, with the uid of the live object where one is there
    /// already.
    pub(super) owners: BTreeMap<String, Option<String>>,
}

/// The id that stands for these bytes, and for no others.
pub(super) fn uuid_of(bytes: &[u8]) -> Uuid {
    let digest = Sha256::digest(bytes);
    uuid::Builder::from_custom_bytes(std::array::from_fn(|at| digest[at])).into_uuid()
}

/// Steps that can be done at the same time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedWave {
    /// Which one.
    pub wave: Wave,
    /// Its steps, by part and place.
    pub steps: Vec<Step>,
}

/// What happens to one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The object, by its name in the target.
    pub object: ObjectRef,
    /// What happens to it.
    pub action: Action,
    /// Where its JSON is; `None` for a namespace that the backup does not hold and that must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// Where an object's JSON is in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// Its type in the backup.
    pub gvr: Arc<Gvr>,
    /// Its namespace in the backup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its uid in the backup.
    pub uid: String,
    /// Its resourceVersion in the backup.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rv: String,
    /// The number of its part.
    pub part: u32,
    /// The place in the decompressed part, in bytes.
    pub off: u64,
    /// The length, in bytes.
    pub len: u64,
    /// The digest of its JSON.
    pub sha256: String,
}

/// What happens to an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", tag = "do")]
pub enum Action {
    /// It is not there, and is created.
    Create,
    /// One of that name is being deleted: it is awaited, then the object is created.
    CreateWhenGone,
    /// It is there and differs: it gets what the backup says, and keeps what only it has.
    Update {
        /// What changes.
        changes: Vec<Change>,
    },
    /// It is there and differs: it becomes what the backup says.
    Replace {
        /// What changes.
        changes: Vec<Change>,
    },
    /// It is there and differs: it is deleted and created anew.
    Recreate {
        /// What changes.
        changes: Vec<Change>,
    },
    /// It is there and is as in the backup.
    Unchanged,
    /// It is left as it is, or left out.
    Skip {
        /// The reason.
        why: String,
        /// Where it exists and differs: in what.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        changes: Vec<Change>,
    },
    /// It can't be restored.
    Refuse {
        /// The reason, for programs.
        code: Code,
        /// The reason.
        why: String,
    },
}

impl Action {
    /// It is left out, for this reason.
    #[must_use]
    pub fn skip(why: impl Into<String>) -> Self {
        Self::Skip { why: why.into(), changes: Vec::new() }
    }

    /// It can't be restored, for this reason.
    #[must_use]
    pub fn refuse(code: Code, why: impl Into<String>) -> Self {
        Self::Refuse { code, why: why.into() }
    }

    /// Whether the object will be written.
    #[must_use]
    pub fn is_write(&self) -> bool {
        !matches!(self, Self::Unchanged | Self::Skip { .. } | Self::Refuse { .. })
    }

    /// What the report will say of it if every write succeeds.
    #[must_use]
    pub fn expected(&self) -> Applied {
        match self {
            Self::Create | Self::CreateWhenGone => Applied::Created,
            Self::Update { .. } | Self::Replace { .. } | Self::Recreate { .. } => Applied::Updated,
            Self::Unchanged => Applied::Unchanged,
            Self::Skip { .. } => Applied::Skipped,
            Self::Refuse { .. } => Applied::Failed,
        }
    }

    /// The fields that differ between the object that is there and the backup.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        match self {
            Self::Update { changes } | Self::Replace { changes } | Self::Recreate { changes } => changes,
            Self::Skip { changes, .. } => changes,
            Self::Create | Self::CreateWhenGone | Self::Unchanged | Self::Refuse { .. } => &[],
        }
    }

    /// One word, and what is to be said with it.
    fn told(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Create => ("create", None),
            Self::CreateWhenGone => ("create", Some("when the one that is being deleted is gone")),
            Self::Update { .. } => ("update", None),
            Self::Replace { .. } => ("replace", None),
            Self::Recreate { .. } => ("recreate", None),
            Self::Unchanged => ("unchanged", None),
            Self::Skip { why, .. } => ("skip", Some(why)),
            Self::Refuse { why, .. } => ("refuse", Some(why)),
        }
    }
}

impl Step {
    /// Whether the object will be written.
    #[must_use]
    pub fn is_write(&self) -> bool {
        self.action.is_write()
    }

    pub(super) fn refusal(&self) -> Option<Issue> {
        let Action::Refuse { code, why } = &self.action else { return None };
        Some(Issue::error(Stage::Plan, *code, why.clone()).about(self.object.clone()))
    }
}

impl RestorePlan {
    /// Every step, in order.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.waves.iter().flat_map(|wave| &wave.steps)
    }

    /// All of the plan but its steps.
    pub(super) fn without_steps(&self) -> Self {
        let Self { id, name, spec, backup_run, issues, status, volumes, owners, .. } = self;
        Self {
            id: *id,
            name: name.clone(),
            spec: spec.clone(),
            backup_run: *backup_run,
            waves: Vec::new(),
            issues: issues.clone(),
            status: status.clone(),
            volumes: volumes.clone(),
            owners: owners.clone(),
        }
    }

    /// Every object with what happens to it and why, one line each, in the order of the plan.
    #[must_use]
    pub fn listing(&self) -> String {
        self.steps().map(line).collect::<Vec<_>>().join("\n")
    }

    /// What would change in objects that are there, field by field, and what differs in those that are left.
    #[must_use]
    pub fn diff(&self) -> String {
        let differing = self.steps().filter(|step| !step.action.changes().is_empty());
        let block = |step: &Step| {
            let changes = step.action.changes().iter().map(|change| format!("    {change}"));
            std::iter::once(line(step)).chain(changes).collect::<Vec<_>>().join("\n")
        };
        differing.map(block).collect::<Vec<_>>().join("\n")
    }

    /// What the counts of the report would be if every write succeeded.
    #[must_use]
    pub fn counts(&self) -> RestoreCounts {
        let mut counts = RestoreCounts::default();
        self.steps().for_each(|step| counts.add(step.action.expected()));
        counts
    }
}

fn line(step: &Step) -> String {
    match step.action.told() {
        (word, None) => format!("{word:<9}  {}", step.object),
        (word, Some(more)) => format!("{word:<9}  {} ({more})", step.object),
    }
}

impl std::fmt::Display for RestorePlan {
    /// A summary for people: how many objects of each type have which fate, wave by wave.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "Restore {} from backup {}:", self.name, self.spec.backup_name)?;
        for wave in &self.waves {
            writeln!(f, "  {}", wave.wave)?;
            for (name, counts) in by_type(&wave.steps) {
                writeln!(f, "    {name:<50} {}", columns(counts))?;
            }
        }
        let RestoreCounts { created, updated, unchanged, skipped, failed } = self.counts();
        write!(
            f,
            "{created} to create, {updated} to change, {unchanged} unchanged, {skipped} to leave, {failed} that can't be restored"
        )
    }
}

fn columns(counts: RestoreCounts) -> String {
    let RestoreCounts { created, updated, unchanged, skipped, failed } = counts;
    let columns =
        [("create", created), ("change", updated), ("unchanged", unchanged), ("skip", skipped), ("refuse", failed)];
    columns.map(|(word, count)| format!("{word} {count:>6}")).join("   ")
}

fn by_type(steps: &[Step]) -> BTreeMap<String, RestoreCounts> {
    let mut types: BTreeMap<&Gvr, RestoreCounts> = BTreeMap::new();
    steps.iter().for_each(|step| types.entry(&step.object.gvr).or_default().add(step.action.expected()));
    types.into_iter().map(|(gvr, counts)| (gvr.group_resource(), counts)).collect()
}
