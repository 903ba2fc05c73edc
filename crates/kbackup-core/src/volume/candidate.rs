//! One volume with all that is known of it, and whether a policy fits it.

use super::facts::{ClaimFacts, Place, PodFacts, PodVolume, VolumeFacts};
use super::source::Source;
use crate::spec::{VolumeConditions, VolumeMode};

/// One volume: of a claim, of the cluster, or of a pod alone.
#[derive(Debug, Clone)]
pub(super) struct Candidate<'a> {
    pub(super) claim: Option<(&'a Place, &'a ClaimFacts)>,
    pub(super) volume: Option<(&'a str, &'a VolumeFacts)>,
    /// The pods that use it, and how they call it.
    pub(super) uses: Vec<Use<'a>>,
}

/// The use of a volume by a pod.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use<'a> {
    pub(super) place: &'a Place,
    pub(super) pod: &'a PodFacts,
    pub(super) volume: &'a PodVolume,
}

impl Candidate<'_> {
    /// Where its bytes are, as far as it is known.
    pub(super) fn source(&self) -> Option<&Source> {
        let of_pod = || self.uses.first().filter(|_| self.claim.is_none()).map(|used| &used.volume.source);
        self.volume.map(|(_, volume)| &volume.source).or_else(of_pod)
    }

    pub(super) fn storage_class(&self) -> Option<&String> {
        let of_claim = || self.claim.and_then(|(_, claim)| claim.storage_class.as_ref());
        self.volume.and_then(|(_, volume)| volume.storage_class.as_ref()).or_else(of_claim)
    }

    pub(super) fn capacity(&self) -> Option<&String> {
        let of_claim = || self.claim.and_then(|(_, claim)| claim.request.as_ref());
        self.volume.and_then(|(_, volume)| volume.capacity.as_ref()).or_else(of_claim)
    }

    pub(super) fn is_block(&self) -> bool {
        self.claim.is_some_and(|(_, claim)| claim.mode == VolumeMode::Block)
            || self.volume.is_some_and(|(_, volume)| volume.mode == VolumeMode::Block)
    }

    /// Whether all that a policy asks holds.
    pub(super) fn fits(&self, asked: &VolumeConditions) -> bool {
        let source = self.source();
        let capacity = || self.capacity().and_then(|capacity| capacity.parse().ok());
        let among = |class: Option<&String>| class.is_some_and(|class| asked.storage_class.contains(class));
        asked.capacity.as_ref().is_none_or(|range| capacity().is_some_and(|capacity| range.holds(capacity)))
            && (asked.storage_class.is_empty() || among(self.storage_class()))
            && asked.nfs.as_ref().is_none_or(|nfs| source.is_some_and(|source| source.is_nfs(nfs)))
            && asked.csi.as_ref().is_none_or(|csi| source.is_some_and(|source| source.is_csi(csi)))
            && (asked.volume_types.is_empty()
                || source
                    .is_some_and(|source| source.kind.as_ref().is_some_and(|kind| asked.volume_types.contains(kind))))
            && self.claim_fits(asked)
    }

    fn claim_fits(&self, asked: &VolumeConditions) -> bool {
        let Some((_, claim)) = self.claim else {
            return asked.pvc_labels.is_empty()
                && asked.pvc_phase.is_empty()
                && asked.pvc_volume_mode.is_empty()
                && asked.pvc_access_modes.is_empty();
        };
        let sorted = |modes: &[String]| {
            let mut modes = modes.to_vec();
            modes.sort();
            modes.dedup();
            modes
        };
        asked.pvc_labels.iter().all(|(key, value)| claim.labels.get(key) == Some(value))
            && (asked.pvc_phase.is_empty() || claim.phase.is_some_and(|phase| asked.pvc_phase.contains(&phase)))
            && (asked.pvc_volume_mode.is_empty() || asked.pvc_volume_mode.contains(&claim.mode))
            && (asked.pvc_access_modes.is_empty() || sorted(&asked.pvc_access_modes) == sorted(&claim.access_modes))
    }
}
