//! The disk services that a run knows.

use std::sync::Arc;

use super::{SnapshotProvider, VolumeId};
use crate::model::Object;

/// Snapshot providers, in order: the first that claims a volume takes its snapshots.
///
/// ```
/// use std::sync::Arc;
/// use kbackup_core::snapshot::{MemorySnapshots, SnapshotProviders};
///
/// let disks = MemorySnapshots::new();
/// let volume = disks.make_volume("content");
/// let providers = SnapshotProviders::default().with(Arc::new(disks));
/// let (provider, claimed) = providers.claim(&MemorySnapshots::persistent_volume("pv-1", &volume)).expect("it is claimed");
/// assert_eq!((provider.name(), claimed), ("memory", volume));
/// ```
#[derive(Debug, Clone, Default)]
pub struct SnapshotProviders(Vec<Arc<dyn SnapshotProvider>>);

impl SnapshotProviders {
    /// The same, and `provider` behind the others.
    #[must_use]
    pub fn with(mut self, provider: Arc<dyn SnapshotProvider>) -> Self {
        self.0.push(provider);
        self
    }

    /// Whether there is none: then no volume is ever claimed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first provider that claims a PersistentVolume, and the volume behind it.
    #[must_use]
    pub fn claim(&self, persistent_volume: &Object) -> Option<(&Arc<dyn SnapshotProvider>, VolumeId)> {
        self.0.iter().find_map(|provider| Some((provider, provider.claim(persistent_volume)?)))
    }

    /// The provider that a backup names; the first where several have the name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Arc<dyn SnapshotProvider>> {
        self.0.iter().find(|provider| provider.name() == name)
    }

    /// The names of all, in order: for messages.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|provider| provider.name()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::MemorySnapshots;

    #[test]
    fn the_first_that_claims_wins() {
        let (first, second) = (MemorySnapshots::new().with_name("first"), MemorySnapshots::new().with_name("second"));
        let volume = second.make_volume("x");
        let providers = SnapshotProviders::default().with(Arc::new(first)).with(Arc::new(second));
        assert_eq!(providers.names(), ["first", "second"]);
        let ours = MemorySnapshots::persistent_volume("pv", &volume);
        assert_eq!(providers.claim(&ours).map(|(provider, _)| provider.name()), Some("first"));
        assert_eq!(providers.named("second").map(|provider| provider.name()), Some("second"));
        assert!(providers.named("third").is_none());
        assert!(SnapshotProviders::default().claim(&ours).is_none());
    }
}
