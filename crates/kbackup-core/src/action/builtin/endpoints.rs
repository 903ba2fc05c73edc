//! Endpoints and EndpointSlices: those that a controller derives from Services and Pods are left to it.

use serde_json::Value;

use super::is;
use crate::action::json::{annotation, elements, label};
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::model::Gvr;

#[derive(Debug)]
pub(super) struct Endpoints;

impl RestoreTransform for Endpoints {
    fn name(&self) -> &'static str {
        "endpoints"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "endpoints", "") || is(ty, "endpointslices", "discovery.k8s.io")
    }

    fn transform(&self, object: &mut Value, context: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        if context.source.name == "kubernetes" && context.source.namespace.as_deref() == Some("default") {
            return Ok(Decision::skip("it is the API server's own, which every cluster has"));
        }
        let derived = if context.source.gvr.group.is_empty() { is_derived(object) } else { is_derived_slice(object) };
        if derived {
            return Ok(Decision::skip("a controller makes it from a Service and its Pods"));
        }
        if annotation(object, "control-plane.alpha.kubernetes.io/leader").is_some() {
            return Ok(Decision::skip("it says who leads in the old cluster"));
        }
        Ok(Decision::Keep)
    }
}

/// The controller says so by a label (since 1.33) or leaves the time of its last change; before the first Pod, only the
/// manager of the fields shows that it was here.
fn is_derived(endpoints: &Value) -> bool {
    label(endpoints, "endpoints.kubernetes.io/managed-by") == Some("endpoint-controller")
        || annotation(endpoints, "endpoints.kubernetes.io/last-change-trigger-time").is_some()
        || elements(endpoints, "/metadata/managedFields").any(|entry| entry["manager"] == "kube-controller-manager")
}

/// <https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#management>
fn is_derived_slice(slice: &Value) -> bool {
    let manager = label(slice, "endpointslice.kubernetes.io/managed-by");
    matches!(manager, Some("endpointslice-controller.k8s.io" | "endpointslicemirroring-controller.k8s.io"))
}
