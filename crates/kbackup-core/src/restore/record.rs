//! Keeps what became of a restore beside the backup it was made from, while it goes on: an apply that was interrupted goes
//! on from there.

use std::sync::Arc;

use futures::TryStreamExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::RestoreError;
use super::owed::{HookLine, HookLines};
use super::plan::RestorePlan;
use super::stored::{append_line, keep_plan, read_lines};
use super::volumes::restored_volumes;
use crate::crypt::Seal;
use crate::format::{Access, FileWriter, FormatError, Manifest, RestoreLayout, sealed};
use crate::issue::{Issue, Outcome};
use crate::limits::Limits;
use crate::model::BackupName;
use crate::report::{ObjectResult, RestoreReport};
use crate::run::Run;
use crate::store::{Key, ObjectStore, ObjectStoreExt, PutMode, StoreError, StoreErrorKind, StoreResult};

/// Results that are kept at once, at most.
const BATCH_LINES: usize = 1_000;
/// How long results wait to be kept, in seconds.
const BATCH_SECONDS: i64 = 5;
/// A claim or a report is small; a report names every issue.
const RECORD_BYTES_MAX: u64 = 256 << 20;

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    /// Its number in the plan.
    pub(super) step: usize,
    #[serde(flatten)]
    pub(super) result: ObjectResult,
    /// The uid of the object, where others name it as their owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) uid: Option<String>,
    /// The patch that gives it the owners that were not there yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) owners: Option<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) issues: Vec<Issue>,
}

/// What is kept while a restore goes on, one a line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Kept {
    Step(Line),
    Hook(HookLine),
}

/// What an earlier apply of the plan has left.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// Whether there was one.
    pub(super) again: bool,
    pub(super) steps: Vec<Line>,
    pub(super) hooks: Vec<HookLine>,
}

/// Who applies a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claim {
    backup: BackupName,
    plan: Uuid,
    run_id: Uuid,
    started_at: Timestamp,
}

impl Claim {
    fn new(plan: &RestorePlan, run: &Run) -> Self {
        let backup = plan.spec.backup_name.clone();
        Self { backup, plan: plan.id, run_id: Uuid::new_v4(), started_at: run.now() }
    }
}

/// What is known of the name of a restore.
pub(super) enum Opened<'a> {
    /// Something is left to do, beside what was recorded of it.
    Open(Box<Record<'a>>, Earlier),
    /// All of the plan was done before.
    Finished(Box<RestoreReport>),
}

/// The record of a restore, as it is being written.
pub(super) struct Record<'a> {
    /// `None` where nothing is kept: in a read-only store.
    store: Option<&'a dyn ObjectStore>,
    layout: RestoreLayout,
    claim: Claim,
    limits: &'a Limits,
    /// What is kept of a restore is as secret as its backup.
    seal: Seal,
    pending: Vec<Kept>,
    /// Where what becomes of hooks is taken from.
    hooks: Arc<HookLines>,
    next_batch: u32,
    kept_at: Timestamp,
    saving: Option<BoxFuture<'a, Result<(), RestoreError>>>,
    /// Whether there is a report of an earlier apply of the plan, to be replaced.
    replaces: bool,
}

impl<'a> Record<'a> {
    /// Claims the plan's name, and reads what an earlier apply of the plan has left. Of a backup of
    /// Velero's nothing is kept: the place belongs to somebody else.
    ///
    /// # Errors
    /// `NameTaken` where the name is that of another plan.
    pub(super) async fn open(
        access: Access<'a>,
        manifest: &Manifest,
        plan: &RestorePlan,
        run: &'a Run,
    ) -> Result<Opened<'a>, RestoreError> {
        let (store, layout) = (access.store(), RestoreLayout::new(&plan.name));
        let taken = || RestoreError::NameTaken { name: plan.name.clone(), store: store.to_string() };
        let report: Option<RestoreReport> = read(store, &layout.report()).await?;
        let replaces = report.is_some();
        match report {
            Some(report) if report.plan != plan.id => return Err(taken()),
            Some(mut report) if report.finished && report.outcome == Outcome::Completed => {
                report.issues.extend(kept_issues(access, manifest, &layout).await?);
                report.volumes = restored_volumes(plan);
                return Ok(Opened::Finished(Box::new(report)));
            }
            _ => {}
        }
        let claim = Claim::new(plan, run);
        let writable = !manifest.is_velero() && store.capabilities().writable;
        let mut record = Self::new(writable.then_some(store), claim, (layout, replaces), run);
        record.seal = seal(manifest)?;
        if !writable {
            return Ok(Opened::Open(Box::new(record), Earlier::default()));
        }
        let again = match take_claim(store, &record.layout.claim(), &record.claim).await? {
            Claimed::New => replaces,
            Claimed::Again => true,
            Claimed::ByAnother => return Err(taken()),
        };
        let earlier = Earlier { again, ..record.earlier(access, manifest).await? };
        // A plan that writes nothing need not be found again.
        if earlier.steps.is_empty() && plan.steps().any(super::plan::Step::is_write) {
            keep_plan(store, plan, run.bounds(), &record.seal).await.map_err(failed("keeping the plan"))?;
        }
        Ok(Opened::Open(Box::new(record), earlier))
    }

    /// Keeps nothing.
    pub(super) fn none(plan: &RestorePlan, run: &'a Run) -> Self {
        let claim = Claim::new(plan, run);
        Self::new(None, claim, (RestoreLayout::new(&plan.name), false), run)
    }

    fn new(
        store: Option<&'a dyn ObjectStore>,
        claim: Claim,
        (layout, replaces): (RestoreLayout, bool),
        run: &'a Run,
    ) -> Self {
        let (limits, kept_at) = (run.bounds(), run.now());
        let (seal, hooks, pending) = (Seal::default(), Arc::default(), Vec::new());
        Self { store, layout, claim, limits, seal, pending, hooks, next_batch: 0, kept_at, saving: None, replaces }
    }

    /// What becomes of hooks is added here, to be kept with the next results.
    pub(super) fn hooks(&self) -> Arc<HookLines> {
        Arc::clone(&self.hooks)
    }

    async fn earlier(&mut self, access: Access<'_>, manifest: &Manifest) -> Result<Earlier, RestoreError> {
        let during = "reading the results of an earlier apply";
        let stored: Vec<_> =
            access.store().list(&self.layout.results(self.claim.plan)).try_collect().await.map_err(failed(during))?;
        let mut keys: Vec<Key> = stored.into_iter().map(|stored| stored.key).collect();
        keys.sort();
        self.next_batch = u32::try_from(keys.len()).unwrap_or(u32::MAX);
        let mut earlier = Earlier::default();
        for key in keys {
            for line in read_lines::<Kept>(access, manifest, &key, during).await? {
                match line {
                    Kept::Step(line) => earlier.steps.push(line),
                    Kept::Hook(line) => earlier.hooks.push(line),
                }
            }
        }
        Ok(earlier)
    }

    /// Takes a result. It is kept soon.
    pub(super) fn add(&mut self, line: Line, now: Timestamp) {
        self.collect_hooks();
        if self.store.is_none() {
            return;
        }
        self.pending.push(Kept::Step(line));
        let due = self.pending.len() >= BATCH_LINES || now.as_second() - self.kept_at.as_second() >= BATCH_SECONDS;
        if due && self.saving.is_none() {
            self.kept_at = now;
            self.begin();
        }
    }

    /// Whether results are on their way to the store.
    pub(super) fn is_saving(&self) -> bool {
        self.saving.is_some()
    }

    /// Returns when what is on its way is there. May be dropped and called again.
    ///
    /// # Errors
    /// The store's; and `Superseded` where somebody else applies the plan by now.
    pub(super) async fn saved(&mut self) -> Result<(), RestoreError> {
        if let Some(saving) = &mut self.saving {
            let saved = saving.await;
            self.saving = None;
            saved?;
        }
        Ok(())
    }

    /// Keeps all results that there are.
    ///
    /// # Errors
    /// As [`Record::saved`].
    pub(super) async fn flush(&mut self) -> Result<(), RestoreError> {
        self.saved().await?;
        self.collect_hooks();
        if self.pending.is_empty() {
            return Ok(());
        }
        self.begin();
        self.saved().await
    }

    /// A pod whose result is kept has its commands kept by then.
    fn collect_hooks(&mut self) {
        let lines = self.hooks.take();
        if self.store.is_some() {
            self.pending.extend(lines.into_iter().map(Kept::Hook));
        }
    }

    /// Keeps the report, by which the restore exists, and gives the claim back.
    ///
    /// # Errors
    /// The store's; `NameTaken` where another restore took the name meanwhile.
    pub(super) async fn close(&mut self, report: &RestoreReport) -> Result<(), RestoreError> {
        self.flush().await?;
        let Some(store) = self.store else { return Ok(()) };
        let mut told = report.clone();
        if self.seal.record().is_some() {
            // The report is not encrypted, so it must not name the objects of a backup that is.
            told.volumes.clear();
            let issues = std::mem::take(&mut told.issues);
            keep_issues(store, self.layout.issues(), &issues, (self.limits, &self.seal)).await?;
        }
        let json = serde_json::to_vec_pretty(&told).unwrap_or_default();
        let mode = if self.replaces { PutMode::Overwrite } else { PutMode::Create };
        match store.put(&self.layout.report(), json.into(), mode).await {
            Err(error) if error.kind() == StoreErrorKind::AlreadyExists => {
                return Err(RestoreError::NameTaken { name: report.name.clone(), store: store.to_string() });
            }
            Err(error) => return Err(failed("storing the restore's report")(error)),
            Ok(_) => {}
        }
        // A claim that stays does no harm: its plan is done.
        _ = store.delete(&[self.layout.claim()]).await;
        Ok(())
    }

    fn begin(&mut self) {
        let Some(store) = self.store else { return };
        let mut text = Vec::with_capacity(self.pending.len() * 192);
        for line in self.pending.drain(..) {
            append_line(&mut text, &line);
        }
        let (key, claim_key, own) =
            (self.layout.batch(self.claim.plan, self.next_batch), self.layout.claim(), self.claim.run_id);
        self.next_batch += 1;
        let (limits, seal) = (self.limits, self.seal.clone());
        self.saving = Some(Box::pin(async move {
            refuse_superseded(store, &claim_key, own).await?;
            write(store, key, &text, (limits, &seal)).await.map_err(failed("keeping the restore's results"))
        }));
    }
}

/// Whose a claim was.
enum Claimed {
    /// Nobody's.
    New,
    /// That of an earlier apply of the same plan: whoever held it has ended, or ends at its next look.
    Again,
    /// That of another plan, and it stays so.
    ByAnother,
}

async fn take_claim(store: &dyn ObjectStore, key: &Key, own: &Claim) -> Result<Claimed, RestoreError> {
    let body = || serde_json::to_vec_pretty(own).unwrap_or_default().into();
    let claimed = store.put(key, body(), PutMode::Create).await;
    let Err(error) = claimed else { return Ok(Claimed::New) };
    match read::<Claim>(store, key).await? {
        Some(found) if found.run_id == own.run_id => Ok(Claimed::New),
        Some(found) if found.plan == own.plan => {
            let put = store.put(key, body(), PutMode::Overwrite).await;
            put.map(|_| Claimed::Again).map_err(failed("claiming the restore's name"))
        }
        Some(_) => Ok(Claimed::ByAnother),
        None => Err(failed("claiming the restore's name")(error)),
    }
}

async fn write(store: &dyn ObjectStore, key: Key, text: &[u8], (limits, seal): (&Limits, &Seal)) -> StoreResult<()> {
    let mut file = FileWriter::new(store, key, limits, seal)?;
    file.write(text).await?;
    file.finish().await.map(|_| ())
}

async fn keep_issues(
    store: &dyn ObjectStore,
    key: Key,
    issues: &[Issue],
    how: (&Limits, &Seal),
) -> Result<(), RestoreError> {
    let mut text = Vec::new();
    for issue in issues {
        append_line(&mut text, issue);
    }
    write(store, key, &text, how).await.map_err(failed("keeping the restore's issues"))
}

/// The issues that are kept beside the report of a restore, as they are where the backup is encrypted.
async fn kept_issues(
    access: Access<'_>,
    manifest: &Manifest,
    layout: &RestoreLayout,
) -> Result<Vec<Issue>, RestoreError> {
    let seal = seal(manifest)?;
    if seal.record().is_none() {
        return Ok(Vec::new());
    }
    read_lines(access, manifest, &sealed(layout.issues(), &seal), "reading the issues of the restore").await
}

async fn refuse_superseded(store: &dyn ObjectStore, key: &Key, own: Uuid) -> Result<(), RestoreError> {
    match read::<Claim>(store, key).await? {
        Some(claim) if claim.run_id != own => Err(RestoreError::Superseded),
        _ => Ok(()),
    }
}

/// A small record of ours; `None` where there is none.
async fn read<T: serde::de::DeserializeOwned>(store: &dyn ObjectStore, key: &Key) -> Result<Option<T>, RestoreError> {
    let during = "reading the record of a restore of that name";
    match store.get_bytes(key, RECORD_BYTES_MAX).await {
        Ok(bytes) => {
            let broken =
                |error| StoreError::new(StoreErrorKind::Other, format!("{key} is not understood")).with_source(error);
            serde_json::from_slice(&bytes).map(Some).map_err(|error| failed(during)(broken(error)))
        }
        Err(error) if error.kind() == StoreErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(during)(error)),
    }
}

fn failed(during: &'static str) -> impl FnOnce(StoreError) -> RestoreError {
    move |source| RestoreError::Store { during, source }
}

/// The name that an interrupted restore can be gone on with.
pub(super) fn not_kept(name: &BackupName, store: &dyn ObjectStore) -> RestoreError {
    RestoreError::NoPlan { name: name.clone(), store: store.to_string() }
}

/// What is kept of a restore of this backup is sealed with.
pub(super) fn seal(manifest: &Manifest) -> Result<Seal, FormatError> {
    Seal::like(manifest.encryption.as_ref())
        .map_err(|error| FormatError::damaged(&manifest.name, format!("manifest.json: {error}")))
}

/// The backup that a restore that was begun is made from.
pub(super) async fn backup_of(store: &dyn ObjectStore, name: &BackupName) -> Result<BackupName, RestoreError> {
    let layout = RestoreLayout::new(name);
    if let Some(claim) = read::<Claim>(store, &layout.claim()).await? {
        return Ok(claim.backup);
    }
    let report: Option<RestoreReport> = read(store, &layout.report()).await?;
    report.map(|report| report.backup).ok_or_else(|| not_kept(name, store))
}
