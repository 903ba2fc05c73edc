//! A binding needs the role that it gives, and is needed by the ServiceAccounts that it gives it to.
//! <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#rolebinding-and-clusterrolebinding>

use serde_json::Value;

use super::service_account::mention;
use super::{ActionError, BackupAction, Related, is, items};
use crate::model::{Gvr, ObjectRef};

const ROLES: &str = "roles.rbac.authorization.k8s.io";
const CLUSTER_ROLES: &str = "clusterroles.rbac.authorization.k8s.io";
const GROUP: &str = "rbac.authorization.k8s.io";

#[derive(Debug)]
pub(super) struct RoleBinding;

#[derive(Debug)]
pub(super) struct ClusterRoleBinding;

impl BackupAction for RoleBinding {
    fn name(&self) -> &'static str {
        "role-binding"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "rolebindings", GROUP)
    }

    fn targets(&self) -> &'static [&'static str] {
        &[ROLES, CLUSTER_ROLES]
    }

    fn related(&self, at: &ObjectRef, object: &Value, related: &mut Related) -> Result<(), ActionError> {
        binding(at, object, related);
        Ok(())
    }
}

impl BackupAction for ClusterRoleBinding {
    fn name(&self) -> &'static str {
        "cluster-role-binding"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "clusterrolebindings", GROUP)
    }

    fn targets(&self) -> &'static [&'static str] {
        &[CLUSTER_ROLES]
    }

    fn related(&self, at: &ObjectRef, object: &Value, related: &mut Related) -> Result<(), ActionError> {
        binding(at, object, related);
        Ok(())
    }
}

fn binding(at: &ObjectRef, object: &Value, related: &mut Related) {
    let role = &object["roleRef"];
    match role["kind"].as_str() {
        Some("ClusterRole") => related.of_cluster(CLUSTER_ROLES, &role["name"]),
        Some("Role") => related.in_namespace(ROLES, at, &role["name"]),
        _ => {}
    }
    for subject in items(&object["subjects"]).filter(|subject| subject["kind"] == "ServiceAccount") {
        // The subject of a RoleBinding may leave its namespace out: it is the binding's own then.
        let namespace = subject["namespace"].as_str().or(at.namespace.as_deref());
        if let (Some(namespace), Some(name)) = (namespace, subject["name"].as_str()) {
            related.mentions(mention(namespace, name));
        }
    }
}
