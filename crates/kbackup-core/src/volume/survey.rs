//! What is kept of the objects of a backup while they pass by.

use std::collections::BTreeMap;

use super::facts::{ClaimFacts, Place, PodFacts, PodVolume, VolumeFacts};
use crate::model::{Gvr, Object};
use crate::spec::{BackupSpec, VolumePolicy};

/// What a spec says of volumes.
#[derive(Debug, Clone, Default)]
pub struct VolumeRules {
    pub(super) policies: Vec<VolumePolicy>,
    pub(super) snapshots: Option<bool>,
    pub(super) default_to_fs: bool,
}

/// The claims, volumes and pods of a backup, as far as volumes are concerned: some hundred bytes for each that has any.
#[derive(Debug, Clone, Default)]
pub struct VolumeSurvey {
    pub(super) rules: VolumeRules,
    pub(super) claims: BTreeMap<Place, ClaimFacts>,
    pub(super) volumes: BTreeMap<String, VolumeFacts>,
    pub(super) pods: BTreeMap<Place, PodFacts>,
}

/// What the JSON of a pod holds that has something to say of volumes: looking for it is far cheaper than reading JSON.
const MARKS: [&str; 3] = ["\"persistentVolumeClaim\"", "\"ephemeral\"", "/backup-volumes"];

/// The types that matter.
enum Matters {
    Claims,
    Volumes,
    Pods,
}

impl VolumeRules {
    /// The rules of a spec.
    #[must_use]
    pub fn new(spec: &BackupSpec) -> Self {
        Self {
            policies: spec.volume_policies.clone(),
            snapshots: spec.snapshot_volumes,
            default_to_fs: spec.default_volumes_to_fs_backup == Some(true),
        }
    }

    /// Whether volumes without a claim can be chosen by a rule for all of them.
    fn looks_at_all(&self) -> bool {
        self.default_to_fs || !self.policies.is_empty()
    }
}

impl VolumeSurvey {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(rules: VolumeRules) -> Self {
        Self { rules, ..Self::default() }
    }

    /// Whether objects of this type matter.
    #[must_use]
    pub fn wants(ty: &Gvr) -> bool {
        Matters::of(ty).is_some()
    }

    /// Looks at an object of the backup.
    pub fn see(&mut self, ty: &Gvr, object: &Object) {
        let meta = object.meta();
        let place = || (meta.namespace.clone().unwrap_or_default(), meta.name.clone());
        match Matters::of(ty) {
            Some(Matters::Claims) => _ = self.claims.insert(place(), ClaimFacts::read(object)),
            Some(Matters::Volumes) => _ = self.volumes.insert(meta.name.clone(), VolumeFacts::read(object)),
            Some(Matters::Pods) if self.rules.looks_at_all() || has_mark(object) => {
                let all = self.rules.looks_at_all();
                let own = |volume: &PodVolume| all && volume.source.never_copied().is_none();
                let facts = PodFacts::read(object, |volume| volume.claim.is_some() || own(volume));
                self.pods.extend(facts.map(|facts| (place(), facts)));
            }
            _ => {}
        }
    }

    /// Forgets the objects of a type (in one namespace, where it is given): they are about to be seen again.
    pub fn forget(&mut self, ty: &Gvr, namespace: Option<&str>) {
        let stays = |place: &Place| namespace.is_some_and(|namespace| namespace != place.0);
        match Matters::of(ty) {
            Some(Matters::Claims) => self.claims.retain(|place, _| stays(place)),
            Some(Matters::Volumes) => self.volumes.clear(),
            Some(Matters::Pods) => self.pods.retain(|place, _| stays(place)),
            None => {}
        }
    }
}

impl Matters {
    fn of(ty: &Gvr) -> Option<Self> {
        match (ty.group.as_str(), ty.plural.as_str()) {
            ("", "persistentvolumeclaims") => Some(Self::Claims),
            ("", "persistentvolumes") => Some(Self::Volumes),
            ("", "pods") => Some(Self::Pods),
            _ => None,
        }
    }
}

fn has_mark(pod: &Object) -> bool {
    std::str::from_utf8(pod.raw()).is_ok_and(|json| MARKS.iter().any(|mark| json.contains(mark)))
}
