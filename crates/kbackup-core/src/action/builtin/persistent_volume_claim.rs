//! PersistentVolumeClaims: not bound yet, and not placed.

use serde_json::Value;

use super::is;
use crate::action::json::{remove, remove_annotations, text};
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::model::Gvr;
use crate::volume::VolumeFate;

/// What the binder noted on both sides of a binding. It binds again, from `volumeName` and `claimRef`.
pub(super) const BINDING_ANNOTATIONS: &[&str] =
    &["pv.kubernetes.io/bind-completed", "pv.kubernetes.io/bound-by-controller"];

/// Who is to make the volume, and on which machine: decided anew in the target.
const PROVISIONING_ANNOTATIONS: &[&str] = &[
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/selected-node",
];

/// Left by backups and restores of Velero, and about snapshots that this restore knows nothing of.
const VELERO_ANNOTATIONS: &[&str] = &[
    "velero.io/volume-snapshot-name",
    "velero.io/data-upload-name",
    "velero.io/csi-volumesnapshot-handle",
    "velero.io/csi-volumesnapshot-restore-size",
    "velero.io/csi-driver-name",
    "velero.io/csi-vsc-deletion-policy",
];

#[derive(Debug)]
pub(super) struct PersistentVolumeClaim;

impl RestoreTransform for PersistentVolumeClaim {
    fn name(&self) -> &'static str {
        "persistentvolumeclaim"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "persistentvolumeclaims", "")
    }

    fn transform(&self, object: &mut Value, context: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        remove_annotations(object, BINDING_ANNOTATIONS);
        remove_annotations(object, PROVISIONING_ANNOTATIONS);
        remove_annotations(object, VELERO_ANNOTATIONS);
        // A claim with a volume was filled long ago: from the source again, it would lose what was written since.
        if text(object, "/spec/volumeName").is_some_and(|volume| !volume.is_empty()) {
            remove(object, "/spec", &["dataSource", "dataSourceRef"]);
        }
        match text(object, "/spec/volumeName").and_then(|volume| context.volumes.get(volume)) {
            Some(VolumeFate::Snapshot { name, .. }) => object["spec"]["volumeName"] = name.as_str().into(),
            Some(VolumeFate::Nowhere { .. }) => remove(object, "/spec", &["volumeName"]),
            Some(VolumeFate::Disk) | None => {}
        }
        Ok(Decision::Keep)
    }
}
