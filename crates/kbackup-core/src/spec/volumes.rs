//! What happens to the bytes of volumes, as a user asks for it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::Violation;
use crate::model::{Quantity, nearest};

/// What happens to the volumes that all of its conditions fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VolumePolicy {
    /// What is asked of a volume; nothing fits every one.
    #[serde(default)]
    pub conditions: VolumeConditions,
    /// What happens to it.
    pub action: VolumeAction,
}

/// What is asked of a volume: all that is given must hold. What is not known of a volume (the capacity of an `emptyDir`)
/// does not.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VolumeConditions {
    /// Its capacity, from and to, both included (`10Gi,100Gi`, `,1Gi`, `1Ti,`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<CapacityRange>,
    /// Its storage class is one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub storage_class: Vec<String>,
    /// It is on an NFS server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nfs: Option<NfsCondition>,
    /// A CSI driver serves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csi: Option<CsiCondition>,
    /// Its type is one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volume_types: Vec<VolumeType>,
    /// Its claim has all of these labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pvc_labels: BTreeMap<String, String>,
    /// Its claim is in one of these phases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pvc_phase: Vec<ClaimPhase>,
    /// Its claim asks for this mode, or one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "one_or_many")]
    pub pvc_volume_mode: Vec<VolumeMode>,
    /// Its claim asks for exactly these access modes, in any order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pvc_access_modes: Vec<String>,
}

/// On an NFS server: this one, this path of it, or any.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NfsCondition {
    /// The server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The exported path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// Served by a CSI driver: this one, or any.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CsiCondition {
    /// The driver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<String>,
    /// Attributes that the volume has, among others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub volume_attributes: BTreeMap<String, String>,
}

/// What happens to a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VolumeAction {
    /// What.
    #[serde(rename = "type")]
    pub kind: VolumeActionType,
    /// Parameters of the action.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Value>,
}

/// What can happen to the bytes of a volume. Its objects are in the backup in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VolumeActionType {
    /// Nothing.
    Skip,
    /// The disk service that owns it takes a snapshot.
    Snapshot,
    /// Its files are copied.
    FsBackup,
    /// Something that another program does.
    Custom,
}

/// The phase of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[allow(missing_docs, reason = "the phases of the Kubernetes API speak for themselves")]
pub enum ClaimPhase {
    Bound,
    Pending,
    Lost,
}

/// How a claim wants to see its volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum VolumeMode {
    /// As files.
    #[default]
    Filesystem,
    /// As a device.
    Block,
}

/// Capacities from and to, both included; one side may be open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct CapacityRange {
    text: String,
    from: Option<Quantity>,
    to: Option<Quantity>,
}

impl CapacityRange {
    /// Whether a capacity is within.
    #[must_use]
    pub fn holds(&self, capacity: Quantity) -> bool {
        self.from.is_none_or(|from| from <= capacity) && self.to.is_none_or(|to| capacity <= to)
    }
}

impl FromStr for CapacityRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |why: String| format!("\"{text}\" is not a range of capacities: {why} (write it like 10Gi,100Gi)");
        let (from, to) = text.split_once(',').ok_or_else(|| error("there is no comma".to_owned()))?;
        let side = |side: &str| match side.trim() {
            "" => Ok(None),
            side => side.parse::<Quantity>().map(Some).map_err(|why| error(why.to_string())),
        };
        let (from, to) = (side(from)?, side(to)?);
        match (from, to) {
            (None, None) => Err(error("both sides are open".to_owned())),
            (Some(from), Some(to)) if from > to => Err(error("it ends before it begins".to_owned())),
            _ => Ok(Self { text: text.to_owned(), from, to }),
        }
    }
}

impl TryFrom<String> for CapacityRange {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<CapacityRange> for String {
    fn from(range: CapacityRange) -> Self {
        range.text
    }
}

impl fmt::Display for VolumeActionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Skip => "skip",
            Self::Snapshot => "snapshot",
            Self::FsBackup => "fs-backup",
            Self::Custom => "custom",
        })
    }
}

/// Where a volume's bytes are, by the name of the field that says it in the spec of a pod or a persistent volume
/// (`emptyDir`, `csi`, `awsElasticBlockStore`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct VolumeType(String);

/// All that Kubernetes has, and one that Velero's policies know beside them.
const TYPES: &str = "awsAzureDisk awsElasticBlockStore azureDisk azureFile cephfs cinder configMap csi downwardAPI emptyDir \
    ephemeral fc flexVolume flocker gcePersistentDisk gitRepo glusterfs hostPath image iscsi local nfs \
    photonPersistentDisk portworxVolume projected quobyte rbd scaleIO secret storageOS vsphereVolume";

impl VolumeType {
    /// Whether the field of a spec says this type. Policies write `storageOS` for `storageos`.
    #[must_use]
    pub fn is_said_by(&self, field: &str) -> bool {
        self.0.eq_ignore_ascii_case(field)
    }

    /// The type that a field of a spec says; `None` where the field is about something else.
    #[must_use]
    pub fn of_field(field: &str) -> Option<Self> {
        TYPES.split_whitespace().find(|ty| ty.eq_ignore_ascii_case(field)).map(|ty| Self(ty.to_owned()))
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for VolumeType {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::of_field(&text).ok_or_else(|| {
            let near = nearest(&text, TYPES.split_whitespace());
            let near: Vec<String> = near.iter().map(|name| format!("\"{name}\"")).collect();
            let hint = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) };
            format!("\"{text}\" is not a type of volumes{hint}")
        })
    }
}

impl From<VolumeType> for String {
    fn from(ty: VolumeType) -> Self {
        ty.0
    }
}

/// Velero writes one mode as a text, and several as a list.
fn one_or_many<'de, D: Deserializer<'de>>(field: D) -> Result<Vec<VolumeMode>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(VolumeMode),
        Many(Vec<VolumeMode>),
    }
    Ok(match OneOrMany::deserialize(field)? {
        OneOrMany::One(mode) => vec![mode],
        OneOrMany::Many(modes) => modes,
    })
}

/// All that is wrong with the volume policies of a spec.
pub(super) fn policy_violations(policies: &[VolumePolicy]) -> Vec<Violation> {
    let all = policies.iter().position(|policy| policy.conditions == VolumeConditions::default());
    let unreachable = all.filter(|all| all + 1 < policies.len());
    let message = |all: usize| {
        format!("volumePolicies[{all}] has no conditions and so decides for every volume: those after it never do")
    };
    unreachable.map(|all| Violation::new("volumePolicies", message(all))).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_both_ends() {
        let check = |range: &str, capacity: &str, expect: bool| {
            let range: CapacityRange = range.parse().expect(range);
            assert_eq!(range.holds(capacity.parse().expect(capacity)), expect, "{range:?} {capacity}");
        };
        for (capacity, expect) in [("9Gi", false), ("10Gi", true), ("100Gi", true), ("100.1Gi", false)] {
            check("10Gi,100Gi", capacity, expect);
        }
        check(",1Gi", "0", true);
        check(", 1Gi", "1.5Gi", false);
        check("1Ti,", "1Ti", true);
        check("1Ti,", "1T", false);
        for text in ["", "1Gi", ",", "1Gi,x", "2Gi,1Gi", "-,1"] {
            assert!(text.parse::<CapacityRange>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_follows_a_policy_for_everything_is_refused() {
        let policy = |conditions| VolumePolicy {
            conditions,
            action: VolumeAction { kind: VolumeActionType::Skip, parameters: BTreeMap::new() },
        };
        let fast = || VolumeConditions { storage_class: vec!["fast".to_owned()], ..VolumeConditions::default() };
        assert_eq!(policy_violations(&[policy(fast()), policy(VolumeConditions::default())]), []);
        let found = policy_violations(&[policy(VolumeConditions::default()), policy(fast())]);
        assert!(found[0].message.contains("volumePolicies[0]"), "{found:?}");
    }
}
