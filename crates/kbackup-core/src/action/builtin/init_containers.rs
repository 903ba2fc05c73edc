//! Pods: they get the init containers that a user asks for, in front of their own.

use serde_json::Value;

use super::is;
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::hook::RestoreHookRules;
use crate::issue::Code;
use crate::model::Gvr;

#[derive(Debug)]
pub(super) struct InitContainers;

impl RestoreTransform for InitContainers {
    fn name(&self) -> &'static str {
        "init-containers"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "pods", "")
    }

    fn transform(&self, object: &mut Value, context: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        let (added, wrong) =
            RestoreHookRules::new(&context.spec.hooks).init_containers(context.source.namespace.as_deref(), object);
        for why in wrong {
            context.error(Code::HookInvalid, why);
        }
        let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut).filter(|_| !added.is_empty()) else {
            return Ok(Decision::Keep);
        };
        let own = spec.remove("initContainers").and_then(|own| own.as_array().cloned()).unwrap_or_default();
        // A Pod that was restored with them before has them already.
        let is_added = |container: &Value| added.iter().any(|other| other["name"] == container["name"]);
        let rest: Vec<Value> = own.into_iter().filter(|container| !is_added(container)).collect();
        spec.insert("initContainers".to_owned(), added.iter().cloned().chain(rest).collect());
        Ok(Decision::Keep)
    }
}
