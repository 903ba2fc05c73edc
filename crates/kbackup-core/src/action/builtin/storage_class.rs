//! Whatever names a storage class: the class has another name in the target.

use serde_json::Value;

use super::is;
use crate::action::json::{elements, elements_mut, text};
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

/// A storage class that an object names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedClass {
    /// Its name.
    pub name: String,
    /// Whether a volume is to be made by it. Otherwise it is only what a volume and its claim have in common.
    pub provisions: bool,
}

/// The type of storage classes.
#[must_use]
pub fn storage_classes() -> Gvr {
    Gvr::new("storage.k8s.io", "v1", "storageclasses")
}

/// The storage classes that an object of this type names: a volume, a claim, or whatever has templates of claims.
#[must_use]
pub fn named_classes(ty: &Gvr, object: &Value) -> Vec<NamedClass> {
    if !StorageClassName.applies_to(ty) {
        return Vec::new();
    }
    let is_volume = is(ty, "persistentvolumes", "");
    let named = |claim: &Value| {
        let name = PLACES.iter().rev().find_map(|place| text(claim, place)).filter(|name| !name.is_empty())?;
        let is_bound = text(claim, "/spec/volumeName").is_some_and(|volume| !volume.is_empty());
        Some(NamedClass { name: name.to_owned(), provisions: !is_volume && !is_bound })
    };
    let templates = elements(object, "/spec/volumeClaimTemplates").filter_map(named);
    named(object).into_iter().chain(templates).collect()
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
