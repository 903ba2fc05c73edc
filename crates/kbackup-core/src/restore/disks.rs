//! Disks that are made of snapshots, for the PersistentVolumes that point at them.

use std::fmt;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::plan::RestorePlan;
use crate::issue::Code;
use crate::model::{BackupName, Object, ObjectRef};
use crate::run::Run;
use crate::snapshot::{
    SnapshotError, SnapshotErrorKind, SnapshotProvider, SnapshotProviders, SnapshotResult, VolumeId, VolumeTarget,
};
use crate::volume::{VolumeFate, VolumeFates, VolumeSnapshot, is_volume};

/// How often a snapshot whose bytes are still being copied is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What makes disks of snapshots.
#[derive(Debug, Clone, Copy)]
pub(super) struct Disks<'a> {
    volumes: &'a VolumeFates,
    providers: Option<&'a SnapshotProviders>,
    restore: &'a BackupName,
    plan: Uuid,
}

/// Why a disk was not made.
#[derive(Debug)]
pub(super) enum NoDisk {
    /// Nobody is set up who has the snapshot.
    Unknown { snapshot: VolumeSnapshot, known: Vec<&'static str> },
    /// The disk service failed.
    Failed { snapshot: VolumeSnapshot, source: SnapshotError },
}

impl<'a> Disks<'a> {
    pub(super) fn new(plan: &'a RestorePlan, providers: Option<&'a SnapshotProviders>) -> Self {
        Self { volumes: &plan.volumes, providers, restore: &plan.name, plan: plan.id }
    }

    /// Makes the disk of the PersistentVolume that is `source` in the backup, where it comes from a snapshot, and lets `volume`
    /// point at it. Asked again by the same plan, it is the same disk.
    pub(super) async fn point(
        self,
        source: &str,
        object: &ObjectRef,
        volume: &mut Value,
        run: &Run,
    ) -> Result<(), NoDisk> {
        let fate = self.volumes.get(source).filter(|_| is_volume(&object.gvr));
        let Some(VolumeFate::Snapshot { snapshot, .. }) = fate else { return Ok(()) };
        let known = || self.providers.map(SnapshotProviders::names).unwrap_or_default();
        let unknown = || NoDisk::Unknown { snapshot: snapshot.clone(), known: known() };
        let provider = self.providers.and_then(|providers| providers.named(&snapshot.provider)).ok_or_else(unknown)?;
        let failed = |source| NoDisk::Failed { snapshot: snapshot.clone(), source };
        run.stage(format!("making a disk of the snapshot {} for {object}", snapshot.id));
        let disk = self.make(&**provider, snapshot, source, run).await.map_err(failed)?;
        *volume = pointed(&**provider, volume, &disk).map_err(failed)?;
        Ok(())
    }

    async fn make(
        self,
        provider: &dyn SnapshotProvider,
        snapshot: &VolumeSnapshot,
        source: &str,
        run: &Run,
    ) -> SnapshotResult<VolumeId> {
        let target = VolumeTarget {
            zone: snapshot.zone.clone(),
            client_token: format!("{}/{source}", self.plan),
            tags: [("kbackup.dev/restore".to_owned(), self.restore.to_string())].into(),
        };
        let mut waited = Duration::ZERO;
        loop {
            match provider.restore(&snapshot.id, &target).await {
                Err(error) if error.kind() == SnapshotErrorKind::NotReady && waited < run.bounds().wait_max => {
                    run.sleep(LOOK_EVERY).await;
                    waited += LOOK_EVERY;
                }
                made => return made,
            }
        }
    }
}

/// The PersistentVolume, pointing at that disk.
fn pointed(provider: &dyn SnapshotProvider, volume: &Value, disk: &VolumeId) -> SnapshotResult<Value> {
    let invalid = |error| SnapshotError::new(SnapshotErrorKind::Invalid, "it is not an object").with_source(error);
    let object = Object::from_value(volume).map_err(invalid)?;
    provider.rebind(&object, disk).map(|volume| volume.to_value())
}

impl NoDisk {
    /// Whether it may be otherwise the next time.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Failed { source, .. } if source.kind() == SnapshotErrorKind::Unavailable)
    }

    pub(super) fn code(&self) -> Code {
        match self {
            Self::Unknown { .. } => Code::NoProvider,
            Self::Failed { .. } => Code::SnapshotFailed,
        }
    }
}

impl fmt::Display for NoDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { snapshot: VolumeSnapshot { provider, id, .. }, known } => {
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                write!(f, "its data is in the snapshot {id} of {provider}, which is not set up here (set up: {known})")
            }
            Self::Failed { snapshot: VolumeSnapshot { provider, id, .. }, source } => {
                write!(f, "no disk could be made of the snapshot {id} of {provider}: {source}")
            }
        }
    }
}
