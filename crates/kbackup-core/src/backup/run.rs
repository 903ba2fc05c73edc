//! One backup, from the spec to the manifest.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::archive::Archive;
use super::claim::{Held, take};
use super::collect::{Collect, Collected, collect};
use super::commit::{Facts, close, commit};
use super::hooks::run_hooks;
use super::pace::Pace;
use super::related::{Gathered, Round};
use super::select::select;
use super::survey::{Plans, Survey};
use super::{BackupError, Ports};
use crate::action::BackupActions;
use crate::cluster::ClusterInfo;
use crate::crypt::Seal;
use crate::event::Recorder;
use crate::filter::{Needs, Selection};
use crate::format::{Manifest, Resolved};
use crate::hook::Ordered;
use crate::issue::{Code, Issue, Stage};
use crate::model::{BackupName, Lock, Revision};
use crate::run::Run;
use crate::spec::{BackupSpec, Ttl};
use crate::store::ObjectStore;

/// How often what was taken may bring new needs: a Pod its claim, that its volume, that its class; an account its binding,
/// that its role. Own actions may add a few steps more.
const ROUNDS_MAX: usize = 8;

/// What became of a backup that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupReport {
    /// The backup, as its manifest describes it.
    pub manifest: Manifest,
    /// What went wrong with single objects or types, or is worth knowing.
    pub issues: Vec<Issue>,
}

/// Backs up what `spec` asks for, as `name`.
///
/// Every type is read at one revision of the cluster, so what is changed meanwhile makes no difference; the manifest names
/// what could not be. Memory does not grow with the bytes of the cluster.
///
/// # Errors
/// Then there is no backup of that name, and what was written of it is removed, as far as the store lets it;
/// [`BackupError::Uncertain`] is the one exception. What goes wrong with single objects or types is an issue in the report.
pub async fn run(
    ports: &Ports<'_>,
    name: &BackupName,
    spec: &BackupSpec,
    run: &Run,
) -> Result<BackupReport, BackupError> {
    spec.validate().map_err(BackupError::Invalid)?;
    let (run, log) = run.recorded();
    let run = &run;
    let store = ports.store;
    if !store.capabilities().writable {
        return Err(BackupError::ReadOnly { store: store.to_string() });
    }
    let seal = match ports.protection {
        Some(protection) => protection.seal().await.map_err(BackupError::Protection)?,
        None => Seal::default(),
    };
    // Before anything is written: a store that can't lock must not hold a backup that seems to be.
    let lock = spec.lock.map(|mode| Lock { mode, until: lock_until(run.now(), spec.ttl) });
    let locked = locked(store, lock).await?;
    // The claim goes when the run does, so it is not locked.
    let held = take(store, name, seal, run).await?;
    let ports = &Ports { store: locked.as_deref().unwrap_or(store), ..ports.clone() };
    // On the heap: it is large, and whoever awaits this would carry it.
    let written = Box::pin(write(ports, &held, (name, spec, lock), (run, &log))).await;
    let committed = match written {
        // From here on the run can't be cancelled: the manifest is there or it is not.
        Ok(report) => commit(ports.store, &held, &report.manifest, ports.signer()).await.map(|()| report),
        Err(error) => Err(error),
    };
    clean_up(&held, &committed).await;
    committed
}

/// What was read.
pub(super) struct Taken<'a> {
    archive: Archive<'a>,
    pub(super) collected: Collected,
    pub(super) survey: Survey,
    info: ClusterInfo,
    pub(super) resolved: Resolved,
    pub(super) revision: Revision,
}

/// Everything but the commit. A run that is cancelled ends the reading and the writing at once, and never the hooks: what
/// they have stopped must go on.
async fn write(
    ports: &Ports<'_>,
    held: &Held<'_>,
    (name, spec, lock): (&BackupName, &BackupSpec, Option<Lock>),
    (run, log): (&Run, &Recorder),
) -> Result<BackupReport, BackupError> {
    let taken = until_cancelled(run, read(ports, held, spec, run)).await?;
    let Taken { archive, mut collected, survey, info, resolved, revision } = taken;
    let Plans { hooks, volumes, issues } = survey.plans();
    for issue in issues {
        run.report(&mut collected.issues, issue);
    }
    let ran = run_hooks(ports.exec, held, hooks, run).await;
    collected.issues.extend(ran.issues);

    run.stage("finishing the archive");
    let (hooks, volumes, signer) = (ran.counts, volumes.records, ports.signer());
    let facts = Facts { name, spec, cluster: info, resolved, revision, hooks, volumes, signer, lock, log: log.lines() };
    let issues = collected.issues.clone();
    let closed = async {
        let closed = close(ports.store, held, facts, archive, collected, run).await;
        closed.map_err(BackupError::store("finishing the archive"))
    };
    let manifest = until_cancelled(run, closed).await?;
    Ok(BackupReport { manifest, issues })
}

/// Discovers, selects and reads all objects.
pub(super) async fn read<'a>(
    ports: &'a Ports<'a>,
    held: &'a Held<'a>,
    spec: &BackupSpec,
    run: &'a Run,
) -> Result<Taken<'a>, BackupError> {
    let Ports { cluster, store, ref actions, keeps, .. } = *ports;
    run.stage("discovering the cluster");
    let info = cluster.info().await.map_err(BackupError::cluster("asking who it is"))?;
    let discovery = cluster.discover().await.map_err(BackupError::cluster("discovering its types"))?;
    let revision = cluster.revision().await.map_err(BackupError::cluster("reading its newest revision"))?;
    let selection = select(cluster, &discovery, revision, spec, run).await?;
    let ordered = Ordered::resolve(&spec.ordered_resources, &discovery).map_err(BackupError::Invalid)?;
    run.stage(format!("reading {} types at revision {revision}", selection.types().count()));

    let archive = Archive::new(store, held, run.bounds()).map_err(BackupError::store("beginning the archive"))?;
    let gathered = Gathered::new(actions, selection.types_if_needed());
    let survey = Survey::new(spec, ordered);
    let cx = Collect {
        cluster,
        archive: &archive,
        held,
        rules: &selection.rules,
        mode: spec.consistency,
        revision,
        round: None,
        kept: keeps,
        pace: &Pace::new(run.bounds().bytes_per_second_max),
        witnesses: &[&gathered, &survey],
        run,
    };
    let mut collected = collect(&cx, selection.queries.clone()).await?;
    collected = collected.join(collect_needed(&cx, &gathered, &selection, actions).await?);
    for issue in selection.issues.iter().cloned().chain(gathered.into_issues()) {
        run.report(&mut collected.issues, issue);
    }
    let listed = selection.types().map(|ty| ty.gvr.clone());
    let types: BTreeSet<_> = listed.chain(collected.by_type().into_keys()).collect();
    let resolved = Resolved { namespaces: selection.namespaces.clone(), types: types.into_iter().collect() };
    Ok(Taken { archive, collected, survey, info, resolved, revision })
}

/// A stage that ends, by being dropped, when the run is cancelled.
pub(super) async fn until_cancelled<T>(
    run: &Run,
    stage: impl Future<Output = Result<T, BackupError>>,
) -> Result<T, BackupError> {
    tokio::select! {
        biased;
        () = run.cancelled() => Err(BackupError::Cancelled),
        done = stage => done,
    }
}

/// Takes what the objects so far need, and what that needs, until nothing new is needed.
async fn collect_needed(
    cx: &Collect<'_, '_>,
    gathered: &Gathered<'_>,
    selection: &Selection,
    actions: &BackupActions,
) -> Result<Collected, BackupError> {
    let (mut collected, mut asked) = (Collected::default(), Needs::default());
    for _ in 0..ROUNDS_MAX {
        let needs = gathered.needs();
        let queries = selection.queries_if_needed(&needs, &asked);
        if queries.is_empty() {
            break;
        }
        tracing::debug!(lists = queries.len(), "reading what the objects so far need");
        let round = Round { actions, needs: &needs, asked: &asked };
        collected = collected.join(collect(&Collect { round: Some(round), ..*cx }, queries).await?);
        asked = needs;
    }
    if !selection.queries_if_needed(&gathered.needs(), &asked).is_empty() {
        let message = format!("after {ROUNDS_MAX} rounds of reading what is needed, more is: it is not in the backup");
        cx.run.report(&mut collected.issues, Issue::error(Stage::Action, Code::ActionFailed, message));
    }
    Ok(collected)
}

/// The store to write to where what is written is to be locked.
async fn locked(store: &dyn ObjectStore, lock: Option<Lock>) -> Result<Option<Arc<dyn ObjectStore>>, BackupError> {
    let Some(lock) = lock else { return Ok(None) };
    store.locked(lock).await.map(Some).map_err(BackupError::store("asking the store to lock the backup"))
}

/// When the time of a lock has come that covers `ttl`: on a full minute, so that all files of the backup have the same,
/// and not before the run, which begins a moment later, would say that the backup is over.
fn lock_until(now: Timestamp, ttl: Ttl) -> Timestamp {
    const MINUTE: i64 = 60;
    let over = now.saturating_add(ttl.duration()).unwrap_or(Timestamp::MAX).as_second();
    Timestamp::from_second((over.div_euclid(MINUTE) + 2) * MINUTE).unwrap_or(Timestamp::MAX)
}

/// Best effort: what can't be removed now is an unfinished folder, which never lists as a backup.
async fn clean_up(held: &Held<'_>, committed: &Result<BackupReport, BackupError>) {
    let cleaned = match committed {
        Ok(_) => held.release().await,
        Err(BackupError::Uncertain { .. } | BackupError::NameTaken { .. }) => Ok(()),
        Err(_) => held.withdraw().await,
    };
    if let Err(error) = cleaned {
        tracing::warn!(%error, "what an unfinished backup has written could not be removed");
    }
}
