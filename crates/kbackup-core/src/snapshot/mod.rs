//! Volume snapshots: the disk services behind PersistentVolumes.
//!
//! [`SnapshotProvider`] is the port, [`MemorySnapshots`] a disk service in memory, and [`SnapshotProviders`] what a run
//! is given. `conformance::snapshot` checks what a provider must guarantee.

mod memory;
mod port;
mod providers;

pub use memory::{MemorySnapshots, MemoryVolume, SnapshotCall, SnapshotFault};
pub use port::{
    SnapshotError, SnapshotErrorKind, SnapshotId, SnapshotProvider, SnapshotResult, SnapshotSpec, SnapshotStatus,
    VolumeId, VolumeTarget,
};
pub use providers::SnapshotProviders;
