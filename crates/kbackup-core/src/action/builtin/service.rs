//! Services: addresses and ports that the old cluster chose are chosen anew.

use serde_json::Value;

use super::is;
use super::node_ports::remove_chosen_node_ports;
use crate::action::json::{remove, text};
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::model::Gvr;

#[derive(Debug)]
pub(super) struct Service;

impl RestoreTransform for Service {
    fn name(&self) -> &'static str {
        "service"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "services", "")
    }

    fn transform(&self, object: &mut Value, context: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        if context.source.name == "kubernetes" && context.source.namespace.as_deref() == Some("default") {
            return Ok(Decision::skip("it is the API server's own, which every cluster has"));
        }
        // "None" is the user's word for a headless Service; anything else was given out by the old cluster.
        if text(object, "/spec/clusterIP") != Some("None") {
            remove(object, "/spec", &["clusterIP", "clusterIPs"]);
        }
        if !context.spec.preserve_node_ports {
            remove_chosen_node_ports(object);
        }
        Ok(Decision::Keep)
    }
}
