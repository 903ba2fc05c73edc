//! A claim needs its volume and its class.
//! <https://kubernetes.io/docs/concepts/storage/persistent-volumes/>

use serde_json::Value;

use super::{ActionError, BackupAction, Related, is};
use crate::model::{Gvr, ObjectRef};

#[derive(Debug)]
pub(super) struct PersistentVolumeClaim;

impl BackupAction for PersistentVolumeClaim {
    fn name(&self) -> &'static str {
        "persistent-volume-claim"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "persistentvolumeclaims", "")
    }

    fn targets(&self) -> &'static [&'static str] {
        &["persistentvolumes", "storageclasses.storage.k8s.io", "volumeattributesclasses.storage.k8s.io"]
    }

    fn related(&self, _: &ObjectRef, object: &Value, related: &mut Related) -> Result<(), ActionError> {
        let spec = &object["spec"];
        related.of_cluster("persistentvolumes", &spec["volumeName"]);
        related.of_cluster("storageclasses.storage.k8s.io", &spec["storageClassName"]);
        related.of_cluster("volumeattributesclasses.storage.k8s.io", &spec["volumeAttributesClassName"]);
        Ok(())
    }
}
