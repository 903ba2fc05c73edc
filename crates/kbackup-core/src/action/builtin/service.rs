//! Services: addresses and ports that the old cluster chose are chosen anew.

use serde_json::Value;

use super::allocations::{Asked, give_up, remove_chosen_ips, remove_chosen_node_ports};
use super::is;
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::cluster::ClusterError;
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
        let asked = Asked::of(object);
        remove_chosen_ips(object, &asked);
        if !context.spec.preserve_node_ports {
            remove_chosen_node_ports(object, &asked);
        }
        Ok(Decision::Keep)
    }

    fn on_refusal(&self, object: &mut Value, refusal: &ClusterError) -> Option<String> {
        give_up(object, refusal)
    }
}
