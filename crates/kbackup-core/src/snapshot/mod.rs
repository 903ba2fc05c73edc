//! Volume snapshots: the disk services behind PersistentVolumes.

mod port;

pub use port::{
    SnapshotError, SnapshotErrorKind, SnapshotId, SnapshotProvider, SnapshotResult, SnapshotSpec, SnapshotStatus,
    VolumeId, VolumeTarget,
};
