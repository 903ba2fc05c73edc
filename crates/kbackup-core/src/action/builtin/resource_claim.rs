//! ResourceClaims: those made from the template of a Pod are made again for the restored Pod.

use serde_json::Value;

use super::is;
use crate::action::json::annotation;
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::model::Gvr;

#[derive(Debug)]
pub(super) struct ResourceClaim;

impl RestoreTransform for ResourceClaim {
    fn name(&self) -> &'static str {
        "resourceclaim"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "resourceclaims", "resource.k8s.io")
    }

    fn transform(&self, object: &mut Value, _: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        if annotation(object, "resource.kubernetes.io/pod-claim-name").is_some() {
            return Ok(Decision::skip("a controller makes it from the template that a Pod names"));
        }
        Ok(Decision::Keep)
    }
}
