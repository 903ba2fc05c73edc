//! Restores of volumes: their data comes from snapshots, from the disk that is still there, or from nowhere.

use std::sync::Arc;

use kbackup_core::crypt::Seal;
use kbackup_core::engine::Engine;
use kbackup_core::format::{BackupLayout, FileWriter, read_manifest};
use kbackup_core::issue::{Code, Outcome};
use kbackup_core::limits::Limits;
use kbackup_core::model::ObjectRef;
use kbackup_core::report::{RestoreReport, VolumeOrigin};
use kbackup_core::run::Run;
use kbackup_core::snapshot::{
    MemorySnapshots, SnapshotCall, SnapshotErrorKind, SnapshotFault, SnapshotProvider, SnapshotProviders, SnapshotSpec,
    VolumeId,
};
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use kbackup_core::store::{ObjectStore, PutMode};
use kbackup_core::volume::{VolumeResult, VolumeSnapshot};
use serde_json::{Value, json};

use crate::resume::hurried;
use crate::world::{World, completed, core, in_shop, name, namespace};

/// A claim that is bound to a volume, and both are backed up with a snapshot of the volume.
struct Bound {
    world: World,
    disks: MemorySnapshots,
}

fn volume(policy: &str, disk: &VolumeId) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv"},
        "spec": {
            "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "storageClassName": "fast",
            "persistentVolumeReclaimPolicy": policy,
            "csi": {"driver": MemorySnapshots::DRIVER, "volumeHandle": disk.0},
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": "shop", "name": "data", "uid": "old"}
        }
    })
}

fn claim() -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"namespace": "shop", "name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "fast",
            "volumeName": "pv"
        }
    })
}

impl Bound {
    /// With a snapshot in the backup, or without one.
    async fn new(policy: &str, with_snapshot: bool, disks: MemorySnapshots) -> Self {
        let disk = disks.make_volume("before");
        let class = json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"},
            "provisioner": MemorySnapshots::DRIVER});
        let world = World::new([namespace("shop"), class, volume(policy, &disk), claim()]);
        world.back_up("b", &BackupSpec::default()).await;
        if with_snapshot {
            let spec = SnapshotSpec { client_token: "b/pv".to_owned(), tags: [].into() };
            let snapshot = disks.create(&disk, &spec).await.expect("it is taken");
            let snapshot = VolumeSnapshot { provider: "memory".to_owned(), id: snapshot, zone: Some("a".to_owned()) };
            record(&world, snapshot).await;
        }
        disks.write_volume(&disk, "after");
        Self { world, disks }
    }

    fn engine(&self) -> Engine {
        self.world.engine().snapshots(SnapshotProviders::default().with(Arc::new(self.disks.clone())))
    }

    /// The same backup before an empty cluster.
    fn elsewhere(self) -> Self {
        Self { world: self.world.elsewhere(), ..self }
    }

    async fn restore(&self, spec: &RestoreSpec) -> RestoreReport {
        let plan = self.engine().plan_restore(&name("r"), spec, &hurried()).await.expect("planned");
        self.engine().apply(&plan, &hurried()).await.expect("applied")
    }

    fn volume(&self, name: &str) -> Option<Value> {
        self.world.get(&ObjectRef::cluster(core("persistentvolumes"), name))
    }

    /// What the volume of a claim holds.
    fn content(&self, namespace: &str) -> Option<String> {
        let claim = ObjectRef::namespaced(core("persistentvolumeclaims"), namespace, "data");
        let claim = self.world.get(&claim).expect("the claim is there");
        let volume = self.volume(claim["spec"]["volumeName"].as_str()?)?;
        let disk = VolumeId(volume["spec"]["csi"]["volumeHandle"].as_str()?.to_owned());
        let disk = self.disks.volume(&disk)?;
        Some(String::from_utf8_lossy(&disk.content).into_owned())
    }
}

/// Writes into the backup that a snapshot was taken of its volume.
async fn record(world: &World, snapshot: VolumeSnapshot) {
    let mut manifest = read_manifest(&world.store, &name("b")).await.expect("it exists");
    let mut records = manifest.read_volumes(&world.store).await.expect("they are whole");
    assert_eq!(records.iter().filter(|record| record.volume.as_deref() == Some("pv")).count(), 1, "{records:?}");
    for record in &mut records {
        record.result = VolumeResult::Snapshotted;
        record.snapshot = Some(snapshot.clone());
    }
    let (layout, limits) = (BackupLayout::new(&name("b")), Limits::default());
    let mut file = FileWriter::new(&world.store, layout.volumes(), &limits, &Seal::default()).expect("it begins");
    for record in &records {
        file.write(format!("{}\n", json!(record)).as_bytes()).await.expect("it is written");
    }
    let file = file.finish().await.expect("it ends");
    manifest.files.insert("volumes".to_owned(), file);
    let bytes = serde_json::to_vec(&manifest).expect("JSON");
    world.store.put(&layout.manifest(), bytes.into(), PutMode::Overwrite).await.expect("it is written");
}

fn spec() -> RestoreSpec {
    RestoreSpec::from_backup(name("b"))
}

fn codes(report: &RestoreReport) -> Vec<Code> {
    report.issues.iter().map(|issue| issue.code).collect()
}

#[tokio::test]
async fn a_snapshot_becomes_the_disk_of_the_volume() {
    for policy in ["Delete", "Retain"] {
        let bound = Bound::new(policy, true, MemorySnapshots::new().ready_after_polls(0)).await.elsewhere();
        let report = bound.restore(&spec()).await;
        completed(&report);
        let volumes: Vec<_> = report.volumes.iter().map(|volume| (&*volume.volume, volume.from)).collect();
        assert_eq!(volumes, [("pv", VolumeOrigin::Snapshot)]);
        assert_eq!(bound.content("shop").as_deref(), Some("before"));
        let volume = bound.volume("pv").expect("it is there");
        assert_eq!(volume["metadata"]["name"], "pv");
        assert_ne!(volume["spec"]["claimRef"]["uid"], "old", "it is bound to the new claim");
        let made = bound.disks.volumes().len();
        assert_eq!(made, 2, "one disk, and the old one");
    }
}

#[tokio::test]
async fn a_volume_whose_name_is_taken_gets_another_one() {
    let bound = Bound::new("Delete", true, MemorySnapshots::new()).await;
    let report = bound.restore(&spec().map_namespace("shop", "copy")).await;
    completed(&report);
    assert_eq!((bound.content("shop").as_deref(), bound.content("copy").as_deref()), (Some("after"), Some("before")));
    let copy = ObjectRef::namespaced(core("persistentvolumeclaims"), "copy", "data");
    let copy = bound.world.get(&copy).expect("the claim is there");
    let renamed = copy["spec"]["volumeName"].as_str().expect("it has a volume").to_owned();
    let renamed = bound.volume(&renamed).expect("it is there");
    assert_eq!(renamed["metadata"]["annotations"]["kbackup.dev/original-name"], "pv");
    assert_eq!(renamed["spec"]["claimRef"]["namespace"], "copy");
}

#[tokio::test]
async fn a_volume_that_is_there_keeps_its_disk() {
    for with_snapshot in [true, false] {
        let bound = Bound::new("Delete", with_snapshot, MemorySnapshots::new()).await;
        bound.world.delete(&in_shop("persistentvolumeclaims", "data"));
        completed(&bound.restore(&spec()).await);
        assert_eq!(bound.content("shop").as_deref(), Some("after"));
        assert_eq!(bound.disks.volumes().len(), 1);
    }
}

#[tokio::test]
async fn a_disk_that_went_with_its_volume_is_replaced_by_an_empty_one() {
    let bound = Bound::new("Delete", false, MemorySnapshots::new()).await.elsewhere();
    let report = bound.restore(&spec()).await;
    assert_eq!((report.outcome, codes(&report)), (Outcome::Completed, vec![Code::VolumeEmpty]), "{report:?}");
    assert!(bound.volume("pv").is_none(), "it would point at a disk that is not there");
    let claim = bound.world.get(&in_shop("persistentvolumeclaims", "data")).expect("it is there");
    assert_eq!(claim["spec"].get("volumeName"), None, "its class makes a new one");

    let kept = Bound::new("Retain", false, MemorySnapshots::new()).await.elsewhere();
    completed(&kept.restore(&spec()).await);
    assert_eq!(kept.content("shop").as_deref(), Some("after"), "its disk is still there");

    // A volume of that name belongs to the claim that keeps its namespace.
    let taken = Bound::new("Retain", false, MemorySnapshots::new()).await;
    let report = taken.restore(&spec().map_namespace("shop", "copy")).await;
    assert_eq!(codes(&report), [Code::VolumeEmpty], "{:?}", report.issues);
    assert_eq!((taken.content("shop").as_deref(), taken.content("copy")), (Some("after"), None));
}

#[tokio::test]
async fn volumes_are_left_alone_on_request() {
    let bound = Bound::new("Retain", true, MemorySnapshots::new()).await.elsewhere();
    completed(&bound.restore(&RestoreSpec { restore_volumes: Some(false), ..spec() }).await);
    assert_eq!(bound.content("shop").as_deref(), Some("after"));
    assert_eq!(bound.disks.volumes().len(), 1);
}

#[tokio::test]
async fn a_disk_that_can_not_be_made_costs_its_volume_alone() {
    let bound = Bound::new("Delete", true, MemorySnapshots::new()).await.elsewhere();
    let plan = bound.engine().plan_restore(&name("r"), &spec(), &Run::default()).await.expect("planned");
    // Nobody is set up who knows the snapshot.
    let report = bound.world.engine().apply(&plan, &hurried()).await.expect("applied");
    assert_eq!((report.counts.failed, codes(&report)), (1, vec![Code::NoProvider]), "{:?}", report.issues);
    assert!(bound.world.get(&in_shop("persistentvolumeclaims", "data")).is_some());
    // Then somebody is, who refuses once.
    bound.disks.fail_next(SnapshotCall::Restore, SnapshotFault::Refused(SnapshotErrorKind::PermissionDenied));
    let report = bound.engine().apply(&plan, &hurried()).await.expect("applied");
    assert_eq!((report.counts.failed, codes(&report)), (1, vec![Code::SnapshotFailed]), "{:?}", report.issues);
    // What passes is tried again, and a lost answer does not cost a second disk.
    bound.disks.fail_next(SnapshotCall::Restore, SnapshotFault::Refused(SnapshotErrorKind::Unavailable));
    bound.disks.fail_next(SnapshotCall::Restore, SnapshotFault::AnswerLost);
    bound.disks.fail_next(SnapshotCall::Restore, SnapshotFault::Refused(SnapshotErrorKind::NotReady));
    let report = bound.engine().apply(&plan, &hurried()).await.expect("applied");
    completed(&report);
    assert_eq!(bound.content("shop").as_deref(), Some("before"));
    assert_eq!(bound.disks.volumes().len(), 2);
}

#[tokio::test]
async fn a_dry_run_makes_no_disk() {
    let bound = Bound::new("Delete", true, MemorySnapshots::new()).await.elsewhere();
    let plan = bound.engine().plan_restore(&name("r"), &spec(), &Run::default()).await.expect("planned");
    let checked = bound.engine().check(plan, &Run::default()).await.expect("checked");
    assert_eq!(checked.counts().failed, 0, "{}", checked.listing());
    assert_eq!(bound.disks.volumes().len(), 1);
}
