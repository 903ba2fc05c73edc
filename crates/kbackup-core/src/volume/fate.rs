//! What a restore does with a PersistentVolume: the decision alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::VolumeRecord;
use super::record::VolumeSnapshot;
use crate::model::{Gvr, Object};
use crate::spec::RestoreSpec;

/// What a restore does with each PersistentVolume of the backup, by its name there. What is not among them is restored as it
/// is.
pub type VolumeFates = BTreeMap<String, VolumeFate>;

/// Where the data of a restored volume comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", tag = "from")]
pub enum VolumeFate {
    /// Its PersistentVolume is restored as it is, and points at the disk that it pointed at.
    Disk,
    /// A new disk is made of a snapshot.
    Snapshot {
        /// The snapshot.
        #[serde(flatten)]
        snapshot: VolumeSnapshot,
        /// The name that the PersistentVolume gets in the target: another one where its own is taken.
        name: String,
    },
    /// Nowhere: its claims get a new, empty volume of their storage class, and the PersistentVolume is not restored.
    Nowhere {
        /// The reason.
        why: String,
    },
}

/// Whether objects of this type are PersistentVolumes.
#[must_use]
pub fn is_volume(ty: &Gvr) -> bool {
    ty.group.is_empty() && ty.plural == "persistentvolumes"
}

/// What decides over one PersistentVolume.
#[derive(Debug, Clone, Copy)]
pub struct VolumeCase<'a> {
    /// What was asked for.
    pub spec: &'a RestoreSpec,
    /// The PersistentVolume in the backup.
    pub volume: &'a Object,
    /// What the backup says that was done with it.
    pub record: Option<&'a VolumeRecord>,
    /// Whether the target has a PersistentVolume of that name, which stays.
    pub is_live: bool,
    /// The name that it would get where its own is taken.
    pub other_name: &'a str,
}

/// Decides where the data of a restored volume comes from. The rules are Velero's, but for volumes that are there already:
/// these keep their claims.
///
/// - One with a snapshot is made of that, unless `restoreVolumes` is false. Where one of its name is there and its claim is
///   restored into another namespace, it gets another name; where one of its name is there otherwise, that stays.
/// - One without a snapshot, whose disk went with it (reclaim policy `Delete`), is not restored: its claims get a new one.
/// - Any other is restored as it is.
#[must_use]
pub fn volume_fate(case: &VolumeCase<'_>) -> VolumeFate {
    let value = case.volume.to_value();
    let name = case.volume.meta().name.clone();
    let is_moved = value
        .pointer("/spec/claimRef/namespace")
        .and_then(Value::as_str)
        .is_some_and(|namespace| case.spec.target_namespace(namespace) != namespace);
    let snapshot = case.record.and_then(|record| record.snapshot.as_ref());
    match snapshot.filter(|_| case.spec.restore_volumes != Some(false)) {
        Some(snapshot) if !case.is_live => VolumeFate::Snapshot { snapshot: snapshot.clone(), name },
        Some(snapshot) if is_moved => {
            VolumeFate::Snapshot { snapshot: snapshot.clone(), name: case.other_name.to_owned() }
        }
        None if case.is_live && is_moved => {
            let why = "one of its name is there, and belongs to a claim in another namespace";
            VolumeFate::Nowhere { why: why.to_owned() }
        }
        None if !case.is_live && value["spec"]["persistentVolumeReclaimPolicy"] == "Delete" => {
            let why = "its disk was deleted with it (reclaim policy Delete), and the backup has no snapshot of that";
            VolumeFate::Nowhere { why: why.to_owned() }
        }
        _ => VolumeFate::Disk,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::snapshot::SnapshotId;
    use crate::spec::VolumeActionType;
    use crate::volume::VolumeResult;

    fn snapshot() -> VolumeSnapshot {
        VolumeSnapshot { provider: "memory".to_owned(), id: SnapshotId("snap-1".to_owned()), zone: None }
    }

    fn record(snapshot: Option<VolumeSnapshot>) -> VolumeRecord {
        VolumeRecord {
            volume: Some("pv".to_owned()),
            claim: Some("shop/data".to_owned()),
            pods: Vec::new(),
            pod_volume: None,
            kind: None,
            driver: None,
            storage_class: None,
            capacity: None,
            action: VolumeActionType::Snapshot,
            parameters: BTreeMap::new(),
            reason: "asked for".to_owned(),
            result: VolumeResult::Snapshotted,
            snapshot,
        }
    }

    #[test]
    fn the_data_comes_from_where_it_is() {
        let (own, other) = ("pv", "pv-2");
        let from_snapshot = |name: &str| VolumeFate::Snapshot { snapshot: snapshot(), name: name.to_owned() };
        let disk = || VolumeFate::Disk;
        let mapped = || RestoreSpec::from_backup("b".parse().expect("a name")).map_namespace("shop", "copy");
        let plain = || RestoreSpec::from_backup("b".parse().expect("a name"));
        let without = |spec: RestoreSpec| RestoreSpec { restore_volumes: Some(false), ..spec };
        // What was asked, the reclaim policy, whether there is a snapshot, whether it is there; None: nowhere.
        for (spec, policy, has_snapshot, is_live, expect) in [
            (plain(), "Delete", true, false, Some(from_snapshot(own))),
            (plain(), "Retain", true, false, Some(from_snapshot(own))),
            (plain(), "Delete", true, true, Some(disk())),
            (mapped(), "Delete", true, true, Some(from_snapshot(other))),
            (mapped(), "Delete", true, false, Some(from_snapshot(own))),
            (plain(), "Delete", false, false, None),
            (plain(), "Delete", false, true, Some(disk())),
            (plain(), "Retain", false, false, Some(disk())),
            (mapped(), "Retain", false, true, None),
            (mapped(), "Retain", false, false, Some(disk())),
            (without(plain()), "Retain", true, false, Some(disk())),
            (without(plain()), "Delete", true, false, None),
            (without(mapped()), "Delete", true, true, None),
        ] {
            let volume = Object::from_value(&json!({
                "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv"},
                "spec": {"persistentVolumeReclaimPolicy": policy, "claimRef": {"namespace": "shop", "name": "data"}},
            }));
            let (volume, record) = (volume.expect("an object"), record(has_snapshot.then(snapshot)));
            let case = VolumeCase { spec: &spec, volume: &volume, record: Some(&record), is_live, other_name: other };
            let fate = volume_fate(&case);
            let told = Some(fate.clone()).filter(|fate| !matches!(fate, VolumeFate::Nowhere { .. }));
            assert_eq!(told, expect, "{policy} {has_snapshot} {is_live} {:?}: {fate:?}", spec.namespace_mapping);
        }
    }
}
