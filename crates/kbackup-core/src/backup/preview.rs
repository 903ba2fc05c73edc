//! What a backup would take, without taking it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::claim::hold_nothing;
use super::nowhere::Nowhere;
use super::run::{Taken, read, until_cancelled};
use super::survey::Plans;
use super::{BackupError, Ports};
use crate::action::BackupActions;
use crate::cluster::ClusterReader;
use crate::format::Resolved;
use crate::issue::Issue;
use crate::limits::Limits;
use crate::model::{BackupName, Gvr, Revision};
use crate::run::Run;
use crate::spec::BackupSpec;
use crate::volume::{VolumeCounts, VolumeRecord};

/// The fastest compression there is: what it makes is thrown away.
const FASTEST: i32 = 1;

/// What a backup would take now, and what it would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// The name that the backup would have.
    pub name: BackupName,
    /// What was asked for.
    pub spec: BackupSpec,
    /// The revision of the cluster that was looked at.
    pub revision: Revision,
    /// What the spec comes to.
    pub resolved: Resolved,
    /// Objects.
    pub objects: u64,
    /// Objects of each type.
    #[schemars(with = "BTreeMap<String, u64>")]
    pub by_type: BTreeMap<Gvr, u64>,
    /// Commands of hooks that would run, if none fails.
    pub hooks: u64,
    /// What would happen to each volume.
    pub volumes: Vec<VolumeRecord>,
    /// The volumes, by what would happen to them.
    pub volume_counts: VolumeCounts,
    /// What would go wrong, as far as it can be seen without doing it.
    pub issues: Vec<Issue>,
}

/// Looks at what a backup of `spec` would take now, whether or not there is one of that name. Nothing is written, neither to the cluster nor to a store, and no command
/// runs.
///
/// It selects and reads as a backup does, so that it counts exactly what a backup would take, with what the chosen objects
/// need. Of types of which more than that does not matter, only the metadata is read: the server sends a fraction of what
/// a backup reads.
///
/// # Errors
/// As [`run`](super::run()), but for those of a store.
///
/// ```
/// use kbackup_core::action::BackupActions;
/// use kbackup_core::backup::preview;
/// use kbackup_core::cluster::MemoryCluster;
/// use kbackup_core::run::Run;
/// use kbackup_core::spec::BackupSpec;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let cluster = MemoryCluster::new();
/// let before = cluster.revision();
/// let name = "nightly".parse().unwrap();
/// let spec = BackupSpec::default();
/// let preview = preview(&cluster, BackupActions::builtin(), (&name, &spec), &Run::default()).await?;
/// assert!(preview.objects > 0 && preview.volumes.is_empty());
/// assert_eq!(cluster.revision(), before);
/// # Ok::<(), kbackup_core::backup::BackupError>(())
/// # }).unwrap();
/// ```
pub async fn preview(
    cluster: &dyn ClusterReader,
    actions: BackupActions,
    (name, spec): (&BackupName, &BackupSpec),
    run: &Run,
) -> Result<Preview, BackupError> {
    spec.validate().map_err(BackupError::Invalid)?;
    let run = run.clone().limits(Limits { compression_level: FASTEST, ..run.bounds().clone() });
    let held = hold_nothing(&Nowhere, name, &run);
    let ports = Ports::new(cluster, &Nowhere).actions(actions).only_look();
    let taken = until_cancelled(&run, read(&ports, &held, spec, &run)).await?;
    let Taken { collected, survey, resolved, revision, .. } = taken;
    let Plans { hooks, volumes, issues: more } = survey.plans();
    let mut issues = collected.issues.clone();
    more.into_iter().for_each(|issue| run.report(&mut issues, issue));
    let mut by_type = collected.by_type();
    by_type.retain(|_, tally| tally.objects > 0);
    Ok(Preview {
        name: name.clone(),
        spec: spec.clone(),
        revision,
        resolved,
        objects: by_type.values().map(|tally| tally.objects).sum(),
        by_type: by_type.into_iter().map(|(gvr, tally)| (gvr, tally.objects)).collect(),
        hooks: hooks.len() as u64,
        volume_counts: volumes.counts(),
        volumes: volumes.records,
        issues,
    })
}
