//! Validating and mutating webhook configurations: called where their Services are now.

use serde_json::Value;

use super::is;
use crate::action::json::{elements_mut, map_namespace};
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::model::Gvr;

#[derive(Debug)]
pub(super) struct WebhookConfiguration;

impl RestoreTransform for WebhookConfiguration {
    fn name(&self) -> &'static str {
        "webhookconfiguration"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        let group = "admissionregistration.k8s.io";
        is(ty, "validatingwebhookconfigurations", group) || is(ty, "mutatingwebhookconfigurations", group)
    }

    fn transform(&self, object: &mut Value, context: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        for webhook in elements_mut(object, "/webhooks") {
            map_namespace(webhook, "/clientConfig/service/namespace", context);
            // v1 knows these two words only, and needs one; an object from v1beta1 may have another, or none.
            if webhook.is_object() && !matches!(webhook["sideEffects"].as_str(), Some("None" | "NoneOnDryRun")) {
                webhook["sideEffects"] = "None".into();
            }
        }
        Ok(Decision::Keep)
    }
}
