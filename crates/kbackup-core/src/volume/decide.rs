//! What happens to one volume, and why.

use std::collections::BTreeMap;

use serde_json::Value;

use super::candidate::{Candidate, Use};
use super::survey::VolumeRules;
use crate::spec::{ClaimPhase, VolumeActionType, VolumePolicy};

/// What was decided for one volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) action: VolumeActionType,
    pub(super) parameters: BTreeMap<String, Value>,
    pub(super) reason: String,
    /// Whether the request or a policy of it names this action, so that it must not be left undone.
    pub(super) demanded: bool,
    /// Set where something that was asked for can't be done.
    pub(super) warning: Option<String>,
}

/// Decides.
pub(super) fn decide(candidate: &Candidate<'_>, rules: &VolumeRules) -> Decision {
    let fitting = rules.policies.iter().enumerate().find(|(_, policy)| candidate.fits(&policy.conditions));
    if let Some((at, policy)) = fitting {
        return by_policy(candidate, at, policy);
    }
    if let Some(used) = candidate.uses.iter().find(|used| used.pod.opted_in.contains(&used.volume.name)) {
        let (namespace, name) = used.place;
        return copied(candidate, format!("pod {namespace}/{name} asks for it by annotation"), false);
    }
    let is_in = |used: &&Use<'_>| !used.pod.opted_out.contains(&used.volume.name);
    if rules.default_to_fs && candidate.uses.iter().any(|used| is_in(&used)) && candidate.obstacle().is_none() {
        return copied(candidate, "defaultVolumesToFsBackup is true".to_owned(), true);
    }
    snapshotted(candidate, rules)
}

fn by_policy(candidate: &Candidate<'_>, at: usize, policy: &VolumePolicy) -> Decision {
    let reason = format!("volumePolicies[{at}]");
    let decision = match policy.action.kind {
        VolumeActionType::FsBackup => copied(candidate, reason, true),
        VolumeActionType::Snapshot if candidate.volume.is_none() => {
            let why = candidate.no_volume().unwrap_or_else(|| "only persistent volumes have snapshots".to_owned());
            Decision::skip(format!("{reason} asks for a snapshot, and {why}"))
        }
        action => Decision { action, demanded: true, ..Decision::skip(reason) },
    };
    Decision { parameters: policy.action.parameters.clone(), ..decision }
}

/// By file, or not at all where that can't be.
fn copied(candidate: &Candidate<'_>, reason: String, demanded: bool) -> Decision {
    let Some(obstacle) = candidate.obstacle() else {
        return Decision { action: VolumeActionType::FsBackup, demanded, ..Decision::skip(reason) };
    };
    let why = format!("{reason}: its files can't be copied: {obstacle}");
    Decision { warning: Some(why.clone()), ..Decision::skip(why) }
}

/// What happens where nobody asks for anything else.
fn snapshotted(candidate: &Candidate<'_>, rules: &VolumeRules) -> Decision {
    if let Some(why) = candidate.no_volume() {
        return Decision::skip(why);
    }
    if candidate.volume.is_none() {
        return Decision::skip("nobody asks for a copy of its files".to_owned());
    }
    let reason = match rules.snapshots {
        Some(false) => return Decision::skip("snapshotVolumes is false".to_owned()),
        Some(true) => "snapshotVolumes is true",
        None => "volumes are snapshotted unless the request says otherwise",
    };
    let demanded = rules.snapshots == Some(true);
    Decision { action: VolumeActionType::Snapshot, demanded, ..Decision::skip(reason.to_owned()) }
}

impl Decision {
    fn skip(reason: String) -> Self {
        Self { action: VolumeActionType::Skip, parameters: BTreeMap::new(), reason, demanded: false, warning: None }
    }
}

impl Candidate<'_> {
    /// Why a claim has no volume in this backup; `None` where it has, or where there is no claim.
    fn no_volume(&self) -> Option<String> {
        let (_, claim) = self.claim.filter(|_| self.volume.is_none())?;
        Some(match (&claim.volume, claim.phase) {
            (_, Some(ClaimPhase::Lost)) => "its claim has lost its volume".to_owned(),
            (Some(volume), _) => format!("its PersistentVolume {volume} is not in the backup"),
            (None, _) => "its claim has no volume yet".to_owned(),
        })
    }

    /// Why its files can't be copied.
    fn obstacle(&self) -> Option<String> {
        if let Some(kind) = self.source().and_then(|source| source.never_copied()) {
            return Some(format!("those of a {kind} volume never are"));
        }
        if self.is_block() {
            return Some("it is used as a device, without files".to_owned());
        }
        if self.uses.is_empty() {
            return Some("no pod uses it".to_owned());
        }
        if !self.uses.iter().any(|used| used.volume.mounted) {
            return Some("no container mounts it".to_owned());
        }
        let runs = self.uses.iter().any(|used| used.pod.running);
        (!runs).then(|| "no pod that uses it is running".to_owned())
    }
}
