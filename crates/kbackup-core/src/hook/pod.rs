//! What hooks need to know of a pod.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::Object;

/// What of a pod's JSON matters to those who run commands in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PodFacts {
    /// `metadata.annotations`.
    pub annotations: BTreeMap<String, String>,
    /// The containers that run as long as the pod does, in their order, sidecars (`restartPolicy: Always`) last.
    pub containers: Vec<String>,
    /// The claims that it mounts, its own ephemeral ones too, by name.
    pub claims: Vec<String>,
    /// `status.phase`; empty where the kubelet has not said anything yet.
    pub phase: String,
}

impl PodFacts {
    /// Reads them.
    ///
    /// # Errors
    /// Where the JSON is not that of a pod.
    pub fn read(pod: &Object) -> Result<Self, serde_json::Error> {
        let Shape { metadata, spec, status } = serde_json::from_slice(pod.raw())?;
        let sidecars = spec.init_containers.unwrap_or_default().into_iter().filter(Container::is_sidecar);
        let containers = spec.containers.unwrap_or_default().into_iter().chain(sidecars);
        let claim = |volume: Volume| match (volume.persistent_volume_claim, volume.ephemeral) {
            (Some(source), _) => Some(source.claim_name),
            (None, Some(_)) => Some(format!("{}-{}", pod.meta().name, volume.name)),
            (None, None) => None,
        };
        Ok(Self {
            annotations: metadata.annotations.unwrap_or_default(),
            containers: containers.map(|container| container.name).collect(),
            claims: spec.volumes.unwrap_or_default().into_iter().filter_map(claim).collect(),
            phase: status.and_then(|status| status.phase).unwrap_or_default(),
        })
    }

    /// Whether its containers are yet to begin: no command can run in them.
    #[must_use]
    pub fn has_not_begun(&self) -> bool {
        matches!(self.phase.as_str(), "Pending" | "")
    }

    /// Whether all its containers have ended, for good.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.phase.as_str(), "Succeeded" | "Failed")
    }
}

#[derive(Deserialize)]
struct Shape {
    metadata: Metadata,
    spec: Spec,
    #[serde(default)]
    status: Option<Status>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default)]
    containers: Option<Vec<Container>>,
    #[serde(default)]
    init_containers: Option<Vec<Container>>,
    #[serde(default)]
    volumes: Option<Vec<Volume>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    name: String,
    #[serde(default)]
    restart_policy: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Volume {
    name: String,
    #[serde(default)]
    persistent_volume_claim: Option<Claim>,
    #[serde(default)]
    ephemeral: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claim {
    claim_name: String,
}

#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    phase: Option<String>,
}

impl Container {
    fn is_sidecar(&self) -> bool {
        self.restart_policy.as_deref() == Some("Always")
    }
}
