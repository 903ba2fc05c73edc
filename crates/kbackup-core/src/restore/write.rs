//! One object on its way into the cluster.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::hooks::CreatedPods;
use super::plan::{Action, Source, Step};
use super::relink::Owners;
use crate::action::{Decision, Transformed, Transforms, wanted_status};
use crate::cluster::{
    ClusterError, ClusterErrorKind, ClusterResult, ClusterWriter, Condition, Created, Part, Patch, Waited, WriteOptions,
};
use crate::issue::{Code, Issue, Stage};
use crate::model::{Gvr, Object, ObjectRef, ResourceType};
use crate::report::{Applied, ObjectResult};
use crate::run::Run;
use crate::spec::RestoreSpec;

/// How many times an object that was refused is written again with something given up: an object has a handful of such
/// fields, and the server may name them one by one.
const GIVEN_UP_MAX: usize = 8;

/// What every write of a wave needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Write<'a> {
    pub(super) cluster: &'a dyn ClusterWriter,
    pub(super) transforms: &'a Transforms,
    pub(super) spec: &'a RestoreSpec,
    /// The types whose status is restored.
    pub(super) status: &'a BTreeSet<String>,
    pub(super) types: &'a HashMap<Gvr, Arc<ResourceType>>,
    pub(super) owners: &'a Owners,
    /// Where pods are told of in which commands are to run.
    pub(super) created: &'a CreatedPods,
    pub(super) run: &'a Run,
}

/// What became of a step.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) result: ObjectResult,
    pub(super) issues: Vec<Issue>,
}

/// What the transforms make of an object.
#[derive(Debug)]
pub(super) enum Prepared {
    /// It is written like this, and gets this status afterwards.
    Write(Value, Option<Value>, Vec<Issue>),
    /// It is left out, for this reason.
    Skip(String),
    /// It can't be restored.
    Refuse(Issue),
}

/// Runs the transforms. Pure: the plan and the apply that follows it agree. `status` has the types whose status is restored.
pub(super) fn prepare(
    step: &Step,
    object: &Object,
    transforms: &Transforms,
    (spec, status): (&RestoreSpec, &BTreeSet<String>),
) -> Prepared {
    let mut value = object.to_value();
    let Some(source) = &step.source else { return Prepared::Write(value, None, Vec::new()) };
    let status = wanted_status(&value, status.contains(&source.gvr.group_resource())).cloned();
    match transforms.apply(&source.object(object), &mut value, spec) {
        Ok(Transformed { decision: Decision::Keep, issues }) => Prepared::Write(value, status, issues),
        Ok(Transformed { decision: Decision::Skip(why), .. }) => Prepared::Skip(why.into_owned()),
        Err(error) => {
            let issue = Issue::error(Stage::Transform, Code::TransformFailed, error.to_string());
            Prepared::Refuse(issue.about(step.object.clone()))
        }
    }
}

impl Source {
    /// The object by its names in the backup.
    fn object(&self, object: &Object) -> ObjectRef {
        self.named(&object.meta().name)
    }

    fn named(&self, name: &str) -> ObjectRef {
        ObjectRef { gvr: Gvr::clone(&self.gvr), namespace: self.namespace.clone(), name: name.to_owned() }
    }
}

/// Gives an object its status. That it can't be had is worth knowing, and no failure: whoever keeps it writes it anew.
async fn restore_status(cluster: &dyn ClusterWriter, at: &ObjectRef, status: Value) -> Option<Issue> {
    let patch = Patch::Merge(json!({ "status": status }));
    let patched = cluster.patch(at, &patch, Part::Status, &WriteOptions::default()).await;
    let message = |error: ClusterError| format!("its status could not be restored ({error})");
    patched.err().map(|error| Issue::warning(Stage::Apply, Code::Rejected, message(error)).about(at.clone()))
}

impl Write<'_> {
    /// Writes the object of one step; `bytes` is its JSON in the backup.
    pub(super) async fn step(self, step: &Step, bytes: Option<Bytes>) -> Result<Written, super::RestoreError> {
        let (mut object, status) = match bytes {
            None => (namespace(&step.object), None),
            Some(bytes) => match self.prepared(step, bytes) {
                Ok(prepared) => prepared,
                Err((result, issues)) => return Ok(Written::new(step, result, issues)),
            },
        };
        self.owners.link(&step.object, &mut object);
        let (result, mut issues) = match self.create_what_can_be(step, &mut object).await {
            Ok(written) => written,
            Err(error) => (Applied::Failed, vec![rejected(&error, &step.object)]),
        };
        if result == Applied::Created
            && let Some(status) = status
        {
            issues.extend(restore_status(self.cluster, &step.object, status).await);
        }
        Ok(Written::new(step, result, issues))
    }

    /// Creates the object; where the server refuses it for something that it can choose itself, without that.
    async fn create_what_can_be(&self, step: &Step, object: &mut Value) -> ClusterResult<(Applied, Vec<Issue>)> {
        let mut given_up = Vec::new();
        loop {
            let refusal = match self.create(step, object).await {
                // Nothing was given up where the object turns out to be there.
                Ok(Applied::Created) => return Ok((Applied::Created, given_up)),
                Ok(result) => return Ok((result, Vec::new())),
                Err(refusal) => refusal,
            };
            let Some(source) = step.source.as_ref().filter(|_| given_up.len() < GIVEN_UP_MAX) else {
                return Err(refusal);
            };
            let source = source.named(&step.object.name);
            let issue = self.transforms.on_refusal((&source, &step.object), object, &refusal);
            given_up.push(issue.ok_or(refusal)?);
        }
    }

    /// The object as it is written, and the status that it gets afterwards.
    fn prepared(&self, step: &Step, bytes: Bytes) -> Result<(Value, Option<Value>), (Applied, Vec<Issue>)> {
        let object = Object::parse(bytes).map_err(|error| {
            let issue = Issue::error(Stage::Fetch, Code::Damaged, error.to_string()).about(step.object.clone());
            (Applied::Failed, vec![issue])
        })?;
        match prepare(step, &object, self.transforms, (self.spec, self.status)) {
            Prepared::Write(value, status, _) => Ok(self.with_status(step, value, status)),
            Prepared::Skip(_) => Err((Applied::Skipped, Vec::new())),
            // The plan has said why.
            Prepared::Refuse(_) => Err((Applied::Failed, Vec::new())),
        }
    }

    /// A type without a status subresource has it among its other fields: it goes into the same write.
    fn with_status(&self, step: &Step, mut value: Value, status: Option<Value>) -> (Value, Option<Value>) {
        let in_one_write = self.types.get(&step.object.gvr).is_some_and(|ty| !ty.has_status);
        match status {
            Some(status) if in_one_write => {
                value["status"] = status;
                (value, None)
            }
            status => (value, status),
        }
    }

    async fn create(&self, step: &Step, object: &Value) -> ClusterResult<Applied> {
        let not_served = || {
            let message = format!("the cluster does not serve {}", step.object.gvr);
            ClusterError::new(ClusterErrorKind::NotFound, message)
        };
        let ty = self.types.get(&step.object.gvr).ok_or_else(not_served)?;
        if step.action == Action::CreateWhenGone {
            self.await_end(&step.object).await?;
        }
        let object = Object::from_value(object)
            .map_err(|error| ClusterError::new(ClusterErrorKind::Invalid, error.to_string()))?;
        match self.cluster.create(ty, &object, &WriteOptions::default()).await? {
            Created::New(created) => {
                self.learn(step, &created);
                let namespace = step.source.as_ref().and_then(|source| source.namespace.as_deref());
                self.created.see(&step.object, namespace, &created);
                Ok(Applied::Created)
            }
            Created::Exists => {
                self.meet(step).await?;
                Ok(Applied::Skipped)
            }
        }
    }

    async fn await_end(&self, object: &ObjectRef) -> ClusterResult<()> {
        let limit = self.run.bounds().wait_max;
        match self.cluster.wait(object, &Condition::Gone, limit).await? {
            Waited::Met => Ok(()),
            Waited::TimedOut => {
                let message =
                    format!("one of that name is being deleted, and was not gone after {} s", limit.as_secs());
                Err(ClusterError::new(ClusterErrorKind::Timeout, message))
            }
        }
    }

    /// An owner that appeared since the plan was made: who names it needs its uid.
    async fn meet(&self, step: &Step) -> ClusterResult<()> {
        if step.source.as_ref().is_some_and(|source| self.owners.is_owner(&source.uid))
            && let Some(found) = self.cluster.get(&step.object).await?
        {
            self.learn(step, &found);
        }
        Ok(())
    }

    fn learn(&self, step: &Step, live: &Object) {
        if let Some(source) = &step.source {
            self.owners.learn(&source.uid, &live.meta().uid);
        }
    }
}

impl Written {
    fn new(step: &Step, result: Applied, issues: Vec<Issue>) -> Self {
        Self { result: ObjectResult { object: step.object.clone(), result }, issues }
    }
}

/// A namespace that the backup does not hold, and that its objects need.
fn namespace(at: &ObjectRef) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": at.name } })
}

/// What the server has against the object, in its own words.
fn rejected(error: &ClusterError, object: &ObjectRef) -> Issue {
    let code = match error.kind() {
        ClusterErrorKind::Forbidden | ClusterErrorKind::Unauthenticated => Code::Forbidden,
        ClusterErrorKind::NotFound => Code::NotFound,
        ClusterErrorKind::Timeout => Code::WaitTimedOut,
        ClusterErrorKind::Unavailable | ClusterErrorKind::Throttled | ClusterErrorKind::BadResponse => {
            Code::Unavailable
        }
        _ => Code::Rejected,
    };
    Issue::error(Stage::Apply, code, error.to_string()).about(object.clone())
}
