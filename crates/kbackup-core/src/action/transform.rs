//! The extension point: how one transform changes one object.

use std::borrow::Cow;
use std::fmt::Debug;

use serde_json::Value;

use crate::cluster::ClusterError;
use crate::issue::{Code, Issue, Stage};
use crate::model::{Gvr, ObjectRef};
use crate::spec::RestoreSpec;
use crate::volume::VolumeFates;

/// Changes objects of a backup on their way into a cluster, or leaves them out.
///
/// # Contract
/// - **Pure**: the result depends on the object and the context alone. A plan and its apply must agree.
/// - **Idempotent**: an object that went through is not changed by going through again.
/// - The built-in transforms run first, so an own one sees the object as it would be written: without `status`,
///   `metadata.uid` and what else belonged to the old cluster, and with the namespace of the target. What it changes is
///   written as it is.
/// - What the object says is taken as it comes. A field of another shape than expected is left alone: judging it is the
///   API server's task.
///
/// ```
/// use kbackup_core::action::{Decision, RestoreTransform, TransformContext, TransformError, Transforms};
/// use kbackup_core::model::Gvr;
/// use serde_json::Value;
///
/// /// Restored Deployments start without Pods.
/// #[derive(Debug)]
/// struct Paused;
///
/// impl RestoreTransform for Paused {
///     fn name(&self) -> &'static str {
///         "paused"
///     }
///     fn applies_to(&self, ty: &Gvr) -> bool {
///         ty.group_resource() == "deployments.apps"
///     }
///     fn transform(&self, object: &mut Value, _: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
///         object["spec"]["replicas"] = 0.into();
///         Ok(Decision::Keep)
///     }
/// }
///
/// let transforms = Transforms::builtin().with(Paused);
/// assert_eq!(transforms.names().last(), Some("paused"));
/// ```
pub trait RestoreTransform: Debug + Send + Sync + 'static {
    /// Its name in messages and in [`Transforms::without`](super::Transforms::without): lower case, unique.
    fn name(&self) -> &'static str;

    /// Whether it has anything to do with objects of this type.
    fn applies_to(&self, ty: &Gvr) -> bool;

    /// Changes one object, or decides that it is left out.
    ///
    /// # Errors
    /// Where the object can neither be restored nor left out in good faith: it is then reported and not restored.
    fn transform(&self, object: &mut Value, context: &mut TransformContext<'_>) -> Result<Decision, TransformError>;

    /// Gives up what the server refused the object for, where the server can choose something else itself: a node port that
    /// is taken. Says what was given up, as a whole sentence without its subject; the object is then written again. `None`:
    /// nothing can be given up. The default.
    ///
    /// A change must bring an end nearer: what was given up once is not there to be given up again.
    fn on_refusal(&self, object: &mut Value, refusal: &ClusterError) -> Option<String> {
        _ = (object, refusal);
        None
    }

    /// What a restore adds to an object that exists and differs, also where existing objects are left as they are: for
    /// objects that a controller makes before a restore can. `wanted` is what would have been created. `None` for nothing,
    /// which is what nearly all kinds want.
    fn complete(&self, live: &Value, wanted: &Value) -> Option<Value> {
        let _ = (live, wanted);
        None
    }
}

/// What a transform decides about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It is restored as it is now.
    Keep,
    /// It is left out. The reason ends a sentence about the object: "left out: ...".
    Skip(Cow<'static, str>),
}

/// What a transform may know beside the object.
#[derive(Debug)]
pub struct TransformContext<'a> {
    /// What was asked for.
    pub spec: &'a RestoreSpec,
    /// The object by its names in the backup.
    pub source: &'a ObjectRef,
    /// What becomes of the PersistentVolumes of the backup.
    pub volumes: &'a VolumeFates,
    issues: Vec<Issue>,
}

/// Why an object could not be transformed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the transform \"{transform}\" failed: {why}")]
pub struct TransformError {
    pub(super) transform: &'static str,
    pub(super) why: String,
}

/// The names that an object of a backup gets in the target: the namespace mapping holds for the namespace that it is in,
/// and for the name of a Namespace.
#[must_use]
pub fn target_of(source: &ObjectRef, spec: &RestoreSpec) -> ObjectRef {
    let renamed = source.gvr.group.is_empty() && source.gvr.plural == "namespaces";
    ObjectRef {
        gvr: source.gvr.clone(),
        namespace: source.namespace.as_deref().map(|namespace| spec.target_namespace(namespace).to_owned()),
        name: if renamed { spec.target_namespace(&source.name) } else { &source.name }.to_owned(),
    }
}

impl Decision {
    /// The object is left out, for this reason.
    pub(super) fn skip(why: &'static str) -> Self {
        Self::Skip(why.into())
    }
}

impl<'a> TransformContext<'a> {
    /// The context of one object.
    #[must_use]
    pub fn new(spec: &'a RestoreSpec, source: &'a ObjectRef) -> Self {
        static NONE: VolumeFates = VolumeFates::new();
        Self { spec, source, volumes: &NONE, issues: Vec::new() }
    }

    /// The same, where this becomes of the PersistentVolumes.
    #[must_use]
    pub fn volumes(self, volumes: &'a VolumeFates) -> Self {
        Self { volumes, ..self }
    }

    /// Reports something that whoever reads the report should know about the object. It is restored all the same.
    pub fn warn(&mut self, code: Code, message: impl Into<String>) {
        let object = target_of(self.source, self.spec);
        self.issues.push(Issue::warning(Stage::Transform, code, message).about(object));
    }

    /// Reports something that was asked for and could not be done to the object. It is restored all the same.
    pub fn error(&mut self, code: Code, message: impl Into<String>) {
        let object = target_of(self.source, self.spec);
        self.issues.push(Issue::error(Stage::Transform, code, message).about(object));
    }

    /// What was reported.
    #[must_use]
    pub fn into_issues(self) -> Vec<Issue> {
        self.issues
    }
}

impl TransformError {
    /// For this reason, in one line and without data of the object.
    #[must_use]
    pub fn new(why: impl Into<String>) -> Self {
        Self { transform: "", why: why.into() }
    }
}
