//! One object on its way into the cluster.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::disks::{Disks, NoDisk};
use super::examine::is_others;
use super::existing::{Existing, Settled};
use super::hooks::CreatedPods;
use super::plan::{Action, Step};
use super::prepare::{Asked, Prepared, prepare};
use super::relink::Owners;
use crate::action::{Transforms, owns_only_copies};
use crate::cluster::{
    ClusterError, ClusterErrorKind, ClusterResult, ClusterWriter, Condition, Created, DeleteOptions, Part, Patch,
    Propagation, Waited, WriteOptions,
};
use crate::issue::{Code, Issue, Stage};
use crate::model::{Gvr, Object, ObjectRef, ResourceType};
use crate::report::Applied;
use crate::run::Run;

/// How often a change is tried anew on an object that somebody else changes at the same time.
const CONFLICTS_MAX: u32 = 5;

/// How many times an object that was refused is written again with something given up: an object has a handful of such
/// fields, and the server may name them one by one.
const GIVEN_UP_MAX: usize = 8;

/// What every write of a wave needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Write<'a> {
    pub(super) cluster: &'a dyn ClusterWriter,
    pub(super) transforms: &'a Transforms,
    pub(super) asked: Asked<'a>,
    /// What makes disks of snapshots.
    pub(super) disks: Disks<'a>,
    pub(super) existing: &'a Existing<'a>,
    pub(super) types: &'a HashMap<Gvr, Arc<ResourceType>>,
    pub(super) owners: &'a Owners,
    /// Where pods are told of in which commands are to run.
    pub(super) created: &'a CreatedPods,
    pub(super) options: &'a WriteOptions,
    /// Whether an object may have been created by this plan although nobody was told.
    pub(super) again: bool,
    pub(super) run: &'a Run,
}

/// What became of a step.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) result: Applied,
    pub(super) issues: Vec<Issue>,
    /// The patch that gives the object the owners that were not there yet.
    pub(super) owners: Option<Value>,
    /// Whether it failed for a reason that may pass.
    pub(super) may_pass: bool,
}

/// An object of the backup, and what is to be created of it.
struct Wanted {
    /// Not there for a namespace that the backup does not hold.
    source: Option<Object>,
    value: Value,
    /// The status that it gets afterwards.
    status: Option<Value>,
}

type Outcome = Result<(Applied, Vec<Issue>), Failure>;

/// Why an object could not be written.
#[derive(Debug)]
enum Failure {
    /// The server's answer, or that there was none.
    Server(ClusterError),
    /// What is being deleted is still there.
    StillThere(String),
    /// Its disk could not be made.
    NoDisk(NoDisk),
}

impl Write<'_> {
    /// Writes the object of one step; `bytes` is its JSON in the backup.
    pub(super) async fn step(self, step: &Step, bytes: Option<Bytes>) -> Written {
        let mut wanted = match self.wanted(step, bytes) {
            Ok(wanted) => wanted,
            Err(unwanted) => return Written::new(unwanted.0, unwanted.1),
        };
        let owners = self.owners.link(&mut wanted.value);
        match self.write(step, &mut wanted).await {
            Ok((result, issues)) => Written { owners, ..Written::new(result, issues) },
            Err(failure) => Written {
                may_pass: failure.may_pass(),
                ..Written::new(Applied::Failed, vec![failure.told(&step.object)])
            },
        }
    }

    fn wanted(&self, step: &Step, bytes: Option<Bytes>) -> Result<Wanted, Box<(Applied, Vec<Issue>)>> {
        let Some(bytes) = bytes else {
            return Ok(Wanted { source: None, value: namespace(&step.object), status: None });
        };
        let object = Object::parse(bytes).map_err(|error| {
            let issue = Issue::error(Stage::Fetch, Code::Damaged, error.to_string()).about(step.object.clone());
            Box::new((Applied::Failed, vec![issue]))
        })?;
        match prepare(step, &object, self.transforms, self.asked) {
            Prepared::Write(value, status, _) => Ok(self.with_status(step, value, status, object)),
            // The plan has said why.
            Prepared::Skip(_) => Err(Box::new((Applied::Skipped, Vec::new()))),
            Prepared::Refuse(..) => Err(Box::new((Applied::Failed, Vec::new()))),
        }
    }

    async fn write(&self, step: &Step, wanted: &mut Wanted) -> Outcome {
        match &step.action {
            Action::Update { .. } | Action::Replace { .. } | Action::Recreate { .. } => {
                return self.meet(step, wanted).await;
            }
            Action::CreateWhenGone => self.await_end(&step.object).await?,
            _ => {}
        }
        if !self.options.dry_run {
            let source = wanted.source.as_ref().map_or("", |source| &source.meta().name);
            self.disks.point(source, &step.object, &mut wanted.value, self.run).await?;
        }
        self.create(step, wanted).await
    }

    /// A type without a status subresource has it among its other fields: it goes into the same write.
    fn with_status(&self, step: &Step, mut value: Value, mut status: Option<Value>, source: Object) -> Wanted {
        if self.types.get(&step.object.gvr).is_some_and(|ty| !ty.has_status)
            && let Some(status) = status.take()
        {
            value["status"] = status;
        }
        Wanted { source: Some(source), value, status }
    }

    async fn create(&self, step: &Step, wanted: &Wanted) -> Outcome {
        match self.try_create(step, wanted).await? {
            Some(issues) => Ok((Applied::Created, issues)),
            // It appeared since the plan was made: a controller was faster, or an answer of ours was lost.
            None => self.meet(step, wanted).await,
        }
    }

    /// Creates the object; where the server refuses it for something that it can choose itself, without that. `None` where
    /// it exists.
    async fn try_create(&self, step: &Step, wanted: &Wanted) -> ClusterResult<Option<Vec<Issue>>> {
        let not_served = || {
            let message = format!("the cluster does not serve {}", step.object.gvr);
            ClusterError::new(ClusterErrorKind::NotFound, message)
        };
        let ty = self.types.get(&step.object.gvr).ok_or_else(not_served)?;
        let (mut given_up, mut lesser) = (Vec::new(), None);
        loop {
            let value = lesser.as_ref().unwrap_or(&wanted.value);
            let refusal = match self.cluster.create(ty, &object(value)?, self.options).await {
                Ok(Created::Exists) => return Ok(None),
                Ok(Created::New(created)) => {
                    given_up.extend(self.follow(step, wanted, &created).await);
                    return Ok(Some(given_up));
                }
                Err(refusal) => refusal,
            };
            let Some(source) = step.source.as_ref().filter(|_| given_up.len() < GIVEN_UP_MAX) else {
                return Err(refusal);
            };
            let mut value = value.clone();
            let source = source.named(&step.object.name);
            let issue = self.transforms.on_refusal((&source, &step.object), &mut value, &refusal);
            given_up.push(issue.ok_or(refusal)?);
            lesser = Some(value);
        }
    }

    /// What comes after a create: its uid is learnt, its hooks are told of it, its status is given back.
    async fn follow(&self, step: &Step, wanted: &Wanted, created: &Object) -> Option<Issue> {
        self.learn(step, created);
        if self.options.dry_run {
            return None;
        }
        let namespace = step.source.as_ref().and_then(|source| source.namespace.as_deref());
        self.created.see(&step.object, namespace, created);
        let patch = Patch::Merge(json!({ "status": wanted.status.as_ref()? }));
        // That it can't be had is worth knowing, and no failure: whoever keeps it writes it anew.
        let error = self.cluster.patch(&step.object, &patch, Part::Status, self.options).await.err()?;
        let message = format!("its status could not be restored ({error})");
        Some(Issue::warning(Stage::Apply, Code::Rejected, message).about(step.object.clone()))
    }

    /// Does with an existing object what the spec says, now that it is seen as it is.
    async fn meet(&self, step: &Step, wanted: &Wanted) -> Outcome {
        let mut conflicts = 0;
        loop {
            let Some(live) = self.cluster.get(&step.object).await? else {
                let created = self.try_create(step, wanted).await?;
                return created.map(|issues| (Applied::Created, issues)).ok_or_else(|| changing(&step.object).into());
            };
            self.learn(step, &live);
            match self.change(step, &live, wanted).await {
                Err(failure) if failure.is_conflict() && conflicts < CONFLICTS_MAX => conflicts += 1,
                changed => return changed,
            }
        }
    }

    async fn change(&self, step: &Step, live: &Object, wanted: &Wanted) -> Outcome {
        let Settled { action, target, issue } = self.settle(step, live, wanted);
        match (action, target) {
            // An earlier attempt, whose answer was lost or not kept, has created it.
            (Action::Unchanged, _) if self.again && creates(step) => {
                Ok((Applied::Created, self.follow(step, wanted, live).await.into_iter().collect()))
            }
            (Action::Unchanged, _) => Ok((Applied::Unchanged, Vec::new())),
            (Action::Refuse { code, why }, _) => {
                let issue = Issue::error(Stage::Apply, code, why).about(step.object.clone());
                Ok((Applied::Failed, vec![issue]))
            }
            (Action::Recreate { .. }, _) => {
                self.recreate(step, live, wanted).await.map(|issues| (Applied::Updated, issues))
            }
            (_, Some(target)) => {
                self.cluster.replace(&step.object, &object(&target)?, Part::Main, self.options).await?;
                // The plan has told what it knew already.
                Ok((Applied::Updated, Vec::new()))
            }
            _ => Ok((Applied::Skipped, issue.into_iter().collect())),
        }
    }

    fn settle(&self, step: &Step, live: &Object, wanted: &Wanted) -> Settled {
        let parts = (self.transforms, self.asked, self.existing);
        match &wanted.source {
            // Whatever a namespace looks like that only has to be there, it is there.
            None => Settled::of(Action::Unchanged),
            Some(source) => {
                let is_others = is_others(step, source, &wanted.value, parts);
                self.existing.settle(&step.object, &live.to_value(), &wanted.value, is_others)
            }
        }
    }

    async fn recreate(&self, step: &Step, live: &Object, wanted: &Wanted) -> Result<Vec<Issue>, Failure> {
        let propagation =
            if owns_only_copies(&step.object.gvr) { Propagation::Background } else { Propagation::Orphan };
        let options = DeleteOptions {
            uid: Some(live.meta().uid.clone()),
            propagation: Some(propagation),
            dry_run: self.options.dry_run,
        };
        self.cluster.delete(&step.object, &options).await?;
        if self.options.dry_run {
            return Ok(Vec::new());
        }
        self.await_end(&step.object).await?;
        self.try_create(step, wanted).await?.ok_or_else(|| changing(&step.object).into())
    }

    async fn await_end(&self, object: &ObjectRef) -> Result<(), Failure> {
        if self.options.dry_run {
            return Ok(());
        }
        let limit = self.run.bounds().wait_max;
        match self.cluster.wait(object, &Condition::Gone, limit).await? {
            Waited::Met => Ok(()),
            Waited::TimedOut => {
                let held = self.cluster.get(object).await.ok().flatten().map_or(String::new(), |live| held_by(&live));
                let seconds = limit.as_secs();
                let why = format!("one of that name is being deleted, and was not gone after {seconds} s{held}");
                Err(Failure::StillThere(why))
            }
        }
    }

    /// Who names this object as its owner needs its uid.
    fn learn(&self, step: &Step, live: &Object) {
        if let Some(source) = &step.source {
            self.owners.learn(&source.uid, &live.meta().uid);
        }
    }
}

impl Written {
    fn new(result: Applied, issues: Vec<Issue>) -> Self {
        Self { result, issues, owners: None, may_pass: false }
    }

    /// It failed for good.
    pub(super) fn failed(issue: Issue) -> Self {
        Self::new(Applied::Failed, vec![issue])
    }
}

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        Self::Server(error)
    }
}

impl From<NoDisk> for Failure {
    fn from(error: NoDisk) -> Self {
        Self::NoDisk(error)
    }
}

impl Failure {
    /// Whether the server, or the way to it, was not up to it: the port has tried more than once by now. A wait that was
    /// too short is not among it: another one would be as long.
    fn may_pass(&self) -> bool {
        use ClusterErrorKind::{BadResponse, Throttled, Timeout, Unavailable};
        match self {
            Self::Server(error) => matches!(error.kind(), Throttled | Unavailable | Timeout | BadResponse),
            Self::NoDisk(error) => error.may_pass(),
            Self::StillThere(_) => false,
        }
    }

    fn is_conflict(&self) -> bool {
        matches!(self, Self::Server(error) if error.kind() == ClusterErrorKind::Conflict)
    }

    fn told(self, object: &ObjectRef) -> Issue {
        match self {
            Self::Server(error) => rejected(&error, object),
            Self::StillThere(why) => Issue::error(Stage::Apply, Code::WaitTimedOut, why).about(object.clone()),
            Self::NoDisk(error) => Issue::error(Stage::Volume, error.code(), error.to_string()).about(object.clone()),
        }
    }
}

/// Whether there was nothing in the place of the object when the restore was planned.
pub(super) fn creates(step: &Step) -> bool {
    matches!(step.action, Action::Create | Action::CreateWhenGone)
}

fn object(value: &Value) -> ClusterResult<Object> {
    Object::from_value(value).map_err(|error| ClusterError::new(ClusterErrorKind::Invalid, error.to_string()))
}

/// A namespace that the backup does not hold, and that its objects need.
fn namespace(at: &ObjectRef) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": at.name } })
}

/// What keeps an object that is being deleted, as far as it says so itself.
fn held_by(live: &Object) -> String {
    let live = live.to_value();
    let conditions = live.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    let told = conditions.filter(|condition| condition["status"] == "True");
    let messages: Vec<&str> = told.filter_map(|condition| condition["message"].as_str()).collect();
    if messages.is_empty() { String::new() } else { format!(": {}", messages.join("; ").replace('\n', " ")) }
}

fn changing(at: &ObjectRef) -> ClusterError {
    let message = format!("{at} comes and goes: somebody else writes it at the same time");
    ClusterError::new(ClusterErrorKind::Conflict, message)
}

/// What the server has against the object, in its own words.
fn rejected(error: &ClusterError, object: &ObjectRef) -> Issue {
    let immutable: Vec<&str> =
        error.fields().iter().filter(|field| field.message.contains("immutable")).map(|field| &*field.field).collect();
    let code = match error.kind() {
        ClusterErrorKind::Forbidden | ClusterErrorKind::Unauthenticated => Code::Forbidden,
        ClusterErrorKind::NotFound => Code::NotFound,
        ClusterErrorKind::Unavailable
        | ClusterErrorKind::Throttled
        | ClusterErrorKind::Timeout
        | ClusterErrorKind::BadResponse => Code::Unavailable,
        _ if !immutable.is_empty() => Code::Immutable,
        _ => Code::Rejected,
    };
    let message = match code {
        Code::Immutable => format!("{} can't be changed ({error}): recreate it to change that", immutable.join(", ")),
        _ => error.to_string(),
    };
    Issue::error(Stage::Apply, code, message).about(object.clone())
}
