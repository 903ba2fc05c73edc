//! Every kind: what belonged to the old cluster goes, and the object gets its namespace in the target.

use serde_json::Value;

use crate::action::json::remove;
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::model::Gvr;

/// Fields that a server sets, and that it would refuse or ignore in a create. Kept are labels, annotations, finalizers,
/// `ownerReferences`, which the restore points to the new owners, and `managedFields`: a create gives all fields to its own
/// manager whatever the object says, so who wants the old managers back has to patch them in afterwards.
const SET_BY_THE_SERVER: &[&str] = &[
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

#[derive(Debug)]
pub(super) struct Metadata;

impl RestoreTransform for Metadata {
    fn name(&self) -> &'static str {
        "metadata"
    }

    fn applies_to(&self, _: &Gvr) -> bool {
        true
    }

    fn transform(&self, object: &mut Value, context: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        if object["metadata"]["deletionTimestamp"].is_string() {
            return Ok(Decision::skip("it was being deleted when the backup was taken"));
        }
        remove(object, "/metadata", SET_BY_THE_SERVER);
        remove(object, "", &["status"]);
        if let Some(namespace) = &context.source.namespace
            && let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
        {
            metadata.insert("namespace".to_owned(), context.spec.target_namespace(namespace).into());
        }
        Ok(Decision::Keep)
    }
}
