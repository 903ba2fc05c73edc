//! PersistentVolumes: bound to the claim of the same name in the target.

use serde_json::Value;

use super::is;
use super::persistent_volume_claim::BINDING_ANNOTATIONS;
use crate::action::json::{map_namespace, remove, remove_annotations};
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::model::Gvr;

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
        map_namespace(object, "/spec/claimRef/namespace", context);
        // The restored claim has another uid: with the old one, the volume would count as released and never bind.
        remove(object, "/spec/claimRef", &["uid", "resourceVersion"]);
        remove_annotations(object, BINDING_ANNOTATIONS);
        Ok(Decision::Keep)
    }
}
