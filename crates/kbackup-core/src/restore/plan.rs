//! The plan: what a restore would do with each object, and why. Making it has no side effect.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::RestoreError;
use super::examine::{Examined, examine};
use super::observe::{Live, observe};
use super::targets::Targets;
use crate::action::{Transforms, Wave};
use crate::cluster::ClusterReader;
use crate::filter::{ArchivedType, Needs, RestoreSelection, Verdict};
use crate::format::{Access, IndexLine, read_manifest};
use crate::issue::Issue;
use crate::model::{BackupName, Gvr, ObjectRef};
use crate::report::RestoreCounts;
use crate::run::Run;
use crate::spec::RestoreSpec;

/// What a restore would do. A value: it can be printed, stored and applied later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestorePlan {
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
    /// Uids of the backup that other objects name as their owner, with the uid of the live object where one is there
    /// already.
    pub(super) owners: BTreeMap<String, Option<String>>,
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
#[serde(rename_all = "camelCase", tag = "do", content = "why")]
pub enum Action {
    /// It is not there, and is created.
    Create,
    /// One of that name is being deleted: it is awaited, then the object is created.
    CreateWhenGone,
    /// It is left as it is, or left out, for this reason.
    Skip(String),
    /// It can't be restored, for this reason.
    Refuse(String),
}

/// Plans a restore.
///
/// Reads the manifest, the index, the target's discovery, one list of metadata for each type and place that is concerned,
/// and every object that is to be restored, which checks its digest: a plan that could be made can be read to its end.
///
/// # Errors
/// Where the spec is invalid, the backup does not exist, is damaged, can't be opened or is not trusted, or the cluster can't be read as a whole.
pub async fn plan<'a>(
    cluster: &dyn ClusterReader,
    from: impl Into<Access<'a>> + Send,
    transforms: &Transforms,
    (name, spec): (&BackupName, &RestoreSpec),
    run: &Run,
) -> Result<RestorePlan, RestoreError> {
    let access = from.into();
    tokio::select! {
        biased;
        () = run.cancelled() => Err(RestoreError::Cancelled),
        planned = make(cluster, access, transforms, (name, spec), run) => planned,
    }
}

async fn make(
    cluster: &dyn ClusterReader,
    access: Access<'_>,
    transforms: &Transforms,
    (name, spec): (&BackupName, &RestoreSpec),
    run: &Run,
) -> Result<RestorePlan, RestoreError> {
    spec.validate().map_err(RestoreError::Invalid)?;
    let transforms = &transforms.of_restore(spec).map_err(RestoreError::Invalid)?;
    run.stage("reading the backup");
    let manifest = read_manifest(access, &spec.backup_name).await?;
    let index = manifest.read_index(access).await?;

    run.stage("looking at the cluster");
    let discovery = cluster.discover().await.map_err(RestoreError::cluster("discovering its types"))?;
    let (types, namespaces) = contents(&index);
    let selection = RestoreSelection::resolve(spec, &types, &namespaces, &discovery).map_err(RestoreError::Invalid)?;
    let chosen = choose(&selection, index);
    let targets = Targets::new(spec, &discovery, &chosen);
    let mut steps: Vec<Step> = chosen.iter().map(|line| targets.step(line)).collect();
    let (status, mut issues) = (selection.status, selection.issues);
    let live = observe(cluster, &discovery, &steps, &mut issues, run).await?;
    steps.iter_mut().for_each(|step| step.meet(&live));
    steps.extend(targets.missing_namespaces(&steps, &live));

    run.stage(format!("examining {} objects", steps.len()));
    let Examined { owners, issues: notes } =
        examine(access, &manifest, transforms, spec, &mut steps, &live, run).await?;
    issues.extend(notes);
    issues.extend(steps.iter().filter_map(Step::refusal));
    let owners = owners.into_iter().map(|(uid, object)| (uid, live.uid(&object))).collect();
    let waves = order(steps);
    let (name, spec, backup_run) = (name.clone(), spec.clone(), manifest.run_id);
    Ok(RestorePlan { name, spec, backup_run, waves, issues, status, owners })
}

/// The types and namespaces that a backup holds objects of.
fn contents(index: &[IndexLine]) -> (Vec<ArchivedType>, Vec<String>) {
    let types: BTreeMap<&Gvr, bool> = index.iter().map(|line| (&*line.gvr, line.ns.is_some())).collect();
    let is_namespace = |line: &IndexLine| line.gvr.group.is_empty() && line.gvr.plural == "namespaces";
    let own = index.iter().filter(|line| is_namespace(line)).map(|line| line.name.clone());
    let namespaces: BTreeSet<String> = index.iter().filter_map(|line| line.ns.clone()).chain(own).collect();
    let types = types.into_iter().map(|(gvr, namespaced)| ArchivedType { gvr: gvr.clone(), namespaced });
    (types.collect(), namespaces.into_iter().collect())
}

/// The objects that are chosen, and those that they need.
fn choose(selection: &RestoreSelection, mut index: Vec<IndexLine>) -> Vec<IndexLine> {
    let verdict = |line: &IndexLine| selection.rules.verdict(&line.gvr, line.ns.as_deref(), &line.name, &line.labels);
    let mut needs = Needs::default();
    for line in index.iter().filter(|line| verdict(line) == Verdict::Take) {
        needs.add(&line.gvr, line.ns.as_deref());
    }
    index.retain(|line| match verdict(line) {
        Verdict::Take => true,
        Verdict::IfNeeded => needs.contains(&line.gvr, line.ns.as_deref(), &line.name),
        Verdict::Leave(_) => false,
    });
    index
}

/// Sorts the steps into waves; within one, by part and place.
fn order(steps: Vec<Step>) -> Vec<PlannedWave> {
    let mut waves: BTreeMap<Wave, Vec<Step>> = BTreeMap::new();
    for step in steps {
        waves.entry(Wave::of(&step.object.gvr)).or_default().push(step);
    }
    let place = |step: &Step| step.source.as_ref().map(|source| (source.part, source.off));
    waves
        .into_iter()
        .map(|(wave, mut steps)| {
            steps.sort_by_key(place);
            PlannedWave { wave, steps }
        })
        .collect()
}

impl Step {
    /// Whether the object will be written.
    #[must_use]
    pub fn is_write(&self) -> bool {
        matches!(self.action, Action::Create | Action::CreateWhenGone)
    }

    /// Takes into account what is in the target already.
    fn meet(&mut self, live: &Live) {
        match live.state(&self.object) {
            Some(state) if self.is_write() && state.deleting => self.action = Action::CreateWhenGone,
            Some(_) if self.is_write() => self.action = Action::Skip("it exists already".to_owned()),
            _ => {}
        }
    }

    fn refusal(&self) -> Option<Issue> {
        use crate::issue::{Code, Stage};
        let Action::Refuse(why) = &self.action else { return None };
        Some(Issue::error(Stage::Plan, Code::TypeNotServed, why.clone()).about(self.object.clone()))
    }
}

impl RestorePlan {
    /// Every step, in order.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.waves.iter().flat_map(|wave| &wave.steps)
    }

    /// Every object with what happens to it and why, one line each, in the order of the plan.
    #[must_use]
    pub fn listing(&self) -> String {
        let lines = self.steps().map(|step| match &step.action {
            Action::Create => format!("create  {}", step.object),
            Action::CreateWhenGone => format!("create  {} (when the one that is being deleted is gone)", step.object),
            Action::Skip(why) => format!("skip    {} ({why})", step.object),
            Action::Refuse(why) => format!("refuse  {} ({why})", step.object),
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// What the counts of the report would be if every write succeeded.
    #[must_use]
    pub fn counts(&self) -> RestoreCounts {
        let mut counts = RestoreCounts::default();
        for step in self.steps() {
            counts.add(match step.action {
                Action::Create | Action::CreateWhenGone => crate::report::Applied::Created,
                Action::Skip(_) => crate::report::Applied::Skipped,
                Action::Refuse(_) => crate::report::Applied::Failed,
            });
        }
        counts
    }
}

impl std::fmt::Display for RestorePlan {
    /// A summary for people: how many objects of each type would be created, left or refused, wave by wave.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = self.counts();
        writeln!(f, "Restore {} from backup {}:", self.name, self.spec.backup_name)?;
        for wave in &self.waves {
            writeln!(f, "  {}", wave.wave)?;
            for (gvr, [create, skip, refuse]) in by_type(&wave.steps) {
                writeln!(
                    f,
                    "    {:<50} create {create:>6}   skip {skip:>6}   refuse {refuse:>6}",
                    gvr.group_resource()
                )?;
            }
        }
        write!(f, "{} to create, {} to leave, {} that can't be restored", counts.created, counts.skipped, counts.failed)
    }
}

fn by_type(steps: &[Step]) -> BTreeMap<&Gvr, [u64; 3]> {
    let mut types: BTreeMap<&Gvr, [u64; 3]> = BTreeMap::new();
    for step in steps {
        let column = match step.action {
            Action::Create | Action::CreateWhenGone => 0,
            Action::Skip(_) => 1,
            Action::Refuse(_) => 2,
        };
        types.entry(&step.object.gvr).or_default()[column] += 1;
    }
    types
}
