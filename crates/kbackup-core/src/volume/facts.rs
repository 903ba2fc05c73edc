//! What is kept of the objects that volumes are made of: little, since there may be a hundred thousand of them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::source::Source;
use crate::model::Object;
use crate::spec::{ClaimPhase, VolumeMode};

/// Namespace and name.
pub(super) type Place = (String, String);

/// What pods write the names of their volumes into: ours, then Velero's.
const OPT_IN: [&str; 2] = ["backup.kbackup.dev/backup-volumes", "backup.velero.io/backup-volumes"];
const OPT_OUT: [&str; 2] = ["backup.kbackup.dev/backup-volumes-excludes", "backup.velero.io/backup-volumes-excludes"];

/// A PersistentVolumeClaim.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ClaimFacts {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) phase: Option<ClaimPhase>,
    pub(super) volume: Option<String>,
    pub(super) storage_class: Option<String>,
    pub(super) mode: VolumeMode,
    pub(super) access_modes: Vec<String>,
    pub(super) request: Option<String>,
}

/// A PersistentVolume.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct VolumeFacts {
    pub(super) storage_class: Option<String>,
    pub(super) capacity: Option<String>,
    pub(super) source: Source,
    pub(super) claim: Option<Place>,
    pub(super) mode: VolumeMode,
}

/// A pod that has volumes of interest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct PodFacts {
    pub(super) running: bool,
    pub(super) opted_in: Vec<String>,
    pub(super) opted_out: Vec<String>,
    pub(super) volumes: Vec<PodVolume>,
}

/// A volume of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct PodVolume {
    pub(super) name: String,
    pub(super) claim: Option<String>,
    pub(super) source: Source,
    pub(super) mounted: bool,
}

impl ClaimFacts {
    pub(super) fn read(claim: &Object) -> Self {
        let value = claim.to_value();
        let phase = match value["status"]["phase"].as_str() {
            Some("Bound") => Some(ClaimPhase::Bound),
            Some("Pending") => Some(ClaimPhase::Pending),
            Some("Lost") => Some(ClaimPhase::Lost),
            _ => None,
        };
        let spec = &value["spec"];
        Self {
            labels: claim.meta().labels.clone(),
            phase,
            volume: text(&spec["volumeName"]),
            storage_class: text(&spec["storageClassName"]),
            mode: mode(spec),
            access_modes: texts(&spec["accessModes"]),
            request: text(&spec["resources"]["requests"]["storage"]),
        }
    }
}

impl VolumeFacts {
    pub(super) fn read(volume: &Object) -> Self {
        let value = volume.to_value();
        let spec = &value["spec"];
        let claim = &spec["claimRef"];
        Self {
            storage_class: text(&spec["storageClassName"]),
            capacity: text(&spec["capacity"]["storage"]),
            source: spec.as_object().map(Source::of).unwrap_or_default(),
            claim: text(&claim["namespace"]).zip(text(&claim["name"])),
            mode: mode(spec),
        }
    }
}

impl PodFacts {
    /// Reads it; `None` where the pod has ended or has no volume that is of interest to `keep`.
    pub(super) fn read(pod: &Object, keep: impl Fn(&PodVolume) -> bool) -> Option<Self> {
        let value = pod.to_value();
        let phase = value["status"]["phase"].as_str().unwrap_or_default();
        if matches!(phase, "Succeeded" | "Failed") {
            return None;
        }
        let names = |keys: &[&str]| {
            let lists = keys.iter().filter_map(|key| value["metadata"]["annotations"][*key].as_str());
            let names = lists.flat_map(|list| list.split(',')).map(str::trim).filter(|name| !name.is_empty());
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        let (opted_in, opted_out) = (names(&OPT_IN), names(&OPT_OUT));
        let volumes = elements(&value["spec"]["volumes"]).filter_map(Value::as_object);
        let volumes = volumes.map(|fields| PodVolume::read(pod, &value["spec"], fields));
        let kept = |volume: &PodVolume| keep(volume) || opted_in.contains(&volume.name);
        let volumes: Vec<PodVolume> = volumes.filter(kept).collect();
        let any = !volumes.is_empty() || !opted_in.is_empty();
        any.then_some(Self { running: phase == "Running", opted_in, opted_out, volumes })
    }
}

impl PodVolume {
    fn read(pod: &Object, spec: &Value, fields: &Map<String, Value>) -> Self {
        let name = fields.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let claim = match fields.get("persistentVolumeClaim") {
            Some(source) => text(&source["claimName"]),
            None => fields.contains_key("ephemeral").then(|| format!("{}-{name}", pod.meta().name)),
        };
        let containers = ["containers", "initContainers"].into_iter().flat_map(|field| elements(&spec[field]));
        let mounts = containers.flat_map(|container| elements(&container["volumeMounts"]));
        let mounted = mounts.into_iter().any(|mount| mount["name"] == *name);
        Self { claim, source: Source::of(fields), mounted, name }
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn texts(value: &Value) -> Vec<String> {
    elements(value).filter_map(Value::as_str).map(str::to_owned).collect()
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn mode(spec: &Value) -> VolumeMode {
    if spec["volumeMode"] == "Block" { VolumeMode::Block } else { VolumeMode::Filesystem }
}
