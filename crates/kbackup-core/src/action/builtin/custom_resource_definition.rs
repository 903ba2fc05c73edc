//! CustomResourceDefinitions: fit for `apiextensions.k8s.io/v1`, with their conversion webhook where it is now.

use serde_json::{Value, json};

use super::is;
use crate::action::json::{elements_mut, map_namespace, text};
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::model::{Gvr, ObjectRef};

#[derive(Debug)]
pub(super) struct CustomResourceDefinition;

impl RestoreTransform for CustomResourceDefinition {
    fn name(&self) -> &'static str {
        "customresourcedefinition"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "customresourcedefinitions", "apiextensions.k8s.io")
    }

    fn transform(&self, object: &mut Value, context: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        map_namespace(object, "/spec/conversion/webhook/clientConfig/service/namespace", context);
        if object.pointer("/spec/preserveUnknownFields") == Some(&Value::Bool(true)) {
            keep_unknown_fields(object);
        }
        Ok(Decision::Keep)
    }
}

/// The definition of a type; a built-in one has none.
#[must_use]
pub fn definition_of(ty: &Gvr) -> ObjectRef {
    ObjectRef::cluster(Gvr::new("apiextensions.k8s.io", "v1", "customresourcedefinitions"), &ty.group_resource())
}

/// Whether an object of one version becomes one of another by its `apiVersion` alone: then the API server converts so too,
/// and an object can be created through whichever version is served.
#[must_use]
pub fn converts_by_renaming(definition: &Value) -> bool {
    matches!(text(definition, "/spec/conversion/strategy"), None | Some("None"))
}

/// An old definition may say for the whole type that unknown fields are kept. v1 reads that but refuses to create it; each
/// version's schema says the same in its own way
/// (<https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#field-pruning>).
fn keep_unknown_fields(definition: &mut Value) {
    definition["spec"]["preserveUnknownFields"] = false.into();
    for version in elements_mut(definition, "/spec/versions").filter(|version| version.is_object()) {
        if version.pointer("/schema/openAPIV3Schema").is_none_or(|schema| !schema.is_object()) {
            version["schema"] = json!({"openAPIV3Schema": {"type": "object"}});
        }
        version["schema"]["openAPIV3Schema"]["x-kubernetes-preserve-unknown-fields"] = true.into();
    }
}
