//! Whatever names a storage class: the class has another name in the target.

use serde_json::Value;

use super::is;
use crate::action::json::elements_mut;
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::model::Gvr;

/// Where the class stands in a volume or a claim; the annotation is of clusters before 1.6, and still wins.
const PLACES: [&str; 2] = ["/spec/storageClassName", "/metadata/annotations/volume.beta.kubernetes.io~1storage-class"];

#[derive(Debug)]
pub(super) struct StorageClassName;

impl RestoreTransform for StorageClassName {
    fn name(&self) -> &'static str {
        "storageclassname"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "persistentvolumes", "") || is(ty, "persistentvolumeclaims", "") || is(ty, "statefulsets", "apps")
    }

    fn transform(&self, object: &mut Value, context: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        if context.spec.storage_class_mapping.is_empty() {
            return Ok(Decision::Keep);
        }
        rename(object, context);
        elements_mut(object, "/spec/volumeClaimTemplates").for_each(|claim| rename(claim, context));
        Ok(Decision::Keep)
    }
}

fn rename(object: &mut Value, context: &TransformContext<'_>) {
    for place in PLACES {
        if let Some(name) = object.pointer_mut(place)
            && let Some(new) = name.as_str().and_then(|name| context.spec.storage_class_mapping.get(name))
        {
            *name = new.as_str().into();
        }
    }
}
