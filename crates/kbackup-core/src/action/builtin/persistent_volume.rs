//! PersistentVolumes: bound to the claim of the same name in the target.

use serde_json::{Map, Value};

use super::is;
use super::persistent_volume_claim::BINDING_ANNOTATIONS;
use crate::action::json::{map_namespace, remove, remove_annotations};
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::model::Gvr;
use crate::volume::VolumeFate;

/// What a PersistentVolume was called that has another name now.
const ORIGINAL_NAME: &str = "kbackup.dev/original-name";

#[derive(Debug)]
pub(super) struct PersistentVolume;

impl RestoreTransform for PersistentVolume {
    fn name(&self) -> &'static str {
        "persistentvolume"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "persistentvolumes", "")
    }

    fn transform(&self, object: &mut Value, context: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        match context.volumes.get(&context.source.name) {
            Some(VolumeFate::Nowhere { why }) => return Ok(Decision::Skip(why.clone().into())),
            Some(VolumeFate::Snapshot { name, .. }) if *name != context.source.name => rename(object, name),
            _ => {}
        }
        map_namespace(object, "/spec/claimRef/namespace", context);
        // The restored claim has another uid: with the old one, the volume would count as released and never bind.
        remove(object, "/spec/claimRef", &["uid", "resourceVersion"]);
        remove_annotations(object, BINDING_ANNOTATIONS);
        Ok(Decision::Keep)
    }
}

fn rename(object: &mut Value, name: &str) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let original = metadata.insert("name".to_owned(), name.into());
    let annotations = metadata.entry("annotations").or_insert_with(|| Value::Object(Map::new()));
    // Annotations of another shape are none.
    if let (Some(annotations), Some(original)) = (annotations.as_object_mut(), original.filter(|old| old != name)) {
        annotations.insert(ORIGINAL_NAME.to_owned(), original);
    }
}
