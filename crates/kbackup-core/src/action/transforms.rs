//! The chain of transforms.

use std::sync::Arc;

use serde_json::Value;

use super::builtin;
use super::modify::Modify;
use super::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::cluster::ClusterError;
use crate::issue::{Code, Issue, Stage};
use crate::model::{Gvr, ObjectRef};
use crate::spec::{RestoreSpec, Violations};

/// The transforms of a restore, in the order in which they run. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Transforms(Vec<Arc<dyn RestoreTransform>>);

/// What became of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transformed {
    /// Whether it is restored. The first transform that leaves it out ends the chain.
    pub decision: Decision,
    /// What is worth knowing about it; empty where it is left out.
    pub issues: Vec<Issue>,
}

impl Transforms {
    /// What kbackup knows about the kinds of Kubernetes. First the kinds, which see the object as it was backed up, then
    /// `metadata`, which removes from every object what belonged to the old cluster and sets its namespace.
    #[must_use]
    pub fn builtin() -> Self {
        Self(builtin::all())
    }

    /// With one more, after all others.
    #[must_use]
    pub fn with(mut self, transform: impl RestoreTransform) -> Self {
        self.0.push(Arc::new(transform));
        self
    }

    /// Without the one of that name; where there is none, nothing changes.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|transform| transform.name() != name);
        self
    }

    /// The chain of one restore: with what its spec asks for on top, the resource modifiers last.
    ///
    /// # Errors
    /// With what is wrong with the resource modifiers.
    pub fn of_restore(&self, spec: &RestoreSpec) -> Result<Self, Violations> {
        Ok(match spec.compiled_modifiers()? {
            Some(modifiers) => self.clone().with(Modify(modifiers)),
            None => self.clone(),
        })
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|transform| transform.name())
    }

    /// Whether these are the built-in ones, no more and no fewer.
    #[must_use]
    pub(crate) fn is_builtin(&self) -> bool {
        self.names().eq(Self::builtin().names())
    }

    /// What is added to an object that exists and differs, although existing objects are left as they are: see
    /// [`RestoreTransform::complete`].
    #[must_use]
    pub fn complete(&self, ty: &Gvr, live: &Value, wanted: &Value) -> Option<Value> {
        self.0
            .iter()
            .filter(|transform| transform.applies_to(ty))
            .find_map(|transform| transform.complete(live, wanted))
    }

    /// Runs the chain on one object. `source` is the object by its names in the backup.
    ///
    /// # Errors
    /// The first error of a transform, with its name. The object is then not fit to be written.
    pub fn apply(
        &self,
        source: &ObjectRef,
        object: &mut Value,
        spec: &RestoreSpec,
    ) -> Result<Transformed, TransformError> {
        self.apply_in(TransformContext::new(spec, source), object)
    }

    /// As [`Transforms::apply`], with all that the transforms may know.
    ///
    /// # Errors
    /// As [`Transforms::apply`].
    pub fn apply_in(
        &self,
        mut context: TransformContext<'_>,
        object: &mut Value,
    ) -> Result<Transformed, TransformError> {
        for transform in self.of_type(context.source) {
            let decision = transform
                .transform(object, &mut context)
                .map_err(|error| TransformError { transform: transform.name(), ..error })?;
            if matches!(decision, Decision::Skip(_)) {
                return Ok(Transformed { decision, issues: Vec::new() });
            }
        }
        Ok(Transformed { decision: Decision::Keep, issues: context.into_issues() })
    }
}

impl Transforms {
    /// What can be given up of an object that the server refused, so that the rest of it is restored: with an issue that
    /// says what. `source` is the object by its names in the backup, `target` by those in the target.
    pub fn on_refusal(
        &self,
        (source, target): (&ObjectRef, &ObjectRef),
        object: &mut Value,
        refusal: &ClusterError,
    ) -> Option<Issue> {
        let message = self.of_type(source).find_map(|transform| transform.on_refusal(object, refusal))?;
        Some(Issue::warning(Stage::Apply, Code::Reassigned, message).about(target.clone()))
    }

    fn of_type(&self, source: &ObjectRef) -> impl Iterator<Item = &Arc<dyn RestoreTransform>> {
        self.0.iter().filter(|transform| transform.applies_to(&source.gvr))
    }
}

impl Default for Transforms {
    fn default() -> Self {
        Self::builtin()
    }
}
