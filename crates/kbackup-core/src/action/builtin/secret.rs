//! Secrets: tokens of ServiceAccounts are valid in their own cluster only.

use serde_json::Value;

use super::is;
use super::service_account::is_generated_token;
use crate::action::json::{annotation, remove_annotations, remove_entries, text};
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::model::Gvr;

#[derive(Debug)]
pub(super) struct Secret;

impl RestoreTransform for Secret {
    fn name(&self) -> &'static str {
        "secret"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "secrets", "")
    }

    fn transform(&self, object: &mut Value, _: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        if text(object, "/type") != Some("kubernetes.io/service-account-token") {
            return Ok(Decision::Keep);
        }
        let account = annotation(object, "kubernetes.io/service-account.name").unwrap_or_default();
        if is_generated_token(text(object, "/metadata/name").unwrap_or_default(), account) {
            return Ok(Decision::skip("it is the token that the old cluster made for a ServiceAccount"));
        }
        // The token controller fills a Secret that somebody made for a token, and deletes one whose uid is not the account's.
        remove_entries(object, "", "data", &["token", "ca.crt", "namespace"]);
        remove_annotations(object, &["kubernetes.io/service-account.uid"]);
        Ok(Decision::Keep)
    }
}

/// Whether the data of such objects is nobody's business: it is neither printed nor put into a plan.
#[must_use]
pub fn is_confidential(ty: &Gvr) -> bool {
    is(ty, "secrets", "")
}
