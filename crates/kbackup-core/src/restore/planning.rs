//! Making the plan. It has no side effect: it takes a reader.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::RestoreError;
use super::choose::Choice;
use super::examine::{Examination, Examined};
use super::existing::Existing;
use super::observe::observe;
use super::plan::{Action, PlannedWave, RestorePlan, Step, uuid_of};
use super::prepare::Asked;
use super::targets::{Targets, namespaces};
use super::versions::Versions;
use super::volumes::Volumes;
use crate::action::{BackupActions, Transforms, Wave};
use crate::cluster::ClusterReader;
use crate::filter::{ArchivedType, RestoreSelection};
use crate::format::{Access, IndexLine, read_manifest};
use crate::issue::{Code, Issue, Stage};
use crate::model::{BackupName, Gvr};
use crate::run::Run;
use crate::spec::RestoreSpec;

/// Plans a restore.
///
/// Of a part of a backup, what the chosen objects need of the cluster is restored with them, as `actions` tell it: the volume
/// of a claim, the roles of a ServiceAccount.
///
/// Reads the manifest, the index, the target's discovery, one list for each type and place that is concerned, and every
/// object that may have to be written, which checks its digest: a plan that could be made can be read to its end. An object
/// that exists and differs is read once more, to tell what differs.
///
/// # Errors
/// Where the spec is invalid, the backup does not exist, is damaged, can't be opened or is not trusted, or the cluster can't be read as a whole.
pub async fn plan<'a>(
    cluster: &dyn ClusterReader,
    from: impl Into<Access<'a>> + Send,
    (transforms, actions): (&Transforms, &BackupActions),
    (name, spec): (&BackupName, &RestoreSpec),
    run: &Run,
) -> Result<RestorePlan, RestoreError> {
    let access = from.into();
    tokio::select! {
        biased;
        () = run.cancelled() => Err(RestoreError::Cancelled),
        planned = make(cluster, access, (transforms, actions), (name, spec), run) => planned,
    }
}

async fn make(
    cluster: &dyn ClusterReader,
    access: Access<'_>,
    (transforms, actions): (&Transforms, &BackupActions),
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
    let choice = Choice { access, manifest: &manifest, actions, selection: &selection, run };
    let (chosen, untold) = choice.choose(index).await;
    let mut issues = selection.issues.clone();
    issues.extend(untold);
    issues.extend(unmatched(&selection, &chosen));
    let versions = Versions::choose(cluster, &discovery, spec, &chosen).await?;
    let targets = Targets::new(spec, &versions, &chosen);
    let mut steps = targets.steps(chosen);
    let existing = Existing::new(spec, transforms);
    let mut live = observe(cluster, &discovery, &steps, &existing, &mut issues, run).await?;
    live.meet(&mut steps);
    let backup_run = manifest.run_id;
    let id = plan_id((name, spec, backup_run), run);
    let backup = Volumes { access, manifest: &manifest, spec, id, run };
    let volumes = backup.decide(&mut steps, &mut live, &mut issues).await?;
    let made = live.missing_namespaces(&steps);
    steps.extend(made);

    run.stage(format!("examining {} objects", steps.iter().filter(|step| step.is_write()).count()));
    let none = BTreeSet::new();
    let asked = Asked { spec, status: &none, volumes: &volumes };
    let existing = &existing;
    let examination =
        Examination { cluster, discovery: &discovery, access, manifest: &manifest, transforms, existing, asked, run };
    let Examined { owners, issues: notes } = examination.examine(&mut steps, &live).await?;
    issues.extend(notes);
    issues.extend(steps.iter().filter_map(Step::refusal));
    make_lost_namespaces(&mut steps);
    let (status, waves) = (selection.status, order(steps));
    Ok(RestorePlan { id, name: name.clone(), spec: spec.clone(), backup_run, waves, issues, status, volumes, owners })
}

/// A plan that is made again is another one, though it may look the same: it is made at another moment.
fn plan_id(asked: (&BackupName, &RestoreSpec, Uuid), run: &Run) -> Uuid {
    let text = serde_json::to_vec(&(asked, run.now())).unwrap_or_default();
    uuid_of(&text)
}

/// The types and namespaces that a backup holds objects of.
fn contents(index: &[IndexLine]) -> (Vec<ArchivedType>, Vec<String>) {
    let types: BTreeMap<&Gvr, bool> = index.iter().map(|line| (&*line.gvr, line.ns.is_some())).collect();
    let is_namespace = |line: &IndexLine| line.gvr.group.is_empty() && line.gvr.plural == "namespaces";
    let own = index.iter().filter(|line| is_namespace(line)).map(|line| line.name.as_str());
    let namespaces: BTreeSet<&str> = index.iter().filter_map(|line| line.ns.as_deref()).chain(own).collect();
    let namespaces = namespaces.into_iter().map(str::to_owned).collect();
    (types.into_iter().map(|(gvr, namespaced)| ArchivedType { gvr: gvr.clone(), namespaced }).collect(), namespaces)
}

/// Names that were asked for and fit nothing.
fn unmatched(selection: &RestoreSelection, chosen: &[IndexLine]) -> Vec<Issue> {
    let objects = chosen.iter().map(|line| (&*line.gvr, line.ns.as_deref(), line.name.as_str()));
    let message = |word: &str| format!("the backup holds no chosen object \"{word}\": nothing is restored for it");
    let issue = |word: &str| Issue::error(Stage::Plan, Code::NotFound, message(word));
    selection.rules.unmatched_names(&objects).into_iter().map(issue).collect()
}

/// A namespace whose object is damaged is made without what that said, so that what is not damaged has a place to go to.
fn make_lost_namespaces(steps: &mut [Step]) {
    let namespaces = namespaces();
    let is_lost = |step: &&mut Step| matches!(step.action, Action::Refuse { code: Code::Damaged, .. });
    for step in steps.iter_mut().filter(|step| step.object.gvr == namespaces).filter(is_lost) {
        *step = Step { object: step.object.clone(), action: Action::Create, source: None };
    }
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
