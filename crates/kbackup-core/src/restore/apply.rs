//! Does what a plan says, wave by wave.

use std::sync::Arc;

use futures::{FutureExt, StreamExt, stream};
use jiff::Timestamp;

use super::RestoreError;
use super::definitions::{await_definitions, types};
use super::disks::Disks;
use super::done::Done;
use super::existing::Existing;
use super::hooks::{CreatedPods, HookRun, run_hooks};
use super::owed::{HookLine, owed};
use super::plan::{Action, RestorePlan, Step};
use super::ports::Ports;
use super::prepare::Asked;
use super::record::{Opened, Record};
use super::relink::Owners;
use super::volumes::restored_volumes;
use super::wave::Writing;
use super::write::Write;
use crate::action::Transforms;
use crate::cluster::{ClusterWriter, Part, Patch, WriteOptions};
use crate::event::Event;
use crate::format::{Access, Manifest, read_manifest};
use crate::hook::RestoreHookRules;
use crate::issue::{Code, Issue, Outcome, Stage};
use crate::report::{RestoreHookCounts, RestoreReport};
use crate::run::Run;

/// Does what `plan` says.
///
/// An object that can't be written is an issue and a result of the report, and never ends the run. What becomes of each
/// object is kept beside the backup while the restore goes on, and a report at its end, unless the store is read-only or the
/// backup Velero's.
/// Applying a plan again that was interrupted goes on from there; what had failed is tried again; of a plan that was done
/// without errors, nothing is left to do and its report is returned.
///
/// # Errors
/// Where the backup changed since the plan was made, is damaged, or can't be read to its end; where the server is gone and
/// does not come back. What was written by then stays, and so does the record of it.
pub async fn apply(ports: &Ports<'_>, plan: &RestorePlan, run: &Run) -> Result<RestoreReport, RestoreError> {
    let (access, started_at) = (ports.access, run.now());
    refuse_differing(plan)?;
    let transforms = &ports.transforms.of_restore(&plan.spec).map_err(RestoreError::Invalid)?;
    let manifest = manifest_of(access, plan).await?;
    let (mut record, earlier) = match Record::open(access, &manifest, plan, run).await? {
        Opened::Open(record, earlier) => (record, earlier),
        Opened::Finished(report) => return Ok(*report),
    };
    let owners = Owners::new(&plan.owners);
    // Whoever follows the run has not read the plan.
    plan.issues.iter().for_each(|issue| run.emit(Event::Issue(issue.clone())));
    let mut done = Done::new(plan, run.bounds());
    done.resume(plan, earlier.steps, &owners);
    let (cluster, manifest, owners) = (ports.cluster, &manifest, &owners);
    let disks = Disks::new(plan, ports.snapshots);
    let application = Application {
        cluster,
        access,
        manifest,
        transforms,
        plan,
        owners,
        disks,
        dry_run: false,
        again: earlier.again,
        run,
    };
    let applied = tokio::select! {
        biased;
        () = run.cancelled() => Err(RestoreError::Cancelled),
        applied = application.write_and_run_hooks((ports, earlier.hooks), &mut done, &mut record) => applied,
    };
    let finished = applied.is_ok();
    let hooks = applied.as_ref().copied().unwrap_or_default();
    let report = RestoreReport { hooks, ..report(plan, started_at, done, finished, run) };
    match applied {
        Ok(_) => record.close(&report).await.map(|()| report),
        Err(RestoreError::Superseded) => Err(RestoreError::Superseded),
        Err(error) => {
            // Why it ended is what matters; without a report, the claim tells that it was begun.
            _ = record.close(&report).await;
            Err(error)
        }
    }
}

/// The manifest of the backup that the plan was made for.
pub(super) async fn manifest_of(access: Access<'_>, plan: &RestorePlan) -> Result<Manifest, RestoreError> {
    let manifest = read_manifest(access, &plan.spec.backup_name).await?;
    if manifest.run_id != plan.backup_run {
        return Err(RestoreError::OtherBackup { name: manifest.name, store: access.store().to_string() });
    }
    Ok(manifest)
}

/// Where an object that exists and differs is to fail the restore, nothing is written.
fn refuse_differing(plan: &RestorePlan) -> Result<(), RestoreError> {
    let differs = |step: &&Step| matches!(step.action, Action::Refuse { code: Code::ExistsAndDiffers, .. });
    let mut differing = plan.steps().filter(differs);
    match differing.next() {
        None => Ok(()),
        Some(first) => Err(RestoreError::Exists { first: Box::new(first.object.clone()), more: differing.count() }),
    }
}

fn report(plan: &RestorePlan, started_at: Timestamp, done: Done, finished: bool, run: &Run) -> RestoreReport {
    RestoreReport {
        name: plan.name.clone(),
        backup: plan.spec.backup_name.clone(),
        spec: plan.spec.clone(),
        plan: plan.id,
        finished,
        outcome: if finished { Outcome::of(&done.issues) } else { Outcome::Failed },
        started_at,
        completed_at: run.now(),
        counts: done.counts,
        hooks: RestoreHookCounts::default(),
        volumes: restored_volumes(plan),
        issues: done.issues,
    }
}

/// A plan on its way.
#[derive(Clone, Copy)]
pub(super) struct Application<'a> {
    pub(super) cluster: &'a dyn ClusterWriter,
    pub(super) access: Access<'a>,
    pub(super) manifest: &'a Manifest,
    pub(super) transforms: &'a Transforms,
    pub(super) plan: &'a RestorePlan,
    pub(super) owners: &'a Owners,
    pub(super) disks: Disks<'a>,
    /// Whether the server only checks what it would do.
    pub(super) dry_run: bool,
    /// Whether an earlier apply of the plan may have written something that it could not record.
    pub(super) again: bool,
    pub(super) run: &'a Run,
}

impl Application<'_> {
    /// Writes all objects, and meanwhile runs the commands of the pods that were created.
    async fn write_and_run_hooks(
        self,
        (ports, earlier): (&Ports<'_>, Vec<HookLine>),
        done: &mut Done,
        record: &mut Record<'_>,
    ) -> Result<RestoreHookCounts, RestoreError> {
        let (lines, run) = (record.hooks(), self.run);
        let (created, pods) = CreatedPods::of(self.plan, Arc::clone(&lines));
        owed(earlier).into_iter().for_each(|owed| created.resume(owed));
        let rules = RestoreHookRules::new(&self.plan.spec.hooks);
        let with = HookRun { cluster: ports.cluster, exec: ports.exec, rules: &rules, lines: &lines, run };
        let running = async {
            let ran = run_hooks(with, pods).await;
            lines.end();
            Ok::<_, RestoreError>(ran)
        };
        let writing = async {
            self.write_all(&created, done, record).await?;
            if created.has_hooks() {
                run.stage("running hooks in restored pods");
            }
            // The list of created pods ends with this.
            drop(created);
            while lines.next().await {
                record.flush().await?;
            }
            Ok(())
        };
        let ((), ran) = futures::try_join!(writing, running)?;
        done.issues.extend(ran.issues);
        Ok(ran.counts)
    }

    /// Writes what is left of every wave, in their order.
    pub(super) async fn write_all(
        self,
        created: &CreatedPods,
        done: &mut Done,
        record: &mut Record<'_>,
    ) -> Result<(), RestoreError> {
        let Self { cluster, plan, run, .. } = self;
        run.emit(Event::Total { objects: done.left() as u64 });
        let existing = Existing::new(&plan.spec, self.transforms);
        let options = WriteOptions { dry_run: self.dry_run, ..WriteOptions::default() };
        let (mut types, mut first) = (types(cluster).await?, 0);
        for wave in &plan.waves {
            if wave.steps.iter().enumerate().any(|(number, _)| !done.is_settled(first + number)) {
                run.stage(format!("restoring {}", wave.wave));
            }
            let write = Write {
                cluster,
                transforms: self.transforms,
                asked: Asked { spec: &plan.spec, status: &plan.status, volumes: &plan.volumes },
                disks: self.disks,
                existing: &existing,
                types: &types,
                owners: self.owners,
                created,
                options: &options,
                again: self.again,
                run,
            };
            Writing { access: self.access, manifest: self.manifest, write, wave, first }.run(done, record).await?;
            first += wave.steps.len();
            let defined = std::mem::take(&mut done.definitions);
            if !defined.is_empty() && !self.dry_run {
                types = await_definitions(cluster, plan, &defined, &mut done.issues, run).await?;
            }
        }
        if !self.dry_run {
            self.link_late(done).await;
        }
        Ok(())
    }

    /// Gives their owners to objects that had to be created before them.
    async fn link_late(self, done: &mut Done) {
        let (cluster, options) = (self.cluster, WriteOptions::default());
        let links = stream::iter(self.owners.late_links()).map(|(at, patch)| {
            let options = &options;
            async move {
                let linked = cluster.patch(&at, &Patch::Merge(patch), Part::Main, options).await;
                linked.err().map(|error| (at, error))
            }
            .boxed()
        });
        let links = links.buffer_unordered(done.pace.limit());
        let failed: Vec<_> = links.filter_map(std::future::ready).collect().await;
        for (at, error) in failed {
            let message = format!("its owners could not be set ({error})");
            self.run.report(&mut done.issues, Issue::error(Stage::Apply, Code::OwnerMissing, message).about(at));
        }
    }
}
