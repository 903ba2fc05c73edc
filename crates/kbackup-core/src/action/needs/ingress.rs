//! An Ingress needs its class, and the Secrets with its certificates.
//! <https://kubernetes.io/docs/concepts/services-networking/ingress/>

use serde_json::Value;

use super::{ActionError, BackupAction, Related, is, items};
use crate::model::{Gvr, ObjectRef};

#[derive(Debug)]
pub(super) struct Ingress;

impl BackupAction for Ingress {
    fn name(&self) -> &'static str {
        "ingress"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "ingresses", "networking.k8s.io")
    }

    fn targets(&self) -> &'static [&'static str] {
        &["ingressclasses.networking.k8s.io", "secrets"]
    }

    fn related(&self, at: &ObjectRef, object: &Value, related: &mut Related) -> Result<(), ActionError> {
        related.of_cluster("ingressclasses.networking.k8s.io", &object["spec"]["ingressClassName"]);
        // The annotation that came before the field, and is still in use.
        let annotation = &object["metadata"]["annotations"]["kubernetes.io/ingress.class"];
        related.of_cluster("ingressclasses.networking.k8s.io", annotation);
        items(&object["spec"]["tls"]).for_each(|tls| related.in_namespace("secrets", at, &tls["secretName"]));
        Ok(())
    }
}
