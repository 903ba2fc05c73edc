//! ConfigMaps: the certificate that every namespace has is the target's own.

use serde_json::Value;

use super::is;
use crate::action::json::text;
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::model::Gvr;

#[derive(Debug)]
pub(super) struct ConfigMap;

impl RestoreTransform for ConfigMap {
    fn name(&self) -> &'static str {
        "configmap"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "configmaps", "")
    }

    fn transform(&self, object: &mut Value, _: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        if text(object, "/metadata/name") == Some("kube-root-ca.crt") {
            return Ok(Decision::skip("a controller puts the cluster's own certificate into every namespace"));
        }
        Ok(Decision::Keep)
    }
}
