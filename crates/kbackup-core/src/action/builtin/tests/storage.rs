//! Volumes and their claims.

use serde_json::json;

use super::*;

#[test]
fn a_volume_waits_for_the_claim_in_the_target() {
    let volume = |claim: Value, annotations: Value| {
        json!({
            "metadata": {"name": "pv", "annotations": annotations},
            "spec": {"claimRef": claim, "persistentVolumeReclaimPolicy": "Retain", "hostPath": {"path": "/data"}},
        })
    };
    let given = volume(
        json!({"kind": "PersistentVolumeClaim", "namespace": "shop", "name": "data", "uid": "1", "resourceVersion": "7"}),
        json!({"pv.kubernetes.io/bound-by-controller": "yes", "pv.kubernetes.io/provisioned-by": "ebs"}),
    );
    let expect = |namespace: &str| {
        volume(
            json!({"kind": "PersistentVolumeClaim", "namespace": namespace, "name": "data"}),
            json!({"pv.kubernetes.io/provisioned-by": "ebs"}),
        )
    };
    check("v1/persistentvolumes", &spec(), &given, &expect("shop"));
    check("v1/persistentvolumes", &copy(), &given, &expect("copy"));
    let free = json!({"metadata": {"name": "pv"}, "spec": {"hostPath": {"path": "/data"}}});
    check("v1/persistentvolumes", &copy(), &free, &free);
}

#[test]
fn a_claim_binds_anew() {
    let given = json!({
        "metadata": {"name": "data", "namespace": "shop", "annotations": {
            "pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes",
            "volume.beta.kubernetes.io/storage-provisioner": "ebs", "volume.kubernetes.io/storage-provisioner": "ebs",
            "volume.kubernetes.io/selected-node": "n1", "velero.io/volume-snapshot-name": "s",
        }},
        "spec": {"volumeName": "pv", "dataSource": {"kind": "VolumeSnapshot"}, "dataSourceRef": {"kind": "VolumeSnapshot"}},
        "status": {"phase": "Bound"},
    });
    check("v1/persistentvolumeclaims", &spec(), &given, &in_shop("data", "spec", json!({"volumeName": "pv"})));
}

#[test]
fn a_claim_without_a_volume_is_still_to_be_filled() {
    let given = in_shop("data", "spec", json!({"dataSource": {"kind": "VolumeSnapshot", "name": "s"}}));
    check("v1/persistentvolumeclaims", &spec(), &given, &given);
}
