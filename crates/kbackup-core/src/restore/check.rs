//! Lets the server check a plan: every write is sent as a dry run, and nothing is changed.

use std::collections::{BTreeMap, BTreeSet};

use super::RestoreError;
use super::apply::{Application, manifest_of};
use super::definitions::types;
use super::disks::Disks;
use super::done::Done;
use super::hooks::CreatedPods;
use super::plan::{Action, RestorePlan};
use super::record::Record;
use super::relink::Owners;
use super::targets::namespaces;
use crate::action::Transforms;
use crate::cluster::ClusterWriter;
use crate::format::Access;
use crate::issue::{Code, Issue, Stage};
use crate::model::ObjectRef;
use crate::report::Applied;
use crate::run::Run;

/// Asks the server to check every write of `plan` (`dryRun=All`), in the way in which it would be done. What it refuses is
/// refused in the plan that is returned, with its words.
///
/// What is to be created in namespaces, or of types, that the restore itself brings can't be checked before these are there;
/// a warning says how much that is.
///
/// # Errors
/// Where the backup changed since the plan was made or can't be read; where the server does not answer.
pub async fn check(
    cluster: &dyn ClusterWriter,
    from: impl Into<Access<'_>> + Send,
    transforms: &Transforms,
    mut plan: RestorePlan,
    run: &Run,
) -> Result<RestorePlan, RestoreError> {
    let access = from.into();
    run.stage("asking the server to check each object");
    let transforms = &transforms.of_restore(&plan.spec).map_err(RestoreError::Invalid)?;
    let manifest = manifest_of(access, &plan).await?;
    let served = types(cluster).await?;
    let missing = missing_namespaces(&plan);
    let mut done = Done::new(&plan, run.bounds());
    let known = done.issues.len();
    let mut unchecked: BTreeMap<String, usize> = BTreeMap::new();
    for (number, step) in plan.steps().enumerate().filter(|(_, step)| step.is_write()) {
        let why = match &step.object.namespace {
            _ if !served.contains_key(&step.object.gvr) => {
                format!("{} is not served yet", step.object.gvr.group_resource())
            }
            Some(namespace) if missing.contains(namespace) => format!("the namespace {namespace} is not there yet"),
            _ if step.action == Action::CreateWhenGone => "what is being deleted is not gone yet".to_owned(),
            _ => continue,
        };
        *unchecked.entry(why).or_default() += 1;
        done.settle(number, Applied::Skipped);
    }
    let owners = Owners::new(&plan.owners);
    {
        let application = Application {
            cluster,
            access,
            manifest: &manifest,
            transforms,
            plan: &plan,
            owners: &owners,
            disks: Disks::new(&plan, None),
            dry_run: true,
            again: false,
            run,
        };
        let mut record = Record::none(&plan, run);
        let created = CreatedPods::of(&plan, record.hooks()).0;
        tokio::select! {
            biased;
            () = run.cancelled() => return Err(RestoreError::Cancelled),
            checked = application.write_all(&created, &mut done, &mut record) => checked?,
        }
    }
    let found = done.issues.split_off(known);
    refuse(&mut plan, &found);
    plan.issues.extend(found);
    let warning = |(why, count): (String, usize)| {
        let message = format!("{count} objects could not be checked by the server: {why}");
        Issue::warning(Stage::Plan, Code::Unchecked, message)
    };
    plan.issues.extend(unchecked.into_iter().map(warning));
    Ok(plan)
}

/// The namespaces that the restore makes.
fn missing_namespaces(plan: &RestorePlan) -> BTreeSet<String> {
    let gvr = namespaces();
    let made = plan
        .steps()
        .filter(|step| step.object.gvr == gvr && matches!(step.action, Action::Create | Action::CreateWhenGone));
    made.map(|step| step.object.name.clone()).collect()
}

/// Refuses the steps that the server would refuse.
fn refuse(plan: &mut RestorePlan, found: &[Issue]) {
    let errors = found.iter().filter(|issue| issue.severity == crate::issue::Severity::Error);
    let refused: BTreeMap<&ObjectRef, &Issue> =
        errors.filter_map(|issue| issue.object.as_ref().map(|object| (object, issue))).collect();
    for step in plan.waves.iter_mut().flat_map(|wave| &mut wave.steps) {
        if let Some(issue) = refused.get(&step.object) {
            step.action = Action::refuse(issue.code, issue.message.clone());
        }
    }
}
