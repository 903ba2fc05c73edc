//! The decisions for all volumes of a backup.

use std::collections::{BTreeMap, BTreeSet};

use super::candidate::{Candidate, Use};
use super::decide::{Decision, decide};
use super::facts::Place;
use super::{VolumeCounts, VolumeRecord, VolumeResult, VolumeSurvey};
use crate::hook::Ordered;
use crate::issue::{Code, Issue, Severity, Stage};
use crate::model::{Gvr, ObjectRef};
use crate::spec::VolumeActionType;

/// What happens to each volume of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VolumePlan {
    /// One a volume, in the order in which they are taken care of.
    pub records: Vec<VolumeRecord>,
    /// What was asked for and can't be done.
    pub issues: Vec<Issue>,
}

impl VolumeSurvey {
    /// Decides for every volume of the backup. Volumes that `ordered` names come first, in its order.
    ///
    /// There are no providers of snapshots or copies yet: what they would do is recorded as [`VolumeResult::NoProvider`],
    /// with one issue for all of it: an error where the request demands it, else a warning.
    #[must_use]
    pub fn plan(&self, ordered: &Ordered) -> VolumePlan {
        let mut plan = VolumePlan::default();
        let mut undone = Undone::default();
        let mut candidates = self.candidates();
        candidates.sort_by_key(|candidate| rank(candidate, ordered));
        for candidate in candidates {
            let decision = decide(&candidate, &self.rules);
            plan.issues.extend(decision.warning.as_ref().map(|why| warning(why).about(about(&candidate))));
            if candidate.is_worth_a_line(&decision) {
                undone.count(&decision);
                plan.records.push(record(&candidate, decision));
            }
        }
        plan.issues.extend(self.missing_names());
        plan.issues.extend(undone.issue());
        plan
    }

    /// The volumes of claims, the others of the cluster, and those of pods alone.
    fn candidates(&self) -> Vec<Candidate<'_>> {
        let mut of_claims: BTreeMap<(&str, &str), Vec<Use<'_>>> = BTreeMap::new();
        let mut candidates = Vec::new();
        for (place, pod) in &self.pods {
            for volume in &pod.volumes {
                let used = Use { place, pod, volume };
                match &volume.claim {
                    Some(claim) => of_claims.entry((&place.0, claim)).or_default().push(used),
                    None => candidates.push(Candidate { claim: None, volume: None, uses: vec![used] }),
                }
            }
        }
        let mut bound = BTreeSet::new();
        for (place, claim) in &self.claims {
            let volume = claim.volume.as_ref().and_then(|name| self.volumes.get_key_value(name));
            bound.extend(volume.map(|(name, _)| name));
            let uses = of_claims.remove(&(place.0.as_str(), place.1.as_str())).unwrap_or_default();
            let volume = volume.map(|(name, facts)| (name.as_str(), facts));
            candidates.push(Candidate { claim: Some((place, claim)), volume, uses });
        }
        let others = self.volumes.iter().filter(|(name, _)| !bound.contains(name));
        candidates.extend(others.map(|(name, facts)| {
            let claim = facts.claim.as_ref().map(|(namespace, name)| (namespace.as_str(), name.as_str()));
            let uses = claim.and_then(|claim| of_claims.remove(&claim)).unwrap_or_default();
            Candidate { claim: None, volume: Some((name, facts)), uses }
        }));
        candidates
    }

    /// A warning for each pod whose annotation names a volume that it has not.
    fn missing_names(&self) -> impl Iterator<Item = Issue> {
        self.pods.iter().filter_map(|(place, pod)| {
            let has = |name: &&String| !pod.volumes.iter().any(|volume| volume.name == **name);
            let missing: Vec<&str> = pod.opted_in.iter().filter(has).map(String::as_str).collect();
            let message = format!("its annotation asks for volumes that it has not: {}", missing.join(", "));
            (!missing.is_empty()).then(|| warning(&message).about(pod_at(place)))
        })
    }
}

impl VolumePlan {
    /// How many volumes had which decision.
    #[must_use]
    pub fn counts(&self) -> VolumeCounts {
        VolumeCounts::of(&self.records)
    }
}

impl Candidate<'_> {
    /// A pod's own volume that nobody cares for is not told of: there may be several in every pod.
    fn is_worth_a_line(&self, decision: &Decision) -> bool {
        let persistent = self.claim.is_some() || self.volume.is_some();
        persistent || decision.action != VolumeActionType::Skip || decision.warning.is_some()
    }
}

/// What nobody is set up to do.
#[derive(Debug, Default)]
struct Undone {
    snapshots: u64,
    copies: u64,
    demanded: bool,
}

impl Undone {
    fn count(&mut self, decision: &Decision) {
        match decision.action {
            VolumeActionType::Snapshot => self.snapshots += 1,
            VolumeActionType::FsBackup => self.copies += 1,
            VolumeActionType::Skip | VolumeActionType::Custom => return,
        }
        self.demanded |= decision.demanded;
    }

    /// One issue for all of them.
    fn issue(&self) -> Option<Issue> {
        let part = |count: u64, what: &str| match count {
            0 => None,
            1 => Some(format!("1 volume was to be {what}")),
            many => Some(format!("{many} volumes were to be {what}")),
        };
        let parts = [part(self.snapshots, "snapshotted"), part(self.copies, "copied file by file")];
        let what: Vec<String> = parts.into_iter().flatten().collect();
        let message = format!(
            "{}, and no provider for that is set up: their objects are in the backup, their data is not (snapshotVolumes: false, or a volume policy that skips them, says that this is meant)",
            what.join(" and ")
        );
        let severity = if self.demanded { Severity::Error } else { Severity::Warning };
        let issue = Issue { severity, ..Issue::error(Stage::Volume, Code::NoProvider, message) };
        (!what.is_empty()).then_some(issue)
    }
}

fn record(candidate: &Candidate<'_>, decision: Decision) -> VolumeRecord {
    let source = candidate.source();
    let persistent = candidate.claim.is_some() || candidate.volume.is_some();
    let of_volume = candidate.volume.and_then(|(_, volume)| volume.claim.as_ref());
    VolumeRecord {
        volume: candidate.volume.map(|(name, _)| name.to_owned()),
        claim: candidate.claim.map(|(place, _)| place).or(of_volume).map(joined),
        pods: candidate.uses.iter().map(|used| joined(used.place)).collect(),
        pod_volume: candidate.uses.first().filter(|_| !persistent).map(|used| used.volume.name.clone()),
        kind: source.and_then(|source| source.kind.clone()),
        driver: source.and_then(|source| source.csi.as_ref()).map(|(driver, _)| driver.clone()),
        storage_class: candidate.storage_class().cloned(),
        capacity: candidate.capacity().cloned(),
        action: decision.action,
        parameters: decision.parameters,
        reason: decision.reason,
        result: match decision.action {
            VolumeActionType::Skip | VolumeActionType::Custom => VolumeResult::Skipped,
            VolumeActionType::Snapshot | VolumeActionType::FsBackup => VolumeResult::NoProvider,
        },
        snapshot: None,
    }
}

/// Ordered volumes first, by the place of the volume or of its claim in the order.
fn rank(candidate: &Candidate<'_>, ordered: &Ordered) -> (bool, Option<usize>) {
    let volume = candidate.volume.map(|(name, _)| ObjectRef::cluster(core("persistentvolumes"), name));
    let claim = candidate.claim.map(|(place, _)| claim_at(place));
    let position = [volume, claim].into_iter().flatten().find_map(|at| ordered.position(&at));
    (position.is_none(), position)
}

/// What an issue about a volume is about.
fn about(candidate: &Candidate<'_>) -> ObjectRef {
    match (candidate.claim, candidate.volume, candidate.uses.first()) {
        (Some((place, _)), ..) => claim_at(place),
        (None, None, Some(used)) => pod_at(used.place),
        (None, volume, _) => {
            ObjectRef::cluster(core("persistentvolumes"), volume.map(|(name, _)| name).unwrap_or_default())
        }
    }
}

fn warning(message: &str) -> Issue {
    Issue::warning(Stage::Volume, Code::VolumeLeftOut, message)
}

fn core(plural: &str) -> Gvr {
    Gvr::new("", "v1", plural)
}

fn claim_at(place: &Place) -> ObjectRef {
    ObjectRef::namespaced(core("persistentvolumeclaims"), &place.0, &place.1)
}

fn pod_at(place: &Place) -> ObjectRef {
    ObjectRef::namespaced(core("pods"), &place.0, &place.1)
}

fn joined((namespace, name): &Place) -> String {
    format!("{namespace}/{name}")
}
