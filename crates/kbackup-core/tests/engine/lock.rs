//! Backups that the store itself keeps from being deleted.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kbackup_core::backup::BackupError;
use kbackup_core::catalog::{CatalogError, Policies, copy, delete, expire, grace, list, sweep};
use kbackup_core::clock::{Clock, ManualClock};
use kbackup_core::engine::Engine;
use kbackup_core::format::BackupLayout;
use kbackup_core::limits::Limits;
use kbackup_core::model::LockMode;
use kbackup_core::run::Run;
use kbackup_core::snapshot::SnapshotProviders;
use kbackup_core::spec::BackupSpec;
use kbackup_core::store::{
    Failures, FlakyStore, MemoryStore, ObjectStore, PrefixStore, PutMode, ReadOnlyStore, RetryPolicy, RetryStore,
    StoreErrorKind,
};

use crate::world::{World, keys, name};

/// A shop at a time of the test's own, whose backups are locked for a day.
fn shop() -> (World, Arc<ManualClock>, Run, BackupSpec) {
    let begin: Timestamp = "2026-11-25T10:00:30Z".parse().expect("a time");
    let clock = Arc::new(ManualClock::at(begin));
    let world = World { store: MemoryStore::new().with_clock(clock.clone()), ..World::shop() };
    let spec = BackupSpec { lock: Some(LockMode::Governance), ..BackupSpec::default() };
    let spec = spec.namespaces(["shop"]).ttl("24h".parse().expect("a TTL"));
    (world, clock.clone(), Run::default().clock(clock), spec)
}

#[tokio::test]
async fn a_locked_backup_stays_until_its_time() {
    let (world, clock, run, spec) = shop();
    let report = world.engine().backup(&name("kept"), &spec, &run).await.expect("it is made");
    let lock = report.manifest.lock.expect("the manifest says so");
    assert_eq!(lock.mode, LockMode::Governance);
    assert!(lock.until >= report.manifest.started_at + Duration::from_secs(86_400), "the lock covers the TTL");
    assert!(report.manifest.expires_at >= lock.until, "what expires can be deleted");

    let before = keys(&world.store).await;
    let files = before.iter().filter(|key| key.starts_with("backups/kept/"));
    for key in files.clone() {
        let refused = world.store.delete(&[key.parse().expect("a key")]).await.expect_err("the store holds it");
        assert_eq!(refused.kind(), StoreErrorKind::PermissionDenied, "{key}");
    }
    assert!(files.count() >= 4, "parts, index, issues, manifest: {before:?}");
    let refused =
        delete(&world.store, &SnapshotProviders::default(), &name("kept"), &run).await.expect_err("our refusal");
    assert!(matches!(refused, CatalogError::Locked { .. }), "{refused:?}");
    assert!(refused.to_string().contains(&lock.until.to_string()), "the date is told: {refused}");
    assert_eq!(keys(&world.store).await, before, "nothing was touched");

    clock.advance(lock.until.duration_since(clock.now()).unsigned_abs());
    delete(&world.store, &SnapshotProviders::default(), &name("kept"), &run).await.expect("its time has come");
    assert!(list(&world.store, &Limits::default()).await.expect("a list").is_empty());
}

#[tokio::test]
async fn a_decorated_store_locks_too() {
    let (world, _, run, spec) = shop();
    let below = PrefixStore::new(Arc::new(world.store.clone()), "below".parse().expect("a prefix"));
    let engine = Engine::new(world.cluster.clone(), below);
    engine.backup(&name("kept"), &spec, &run).await.expect("it is made");
    let manifest = "below/backups/kept/manifest.json".parse().expect("a key");
    world.store.delete(&[manifest]).await.expect_err("the store holds it");
}

#[tokio::test]
async fn without_a_lock_nothing_is_held() {
    let (world, _, run, spec) = shop();
    let spec = BackupSpec { lock: None, ..spec };
    let report = world.engine().backup(&name("loose"), &spec, &run).await.expect("it is made");
    assert_eq!(report.manifest.lock, None);
    delete(&world.store, &SnapshotProviders::default(), &name("loose"), &run).await.expect("nothing holds it");
}

#[tokio::test]
async fn a_store_that_cannot_lock_is_refused_before_anything_is_written() {
    let (world, _, run, spec) = shop();
    let store = NoLock(Arc::new(world.store.clone()));
    let engine = Engine::new(world.cluster.clone(), store);
    let refused = engine.backup(&name("kept"), &spec, &run).await.expect_err("the store can't lock");
    let unsupported = |error: &BackupError| matches!(error, BackupError::Store { source, .. } if source.kind() == StoreErrorKind::Unsupported);
    assert!(unsupported(&refused), "{refused:?}");
    assert!(keys(&world.store).await.is_empty(), "nothing was written");
    let read_only = ReadOnlyStore::new(Arc::new(world.store.clone()));
    let lock = kbackup_core::model::Lock { mode: LockMode::Compliance, until: Timestamp::MAX };
    let refused = read_only.locked(lock).await.expect_err("it is read-only");
    assert_eq!(refused.kind(), StoreErrorKind::PermissionDenied);
}

#[tokio::test]
async fn a_copy_is_locked_as_its_original_is() {
    let (world, clock, run, spec) = shop();
    let made = world.engine().backup(&name("kept"), &spec, &run).await.expect("it is made");
    let lock = made.manifest.lock.expect("it is locked");
    let elsewhere = MemoryStore::named("elsewhere").with_clock(clock.clone());
    copy(&world.store, &elsewhere, &name("kept"), &run).await.expect("it is copied");
    for key in keys(&elsewhere).await.iter().filter(|key| key.starts_with("backups/kept/")) {
        let gone = elsewhere.delete(&[key.parse().expect("a key")]).await;
        assert_eq!(gone.is_ok(), key.ends_with("copied.json"), "all that is the backup's is held: {key}");
    }
    let plain = MemoryStore::named("plain");
    let refused =
        copy(&world.store, &NoLock(Arc::new(plain.clone())), &name("kept"), &run).await.expect_err("no locks");
    assert!(refused.to_string().contains("asking the store to lock the copy"), "{refused}");
    assert!(keys(&plain).await.is_empty(), "nothing was written");
    clock.advance(lock.until.duration_since(clock.now()).unsigned_abs());
    copy(&world.store, &NoLock(Arc::new(plain.clone())), &name("kept"), &run).await.expect("its time is over");
}

#[tokio::test]
async fn neither_pruning_nor_sweeping_touches_what_is_locked() {
    let (world, _, run, spec) = shop();
    world.engine().backup(&name("kept"), &spec, &run).await.expect("it is made");
    let layout = BackupLayout::new(&name("kept"));
    let before = keys(&world.store).await;
    let expired =
        expire(&world.store, &SnapshotProviders::default(), &Policies::default(), &run).await.expect("a look");
    assert!(expired.deleted.is_empty() && expired.failed.is_empty(), "{expired:?}");
    // Somebody who may write asks for its deletion.
    world.store.put(&layout.deleting(), "{}".into(), PutMode::Create).await.expect("a note is written");
    let swept = sweep(&world.store, &SnapshotProviders::default(), grace(), &run).await.expect("a look");
    assert!(matches!(&swept.failed[..], [(_, CatalogError::Locked { .. })]), "{swept:?}");
    world.store.delete(&[layout.deleting()]).await.expect("the note is not locked");
    assert_eq!(keys(&world.store).await, before, "nothing was touched");
}

#[tokio::test]
async fn an_answer_that_is_lost_ends_no_locked_backup() {
    for n in 1.. {
        let (world, clock, run, spec) = shop();
        let flaky = FlakyStore::new(Arc::new(world.store.clone()), Failures::at_nth(n).after_effect());
        let store = RetryStore::new(Arc::new(flaky.clone()), RetryPolicy::default(), clock);
        let made = Engine::new(world.cluster.clone(), store).backup(&name("kept"), &spec, &run).await;
        let case = format!("the answer of operation {n} is lost: {made:?}");
        assert!(made.is_ok_and(|report| report.manifest.lock.is_some()), "{case}");
        for key in keys(&world.store).await.iter().filter(|key| key.starts_with("backups/kept/")) {
            world.store.delete(&[key.parse().expect("a key")]).await.expect_err("all of it is held");
        }
        if flaky.failures() == 0 {
            break;
        }
    }
}

/// A store as it is where nobody has thought of locks.
#[derive(Debug)]
struct NoLock(Arc<dyn ObjectStore>);

mod no_lock {
    use std::fmt;
    use std::ops::Range;

    use async_trait::async_trait;
    use bytes::Bytes;
    use futures::stream::BoxStream;
    use kbackup_core::store::{
        Capabilities, Children, Download, Key, ObjectStore, Prefix, PutMode, StoreResult, Stored, Upload,
    };

    use super::NoLock;

    impl fmt::Display for NoLock {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.fmt(f)
        }
    }

    #[async_trait]
    impl ObjectStore for NoLock {
        fn capabilities(&self) -> Capabilities {
            self.0.capabilities()
        }
        async fn put(&self, key: &Key, body: Bytes, mode: PutMode) -> StoreResult<Stored> {
            self.0.put(key, body, mode).await
        }
        async fn upload(&self, key: &Key, mode: PutMode) -> StoreResult<Box<dyn Upload>> {
            self.0.upload(key, mode).await
        }
        async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Download> {
            self.0.get(key, range).await
        }
        async fn head(&self, key: &Key) -> StoreResult<Stored> {
            self.0.head(key).await
        }
        fn list(&self, prefix: &Prefix) -> BoxStream<'_, StoreResult<Stored>> {
            self.0.list(prefix)
        }
        async fn list_children(&self, prefix: &Prefix) -> StoreResult<Children> {
            self.0.list_children(prefix).await
        }
        async fn delete(&self, keys: &[Key]) -> StoreResult<()> {
            self.0.delete(keys).await
        }
    }
}
