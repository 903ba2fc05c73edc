//! The rules of a restore that a user wrote, as the last transform.

use serde_json::Value;

use super::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::issue::Code;
use crate::model::Gvr;
use crate::modifier::{Modifiers, Target};

/// Applies a user's rules.
#[derive(Debug)]
pub(super) struct Modify(pub(super) Modifiers);

impl RestoreTransform for Modify {
    fn name(&self) -> &'static str {
        "resource-modifiers"
    }

    fn applies_to(&self, _: &Gvr) -> bool {
        true
    }

    fn transform(&self, object: &mut Value, context: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        let source = context.source;
        let target = Target { ty: &source.gvr, namespace: source.namespace.as_deref(), name: &source.name };
        for why in self.0.apply(&target, object) {
            context.error(Code::TransformFailed, format!("resource modifiers: {why}"));
        }
        Ok(Decision::Keep)
    }
}
