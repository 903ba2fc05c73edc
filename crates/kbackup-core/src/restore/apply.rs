//! Does what a plan says, wave by wave, many objects at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};

use super::RestoreError;
use super::fetch::fetch;
use super::hooks::{CreatedPods, run_hooks};
use super::plan::{Action, PlannedWave, RestorePlan, Step};
use super::ports::Ports;
use super::record::{keep, refuse_taken};
use super::relink::Owners;
use super::write::{Write, Written};
use crate::action::Wave;
use crate::cluster::{ClusterWriter, Condition, Part, Patch, Waited, WriteOptions};
use crate::crypt::Seal;
use crate::event::Event;
use crate::format::{Access, FormatError, Manifest, read_manifest};
use crate::issue::{Code, Issue, Outcome, Stage};
use crate::model::{Gvr, ObjectRef, ResourceType};
use crate::report::{Applied, ObjectResult, RestoreCounts, RestoreHookCounts, RestoreReport};
use crate::run::Run;

/// How long an established type may take to appear in discovery.
const DISCOVERY_LAG_MAX: Duration = Duration::from_secs(30);
/// How often discovery is asked for it.
const DISCOVERY_POLL: Duration = Duration::from_millis(200);

/// Does what `plan` says.
///
/// An object that can't be written is an issue and a result of the report, and never ends the run. The report is stored
/// beside the backup, unless the store is read-only or the backup Velero's; of an encrypted one, so that it names no object
/// in the clear.
///
/// # Errors
/// Where the backup changed since the plan was made, is damaged, or can't be read to its end. What was written by then
/// stays: the same restore again goes on from there, because what exists is left as it is.
pub async fn apply(ports: &Ports<'_>, plan: &RestorePlan, run: &Run) -> Result<RestoreReport, RestoreError> {
    let (access, started_at) = (ports.access, run.now());
    let store = access.store();
    refuse_taken(store, &plan.name).await?;
    let manifest = read_manifest(access, &plan.spec.backup_name).await?;
    if manifest.run_id != plan.backup_run {
        return Err(RestoreError::OtherBackup { name: manifest.name, store: store.to_string() });
    }
    let seal = seal(&manifest)?;
    let applied = tokio::select! {
        biased;
        () = run.cancelled() => Err(RestoreError::Cancelled),
        applied = write_and_run_hooks(ports, &manifest, plan, run) => applied,
    };
    let (Done { results, mut issues }, hooks) = applied?;
    issues.splice(0..0, plan.issues.iter().cloned());
    let report = RestoreReport { hooks, ..report(plan, started_at, &results, issues, run) };
    // Nothing is written beside a backup of Velero's: the place is Velero's.
    if !manifest.is_velero() {
        keep(store, &report, &results, &seal, run).await?;
    }
    Ok(report)
}

/// What has become of the objects so far.
#[derive(Debug, Default)]
struct Done {
    results: Vec<ObjectResult>,
    issues: Vec<Issue>,
}

fn report(
    plan: &RestorePlan,
    started_at: jiff::Timestamp,
    results: &[ObjectResult],
    issues: Vec<Issue>,
    run: &Run,
) -> RestoreReport {
    let mut counts = RestoreCounts::default();
    results.iter().for_each(|result| counts.add(result.result));
    RestoreReport {
        name: plan.name.clone(),
        backup: plan.spec.backup_name.clone(),
        spec: plan.spec.clone(),
        outcome: Outcome::of(&issues),
        started_at,
        completed_at: run.now(),
        counts,
        hooks: RestoreHookCounts::default(),
        issues,
    }
}

/// What is kept of the restore is as secret as the backup.
fn seal(manifest: &Manifest) -> Result<Seal, FormatError> {
    Seal::like(manifest.encryption.as_ref())
        .map_err(|error| FormatError::damaged(&manifest.name, format!("manifest.json: {error}")))
}

/// Writes all objects, and meanwhile runs the commands of the pods that were created.
async fn write_and_run_hooks(
    ports: &Ports<'_>,
    manifest: &Manifest,
    plan: &RestorePlan,
    run: &Run,
) -> Result<(Done, RestoreHookCounts), RestoreError> {
    let (created, pods) = CreatedPods::of(plan);
    let writing = write_all(ports, manifest, plan, created, run);
    let (done, ran) = futures::join!(writing, run_hooks(ports.cluster, ports.exec, pods, run));
    let mut done = done?;
    done.issues.extend(ran.issues);
    Ok((done, ran.counts))
}

/// Ends the list of created pods with its return.
async fn write_all(
    ports: &Ports<'_>,
    manifest: &Manifest,
    plan: &RestorePlan,
    created: CreatedPods,
    run: &Run,
) -> Result<Done, RestoreError> {
    let cluster = ports.cluster;
    run.emit(Event::Total { objects: plan.steps().filter(|step| step.is_write()).count() as u64 });
    let transforms = &ports.transforms.of_restore(&plan.spec).map_err(RestoreError::Invalid)?;
    let owners = Owners::new(&plan.owners);
    let mut types = types(cluster).await?;
    let mut done = Done::default();
    for wave in &plan.waves {
        if wave.steps.iter().any(Step::is_write) {
            run.stage(format!("restoring {}", wave.wave));
        }
        let (spec, status, created, owners) = (&plan.spec, &plan.status, &created, &owners);
        let write = Write { cluster, transforms, spec, status, types: &types, owners, created, run };
        write_wave(ports.access, manifest, wave, &write, &mut done).await?;
        let defined = new_definitions(wave, &done);
        if !defined.is_empty() {
            await_definitions(cluster, &defined, &mut done, run).await;
            types = await_types(cluster, plan, &defined, run).await?;
        }
    }
    link_late(cluster, owners, &mut done, run).await;
    Ok(done)
}

async fn types(cluster: &dyn ClusterWriter) -> Result<HashMap<Gvr, Arc<ResourceType>>, RestoreError> {
    let discovery = cluster.discover().await.map_err(RestoreError::cluster("discovering its types"))?;
    Ok(discovery.types().iter().map(|ty| (ty.gvr.clone(), Arc::clone(ty))).collect())
}

async fn write_wave(
    access: Access<'_>,
    manifest: &Manifest,
    wave: &PlannedWave,
    write: &Write<'_>,
    done: &mut Done,
) -> Result<(), RestoreError> {
    let writes = wave.steps.iter().enumerate().filter(|(_, step)| step.is_write());
    let sources = writes.clone().filter_map(|(number, step)| step.source.as_ref().map(|source| (number, source)));
    let fetched = fetch(access, manifest, sources, write.run.bounds()).map_err(RestoreError::from);
    let made = writes.filter(|(_, step)| step.source.is_none()).map(|(_, step)| Ok((step, None)));
    let steps = fetched.map_ok(|(number, bytes)| (&wave.steps[number], Some(bytes))).chain(stream::iter(made));
    let writers = write.run.bounds().writers_max.max(1);
    let mut written = steps.map_ok(|(step, bytes)| write.step(step, bytes)).try_buffer_unordered(writers);
    while let Some(Written { result, issues }) = written.try_next().await? {
        let gvr = result.object.gvr.clone();
        write.run.emit(Event::Progress { gvr, objects: 1, bytes: 0 });
        done.results.push(result);
        issues.into_iter().for_each(|issue| write.run.report(&mut done.issues, issue));
    }
    done.results.extend(wave.steps.iter().filter_map(|step| match step.action {
        Action::Skip(_) => Some(ObjectResult { object: step.object.clone(), result: Applied::Skipped }),
        Action::Refuse(_) => Some(ObjectResult { object: step.object.clone(), result: Applied::Failed }),
        Action::Create | Action::CreateWhenGone => None,
    }));
    Ok(())
}

/// The definitions of types that this wave has created.
fn new_definitions(wave: &PlannedWave, done: &Done) -> Vec<ObjectRef> {
    if wave.wave != Wave::Definitions {
        return Vec::new();
    }
    let created = done.results.iter().filter(|result| result.result == Applied::Created);
    created.map(|result| result.object.clone()).collect()
}

/// Waits until the server has accepted the definitions.
async fn await_definitions(cluster: &dyn ClusterWriter, defined: &[ObjectRef], done: &mut Done, run: &Run) {
    let established = Condition::True("Established".to_owned());
    let limit = run.bounds().wait_max;
    let waits = stream::iter(defined).map(|object| {
        let established = &established;
        async move { (object, cluster.wait(object, established, limit).await) }
    });
    let waited: Vec<_> = waits.buffer_unordered(run.bounds().writers_max.max(1)).collect().await;
    for (object, waited) in waited {
        let why = match waited {
            Ok(Waited::Met) => continue,
            Ok(Waited::TimedOut) => format!("it was not established within {} s", limit.as_secs()),
            Err(error) => format!("it could not be awaited ({error})"),
        };
        run.report(&mut done.issues, Issue::error(Stage::Wait, Code::WaitTimedOut, why).about(object.clone()));
    }
}

/// Discovers again until the new types are served: discovery lags a little behind the definitions.
async fn await_types(
    cluster: &dyn ClusterWriter,
    plan: &RestorePlan,
    defined: &[ObjectRef],
    run: &Run,
) -> Result<HashMap<Gvr, Arc<ResourceType>>, RestoreError> {
    let is_new = |gvr: &Gvr| defined.iter().any(|definition| definition.name == gvr.group_resource());
    let wanted: Vec<&Gvr> = plan.steps().map(|step| &step.object.gvr).filter(|gvr| is_new(gvr)).collect();
    let mut waited = Duration::ZERO;
    loop {
        let types = types(cluster).await?;
        if waited >= DISCOVERY_LAG_MAX || wanted.iter().all(|gvr| types.contains_key(gvr)) {
            return Ok(types);
        }
        run.sleep(DISCOVERY_POLL).await;
        waited += DISCOVERY_POLL;
    }
}

/// Gives their owners to objects that had to be created before them.
async fn link_late(cluster: &dyn ClusterWriter, owners: Owners, done: &mut Done, run: &Run) {
    let options = WriteOptions::default();
    let links = stream::iter(owners.late_links()).map(|(at, patch)| {
        let options = &options;
        async move {
            let linked = cluster.patch(&at, &Patch::Merge(patch), Part::Main, options).await;
            linked.err().map(|error| (at, error))
        }
    });
    let failed: Vec<_> =
        links.buffer_unordered(run.bounds().writers_max.max(1)).filter_map(std::future::ready).collect().await;
    for (at, error) in failed {
        let message = format!("its owners could not be set ({error})");
        run.report(&mut done.issues, Issue::error(Stage::Apply, Code::OwnerMissing, message).about(at));
    }
}
