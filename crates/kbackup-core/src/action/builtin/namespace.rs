//! Namespaces: they get their name in the target.

use serde_json::Value;

use super::is;
use crate::action::json::{label, map_namespace, remove_entries};
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::model::Gvr;

/// Always the name of the namespace (<https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-metadata-name>).
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

#[derive(Debug)]
pub(super) struct Namespace;

impl RestoreTransform for Namespace {
    fn name(&self) -> &'static str {
        "namespace"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "namespaces", "")
    }

    fn transform(&self, object: &mut Value, context: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        map_namespace(object, "/metadata/name", context);
        if label(object, NAME_LABEL).is_some() {
            object["metadata"]["labels"][NAME_LABEL] = object["metadata"]["name"].clone();
        }
        // The server sets the finalizer that its own deletion needs; one of another cluster has nobody to remove it.
        remove_entries(object, "", "spec", &["finalizers"]);
        Ok(Decision::Keep)
    }
}
