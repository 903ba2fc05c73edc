//! A Gateway needs its class.
//! <https://gateway-api.sigs.k8s.io/api-types/gateway/>

use serde_json::Value;

use super::{ActionError, BackupAction, Related, is};
use crate::model::{Gvr, ObjectRef};

#[derive(Debug)]
pub(super) struct Gateway;

impl BackupAction for Gateway {
    fn name(&self) -> &'static str {
        "gateway"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "gateways", "gateway.networking.k8s.io")
    }

    fn targets(&self) -> &'static [&'static str] {
        &["gatewayclasses.gateway.networking.k8s.io"]
    }

    fn related(&self, _: &ObjectRef, object: &Value, related: &mut Related) -> Result<(), ActionError> {
        related.of_cluster("gatewayclasses.gateway.networking.k8s.io", &object["spec"]["gatewayClassName"]);
        Ok(())
    }
}
