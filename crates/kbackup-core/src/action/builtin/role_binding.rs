//! RoleBindings and ClusterRoleBindings: the accounts that they bind move with their namespaces.

use serde_json::Value;

use super::is;
use crate::action::json::{elements_mut, map_namespace};
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::model::Gvr;

#[derive(Debug)]
pub(super) struct RoleBinding;

impl RestoreTransform for RoleBinding {
    fn name(&self) -> &'static str {
        "rolebinding"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        let group = "rbac.authorization.k8s.io";
        is(ty, "rolebindings", group) || is(ty, "clusterrolebindings", group)
    }

    fn transform(&self, object: &mut Value, context: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        for subject in elements_mut(object, "/subjects") {
            map_namespace(subject, "/namespace", context);
            if let Some(name) = subject["name"].as_str().and_then(|name| mapped_name(name, context)) {
                subject["name"] = name.into();
            }
        }
        Ok(Decision::Keep)
    }
}

/// The names under which the API server knows ServiceAccounts as users and groups hold a namespace too
/// (<https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects>).
fn mapped_name(name: &str, context: &TransformContext<'_>) -> Option<String> {
    let target = |namespace| context.spec.target_namespace(namespace);
    if let Some(account) = name.strip_prefix("system:serviceaccount:") {
        let (namespace, account) = account.split_once(':')?;
        return Some(format!("system:serviceaccount:{}:{account}", target(namespace)));
    }
    let namespace = name.strip_prefix("system:serviceaccounts:")?;
    Some(format!("system:serviceaccounts:{}", target(namespace)))
}
