use super::*;
use crate::conformance::snapshot::{Disks, all};

/// The service as those see it who mount its volumes.
struct Bench(MemorySnapshots);

#[async_trait]
impl Disks for Bench {
    fn provider(&self) -> &dyn SnapshotProvider {
        &self.0
    }

    async fn make(&self, content: Bytes) -> Object {
        MemorySnapshots::persistent_volume("pv", &self.0.make_volume(content))
    }

    async fn write(&self, volume: &VolumeId, content: Bytes) {
        self.0.write_volume(volume, content);
    }

    async fn delete(&self, volume: &VolumeId) {
        self.0.delete_volume(volume);
    }

    async fn read(&self, volume: &VolumeId) -> Bytes {
        self.0.volume(volume).expect("the volume exists").content
    }

    async fn settle(&self) {
        for snapshot in self.0.snapshots().keys() {
            self.0.finish(snapshot);
        }
    }
}

fn spec(token: &str) -> SnapshotSpec {
    SnapshotSpec { client_token: token.to_owned(), tags: [("backup".to_owned(), "nightly".to_owned())].into() }
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    for disks in
        [MemorySnapshots::new(), MemorySnapshots::new().ready_after_polls(3), MemorySnapshots::new().ready_by_hand()]
    {
        all(&Bench(disks)).await;
    }
}

#[tokio::test]
async fn snapshots_are_pending_for_as_long_as_asked() {
    let disks = MemorySnapshots::new().ready_after_polls(2);
    let snapshot = disks.create(&disks.make_volume("x"), &spec("a")).await.expect("a snapshot");
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(disks.status(&snapshot).await.expect("it was created") == SnapshotStatus::Ready);
    }
    assert_eq!(answers, [false, false, true, true]);
}

#[tokio::test]
async fn calls_fail_as_planned() {
    let disks = MemorySnapshots::new();
    let volume = disks.make_volume("x");
    disks.fail_next(SnapshotCall::Create, SnapshotFault::Refused(SnapshotErrorKind::PermissionDenied));
    disks.fail_next(SnapshotCall::Create, SnapshotFault::AnswerLost);
    let error = disks.create(&volume, &spec("a")).await.expect_err("it is refused");
    assert_eq!(error.kind(), SnapshotErrorKind::PermissionDenied);
    assert!(disks.snapshots().is_empty());
    let error = disks.create(&volume, &spec("a")).await.expect_err("the answer is lost");
    assert!(error.is_retryable());
    let found = disks.create(&volume, &spec("a")).await.expect("the token finds it again");
    assert_eq!(disks.snapshots(), [(found, spec("a").tags)].into());
}

#[tokio::test]
async fn a_copy_that_fails_is_never_ready() {
    let disks = MemorySnapshots::new();
    disks.fail_next(SnapshotCall::Create, SnapshotFault::CopyFails);
    let snapshot = disks.create(&disks.make_volume("x"), &spec("a")).await.expect("a snapshot");
    disks.finish(&snapshot);
    assert!(matches!(disks.status(&snapshot).await, Ok(SnapshotStatus::Failed { .. })));
    let error = disks.restore(&snapshot, &VolumeTarget::default()).await.expect_err("it failed");
    assert_eq!(error.kind(), SnapshotErrorKind::Invalid);
}

#[tokio::test]
async fn restored_volumes_have_the_zone_and_tags_asked_for() {
    let disks = MemorySnapshots::new();
    let snapshot = disks.create(&disks.make_volume("x"), &spec("a")).await.expect("a snapshot");
    let tags: BTreeMap<_, _> = [("restore".to_owned(), "monday".to_owned())].into();
    let target = VolumeTarget { zone: Some("eu-1a".to_owned()), tags: tags.clone(), ..VolumeTarget::default() };
    let restored = disks.volume(&disks.restore(&snapshot, &target).await.expect("it is ready")).expect("it was made");
    assert_eq!(restored, MemoryVolume { content: "x".into(), zone: Some("eu-1a".to_owned()), tags });
    assert!(!format!("{restored:?}").contains("\"x\""), "no content is printed");
}
