//! The suite of [`SnapshotProvider`]: what every disk service must do.
//!
//! A service makes volumes in ways of its own, so the suite is given [`Disks`], which makes, writes and reads them.

use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::model::Object;
use crate::snapshot::{
    SnapshotErrorKind, SnapshotId, SnapshotProvider, SnapshotResult, SnapshotSpec, SnapshotStatus, VolumeId,
    VolumeTarget,
};

/// The volumes of a disk service, as those who mount them see them.
#[async_trait]
pub trait Disks: Send + Sync {
    /// The provider under test.
    fn provider(&self) -> &dyn SnapshotProvider;

    /// Makes a volume that holds these bytes, and the PersistentVolume that stands for it.
    async fn make(&self, content: Bytes) -> Object;

    /// Replaces the bytes of a volume.
    async fn write(&self, volume: &VolumeId, content: Bytes);

    /// Deletes a volume.
    async fn delete(&self, volume: &VolumeId);

    /// The bytes of a volume.
    async fn read(&self, volume: &VolumeId) -> Bytes;

    /// Waits until it makes sense to ask for a status again.
    async fn settle(&self);
}

/// How often a pending snapshot is asked for.
const POLLS_MAX: usize = 600;

/// Runs every function of the suite, one after the other, and panics at the first that fails.
pub async fn all(disks: &dyn Disks) {
    only_own_volumes_are_claimed(disks).await;
    rebinding_changes_the_volume_alone(disks).await;
    snapshots_show_the_moment_of_their_creation(disks).await;
    a_token_makes_one_snapshot(disks).await;
    a_token_makes_one_volume(disks).await;
    what_is_missing_is_not_found(disks).await;
    deletions_can_be_repeated(disks).await;
}

/// A provider claims the PersistentVolumes of its own disks, and nothing else.
pub async fn only_own_volumes_are_claimed(disks: &dyn Disks) {
    let own = disks.make("x".into()).await;
    let provider = disks.provider();
    assert!(provider.claim(&own).is_some(), "{own} is not claimed by {}", provider.name());
    let mut other_kind = own.to_value();
    other_kind["kind"] = "PersistentVolumeClaim".into();
    let foreign =
        |spec: Value| json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "x"}, "spec": spec});
    for value in [
        other_kind,
        foreign(json!({"hostPath": {"path": "/data"}})),
        foreign(json!({"csi": {"driver": "other.example.com", "volumeHandle": "vol-1"}})),
        foreign(json!({"csi": {}})),
        foreign(Value::Null),
    ] {
        let object = Object::from_value(&value).expect("an object");
        assert_eq!(provider.claim(&object), None, "{value}");
        assert_kind(
            provider.rebind(&object, &VolumeId("vol-2".into())),
            SnapshotErrorKind::Invalid,
            "a foreign rebind",
        );
    }
}

/// A rebound PersistentVolume is claimed as its new volume, and rebinding it back gives the old one, field by field.
pub async fn rebinding_changes_the_volume_alone(disks: &dyn Disks) {
    let provider = disks.provider();
    let (old, new) = (disks.make("old".into()).await, disks.make("new".into()).await);
    let (old_volume, new_volume) = (claimed(disks, &old), claimed(disks, &new));
    let rebound = provider.rebind(&old, &new_volume).expect("it is claimed");
    assert_eq!(claimed(disks, &rebound), new_volume);
    assert_eq!((rebound.gvk(), &rebound.meta().name), (old.gvk(), &old.meta().name));
    let back = provider.rebind(&rebound, &old_volume).expect("it is claimed");
    assert_eq!(back.to_value(), old.to_value());
}

/// What is written to a volume after its snapshot was begun, and its deletion, don't change what a restore gives.
pub async fn snapshots_show_the_moment_of_their_creation(disks: &dyn Disks) {
    let provider = disks.provider();
    let volume = claimed(disks, &disks.make("before".into()).await);
    let snapshot = provider.create(&volume, &spec("moment")).await.expect("a snapshot");
    disks.write(&volume, "after".into()).await;
    if let SnapshotStatus::Pending { .. } = provider.status(&snapshot).await.expect("it was created") {
        let early = provider.restore(&snapshot, &target("early")).await;
        assert!(early.as_ref().err().is_none_or(|error| error.kind() == SnapshotErrorKind::NotReady), "{early:?}");
    }
    ready(disks, &snapshot).await;
    disks.delete(&volume).await;
    let restored = provider.restore(&snapshot, &target("moment")).await.expect("it is ready");
    assert_ne!(restored, volume, "a restore makes a new volume");
    assert_eq!(disks.read(&restored).await, "before");
}

/// One token makes one snapshot, however often it is asked for; another token makes another.
pub async fn a_token_makes_one_snapshot(disks: &dyn Disks) {
    let provider = disks.provider();
    let volume = claimed(disks, &disks.make("x".into()).await);
    let first = provider.create(&volume, &spec("snapshot-1")).await.expect("a snapshot");
    assert_eq!(provider.create(&volume, &spec("snapshot-1")).await.expect("the same"), first);
    assert_ne!(provider.create(&volume, &spec("snapshot-2")).await.expect("another"), first);
    let other = claimed(disks, &disks.make("y".into()).await);
    assert_kind(provider.create(&other, &spec("snapshot-1")).await, SnapshotErrorKind::Invalid, "a token of another");
}

/// One token makes one volume, however often it is asked for; another token, or none, makes another.
pub async fn a_token_makes_one_volume(disks: &dyn Disks) {
    let provider = disks.provider();
    let volume = claimed(disks, &disks.make("x".into()).await);
    let snapshot = provider.create(&volume, &spec("volume")).await.expect("a snapshot");
    ready(disks, &snapshot).await;
    let mut made = Vec::new();
    for token in ["volume-1", "volume-1", "volume-2", "", ""] {
        made.push(provider.restore(&snapshot, &target(token)).await.expect("it is ready"));
    }
    assert_eq!(made[0], made[1]);
    made.remove(0);
    made.sort();
    made.dedup();
    assert_eq!(made.len(), 4, "each of the others is a volume of its own");
}

/// Volumes and snapshots that do not exist are `NotFound`.
pub async fn what_is_missing_is_not_found(disks: &dyn Disks) {
    let provider = disks.provider();
    let volume = claimed(disks, &disks.make("x".into()).await);
    let snapshot = provider.create(&volume, &spec("missing")).await.expect("a snapshot");
    ready(disks, &snapshot).await;
    provider.delete(&snapshot).await.expect("a deletion");
    disks.delete(&volume).await;
    let not_found = SnapshotErrorKind::NotFound;
    assert_kind(provider.status(&snapshot).await, not_found, "the status of a deleted snapshot");
    assert_kind(provider.restore(&snapshot, &target("missing")).await, not_found, "a restore of a deleted snapshot");
    assert_kind(provider.create(&volume, &spec("gone")).await, not_found, "a snapshot of a deleted volume");
}

/// A snapshot can be deleted twice, and volumes that were restored from it stay.
pub async fn deletions_can_be_repeated(disks: &dyn Disks) {
    let provider = disks.provider();
    let volume = claimed(disks, &disks.make("x".into()).await);
    let snapshot = provider.create(&volume, &spec("deletions")).await.expect("a snapshot");
    ready(disks, &snapshot).await;
    let restored = provider.restore(&snapshot, &target("deletions")).await.expect("it is ready");
    for _ in 0..2 {
        provider.delete(&snapshot).await.expect("a deletion");
    }
    assert_eq!(disks.read(&restored).await, "x");
}

fn claimed(disks: &dyn Disks, persistent_volume: &Object) -> VolumeId {
    disks.provider().claim(persistent_volume).unwrap_or_else(|| panic!("{persistent_volume} is not claimed"))
}

fn spec(token: &str) -> SnapshotSpec {
    SnapshotSpec {
        client_token: format!("conformance/{token}"),
        tags: [("backup".into(), "conformance".into())].into(),
    }
}

fn target(token: &str) -> VolumeTarget {
    let token = if token.is_empty() { String::new() } else { format!("conformance/{token}") };
    VolumeTarget { client_token: token, ..VolumeTarget::default() }
}

async fn ready(disks: &dyn Disks, snapshot: &SnapshotId) {
    for _ in 0..POLLS_MAX {
        match disks.provider().status(snapshot).await.expect("it was created") {
            SnapshotStatus::Ready => return,
            SnapshotStatus::Pending { .. } => disks.settle().await,
            SnapshotStatus::Failed { message } => panic!("{snapshot} failed: {message}"),
        }
    }
    panic!("{snapshot} is still pending after {POLLS_MAX} answers");
}

fn assert_kind<T: Debug>(result: SnapshotResult<T>, expect: SnapshotErrorKind, what: &str) {
    match result {
        Ok(answer) => panic!("{what} gave {answer:?} instead of failing as {expect:?}"),
        Err(error) => assert_eq!(error.kind(), expect, "{what}: {error}"),
    }
}
