//! One object on its way into the cluster.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};

use super::plan::{Action, Source, Step};
use super::relink::Owners;
use crate::action::{Decision, Transformed, Transforms};
use crate::cluster::{
    ClusterError, ClusterErrorKind, ClusterResult, ClusterWriter, Condition, Created, Waited, WriteOptions,
};
use crate::issue::{Code, Issue, Stage};
use crate::model::{Gvr, Object, ObjectRef, ResourceType};
use crate::report::{Applied, ObjectResult};
use crate::run::Run;
use crate::spec::RestoreSpec;

/// What every write of a wave needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Write<'a> {
    pub(super) cluster: &'a dyn ClusterWriter,
    pub(super) transforms: &'a Transforms,
    pub(super) spec: &'a RestoreSpec,
    pub(super) types: &'a HashMap<Gvr, Arc<ResourceType>>,
    pub(super) owners: &'a Owners,
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
    /// It is written like this.
    Write(Value, Vec<Issue>),
    /// It is left out, for this reason.
    Skip(String),
    /// It can't be restored.
    Refuse(Issue),
}

/// Runs the transforms. Pure: the plan and the apply that follows it agree.
pub(super) fn prepare(step: &Step, object: &Object, transforms: &Transforms, spec: &RestoreSpec) -> Prepared {
    let Some(source) = &step.source else { return Prepared::Write(object.to_value(), Vec::new()) };
    let mut value = object.to_value();
    match transforms.apply(&source.object(object), &mut value, spec) {
        Ok(Transformed { decision: Decision::Keep, issues }) => Prepared::Write(value, issues),
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
        ObjectRef { gvr: Gvr::clone(&self.gvr), namespace: self.namespace.clone(), name: object.meta().name.clone() }
    }
}

impl Write<'_> {
    /// Writes the object of one step; `bytes` is its JSON in the backup.
    pub(super) async fn step(self, step: &Step, bytes: Option<Bytes>) -> Result<Written, super::RestoreError> {
        let object = match bytes {
            None => namespace(&step.object),
            Some(bytes) => match self.prepared(step, bytes) {
                Ok(value) => value,
                Err((result, issues)) => return Ok(Written::new(step, result, issues)),
            },
        };
        let mut object = object;
        self.owners.link(&step.object, &mut object);
        let written = match self.create(step, &object).await {
            Ok(result) => Written::new(step, result, Vec::new()),
            Err(error) => Written::new(step, Applied::Failed, vec![rejected(&error, &step.object)]),
        };
        Ok(written)
    }

    fn prepared(&self, step: &Step, bytes: Bytes) -> Result<Value, (Applied, Vec<Issue>)> {
        let object = Object::parse(bytes).map_err(|error| {
            let issue = Issue::error(Stage::Fetch, Code::Damaged, error.to_string()).about(step.object.clone());
            (Applied::Failed, vec![issue])
        })?;
        match prepare(step, &object, self.transforms, self.spec) {
            Prepared::Write(value, _) => Ok(value),
            Prepared::Skip(_) => Err((Applied::Skipped, Vec::new())),
            // The plan has said why.
            Prepared::Refuse(_) => Err((Applied::Failed, Vec::new())),
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
