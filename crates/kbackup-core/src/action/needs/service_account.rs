//! A ServiceAccount needs the bindings that give it its rights, and the Secrets that it names.
//! <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects>

use serde_json::Value;

use super::{ActionError, BackupAction, Related, is, items};
use crate::model::{Gvr, ObjectRef};

#[derive(Debug)]
pub(super) struct ServiceAccount;

/// How bindings mention a ServiceAccount.
pub(super) fn mention(namespace: &str, name: &str) -> String {
    format!("serviceaccount/{namespace}/{name}")
}

impl BackupAction for ServiceAccount {
    fn name(&self) -> &'static str {
        "service-account"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "serviceaccounts", "")
    }

    fn targets(&self) -> &'static [&'static str] {
        &["clusterrolebindings.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io", "secrets"]
    }

    fn related(&self, at: &ObjectRef, object: &Value, related: &mut Related) -> Result<(), ActionError> {
        let Some(namespace) = at.namespace.as_deref() else { return Ok(()) };
        for bindings in ["clusterrolebindings.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io"] {
            related.mentioned_by(bindings, mention(namespace, &at.name));
        }
        for secrets in ["secrets", "imagePullSecrets"] {
            items(&object[secrets]).for_each(|secret| related.in_namespace("secrets", at, &secret["name"]));
        }
        Ok(())
    }
}
