//! APIServices: those of aggregated APIs only.

use serde_json::Value;

use super::is;
use crate::action::json::{label, map_namespace};
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::model::Gvr;

#[derive(Debug)]
pub(super) struct ApiService;

impl RestoreTransform for ApiService {
    fn name(&self) -> &'static str {
        "apiservice"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "apiservices", "apiregistration.k8s.io")
    }

    fn transform(&self, object: &mut Value, context: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        if label(object, "kube-aggregator.kubernetes.io/automanaged").is_some() {
            return Ok(Decision::skip("the API server makes it for each group that it serves itself"));
        }
        map_namespace(object, "/spec/service/namespace", context);
        Ok(Decision::Keep)
    }
}
