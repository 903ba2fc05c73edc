//! What becomes of a backup after it was made: it expires, it is swept away, and on the way it may break off anywhere.

use std::sync::Arc;

use kbackup_core::backup::BackupError;
use kbackup_core::catalog::{self, CatalogError, Policies, Policy, delete, expire, expiry, grace, sweep};
use kbackup_core::clock::ManualClock;
use kbackup_core::format::{BackupLayout, SnapshotRecord, read_manifest};
use kbackup_core::model::BackupName;
use kbackup_core::run::Run;
use kbackup_core::snapshot::{
    MemorySnapshots, SnapshotCall, SnapshotErrorKind, SnapshotFault, SnapshotProvider, SnapshotProviders, SnapshotSpec,
};
use kbackup_core::spec::{BackupSpec, RestoreSpec, Retention};
use kbackup_core::store::{FlakyStore, MemoryStore, ObjectStore, PutMode, ReadOnlyStore};

use crate::crash::{copy, plans, whole_backups};
use crate::world::{World, completed, keys, name};

pub(crate) fn at(time: &str) -> Run {
    Run::default().clock(Arc::new(ManualClock::at(time.parse().expect("a time"))))
}

pub(crate) fn none() -> SnapshotProviders {
    SnapshotProviders::default()
}

/// Backs up at a time, with a time to live.
async fn back_up_at(world: &World, backup: &str, time: &str, ttl: &str) {
    let spec =
        BackupSpec::default().ttl(ttl.parse().expect("a duration")).label("kbackup.dev/schedule-name", "nightly");
    world.engine().backup(&name(backup), &spec, &at(time)).await.expect("the backup is made");
}

/// Gives a backup snapshots, as a run that had taken them would have recorded.
async fn add_snapshots(store: &MemoryStore, backup: &str, disks: &MemorySnapshots, count: usize) {
    let mut manifest = read_manifest(store, &name(backup)).await.expect("it exists");
    for number in 0..count {
        let volume = disks.make_volume("content");
        let spec = SnapshotSpec { client_token: format!("{backup}-{number}"), tags: [].into() };
        let id = disks.create(&volume, &spec).await.expect("a snapshot");
        manifest.snapshots.push(SnapshotRecord { provider: disks.name().to_owned(), id });
    }
    let bytes = serde_json::to_vec(&manifest).expect("plain data");
    let key = BackupLayout::new(&name(backup)).manifest();
    store.put(&key, bytes.into(), PutMode::Overwrite).await.expect("stored");
}

#[tokio::test]
async fn what_is_expired_goes_with_its_files_and_snapshots() {
    let world = World::shop();
    back_up_at(&world, "old", "2026-11-01T00:00:00Z", "24h").await;
    let kept = keys(&world.store).await.len();
    back_up_at(&world, "older", "2026-10-01T00:00:00Z", "24h").await;
    back_up_at(&world, "fresh", "2026-11-24T00:00:00Z", "24h1s").await;
    let disks = MemorySnapshots::new();
    add_snapshots(&world.store, "older", &disks, 3).await;
    let providers = none().with(Arc::new(disks.clone()));
    let policies =
        Policies::default().schedule("nightly", Policy::new(Retention { keep_last: 2, ..Retention::default() }));

    let now = at("2026-11-25T00:00:00Z");
    let before = keys(&world.store).await;
    let verdicts = expiry(&world.store, &policies, &now).await.expect("it can be listed");
    let told: Vec<String> = verdicts.iter().map(|it| format!("{}: {it}", it.record.name)).collect();
    assert_eq!(
        told,
        [
            "fresh: not expired, keepLast 1",
            "old: keepLast 2",
            "older: expired 2026-10-02T00:00:00Z, and no rule keeps it"
        ]
    );
    assert_eq!(keys(&world.store).await, before, "a look has no effect");

    let expired = expire(&world.store, &providers, &policies, &now).await.expect("it can be listed");
    assert_eq!(expired.deleted, [name("older")]);
    assert!(expired.failed.is_empty() && disks.snapshots().is_empty());
    assert_eq!(whole_backups(&world.store).await, ["fresh", "old"]);
    let expired = expire(&world.store, &providers, &Policies::default(), &at("2026-11-25T00:00:01Z")).await;
    assert_eq!(expired.expect("it can be listed").deleted.len(), 2, "without rules the time to live decides alone");
    assert!(keys(&world.store).await.len() < kept);
}

#[tokio::test]
async fn expiry_that_broke_off_anywhere_is_finished_and_orphans_no_snapshot() {
    let world = World::shop();
    back_up_at(&world, "kept", "2026-11-24T23:00:00Z", "24h").await;
    let kept = keys(&world.store).await;
    back_up_at(&world, "over", "2026-11-01T00:00:00Z", "24h").await;
    let now = || at("2026-11-25T00:00:00Z");
    for n in 1.. {
        let mut failures = 0;
        for (how, plan) in plans(n) {
            let store = copy(&world.store).await;
            let disks = MemorySnapshots::new();
            add_snapshots(&store, "over", &disks, 2).await;
            let providers = none().with(Arc::new(disks.clone()));
            let flaky = FlakyStore::new(Arc::new(store.clone()), plan);
            let first = expire(&flaky, &providers, &Policies::default(), &now()).await;
            failures += flaky.failures();
            let case = format!("operation {n} fails {how}: {first:?}");
            let there = read_manifest(&store, &name("over")).await.is_ok();
            assert!(there || disks.snapshots().is_empty(), "a snapshot that no manifest names: {case}");
            let finished = finish(&store, &providers, n, &now()).await;
            assert_eq!(keys(&store).await, kept, "{case}, then {finished}");
            assert!(disks.snapshots().is_empty(), "{case}");
            assert_eq!(whole_backups(&store).await, ["kept"], "{case}");
        }
        if failures == 0 {
            break;
        }
    }
}

/// What broke off is finished by the next sweep, or by the next deletion of that name; what had not begun by the next
/// expiry.
async fn finish(store: &MemoryStore, providers: &SnapshotProviders, n: u64, run: &Run) -> &'static str {
    let names = catalog::names(store).await.expect("it can be listed");
    if n.is_multiple_of(2) && names.contains(&name("over")) {
        delete(store, providers, &name("over"), run).await.expect("it is finished");
        return "a deletion";
    }
    let swept = sweep(store, providers, grace(), run).await.expect("it can be listed");
    assert!(swept.failed.is_empty(), "{swept:?}");
    let expired = expire(store, providers, &Policies::default(), run).await.expect("it can be listed");
    assert!(expired.failed.is_empty(), "{expired:?}");
    "a sweep and an expiry"
}

#[tokio::test]
async fn a_disk_service_that_fails_or_is_not_there_keeps_the_manifest() {
    let world = World::shop();
    back_up_at(&world, "a", "2026-11-01T00:00:00Z", "24h").await;
    let disks = MemorySnapshots::new();
    add_snapshots(&world.store, "a", &disks, 2).await;
    let before = keys(&world.store).await;
    let missing = delete(&world.store, &none(), &name("a"), &Run::default()).await.expect_err("who has the snapshots?");
    assert_eq!(missing.to_string(), "backup \"a\" has snapshots at \"memory\", which is not set up here");
    assert_eq!(keys(&world.store).await, before, "nothing was touched");

    let providers = none().with(Arc::new(disks.clone()));
    disks.fail_next(SnapshotCall::Delete, SnapshotFault::Refused(SnapshotErrorKind::PermissionDenied));
    let refused = delete(&world.store, &providers, &name("a"), &Run::default()).await;
    assert!(matches!(refused, Err(CatalogError::Snapshot { .. })), "{refused:?}");
    assert_eq!(read_manifest(&world.store, &name("a")).await.expect("it is there").snapshots.len(), 2);
    let again = world.engine().backup(&name("a"), &BackupSpec::default(), &Run::default()).await;
    assert!(matches!(again, Err(BackupError::NameTaken { .. })), "{again:?}");
    delete(&world.store, &providers, &name("a"), &Run::default()).await.expect("the service works again");
    assert!(disks.snapshots().is_empty());
}

#[tokio::test]
async fn a_name_that_is_being_deleted_is_not_taken() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    world
        .store
        .put(&"backups/a/deleting.json".parse().expect("a key"), "{}".into(), PutMode::Create)
        .await
        .expect("put");
    let refused = world.engine().backup(&name("a"), &BackupSpec::default(), &Run::default()).await;
    assert!(matches!(refused, Err(BackupError::Deleting { .. })), "{refused:?}");
    sweep(&world.store, &none(), grace(), &Run::default()).await.expect("it can be listed");
    world.back_up("a", &BackupSpec::default()).await;
}

const CLAIM: &str = r#"{"runId":"7f0c5b52-0d5c-4f5e-9a7c-6f0b3c9d9a11","startedAt":"2026-11-23T00:00:00Z","heartbeatAt":"2026-11-23T00:01:00Z"}"#;

/// A store with a backup, one that a run has left a day ago, and a deletion that broke off.
async fn littered() -> MemoryStore {
    let world = World::shop();
    back_up_at(&world, "whole", "2026-11-23T00:00:00Z", "720h").await;
    back_up_at(&world, "going", "2026-11-23T00:00:00Z", "720h").await;
    for (key, body) in [
        ("backups/half/claim.json", CLAIM),
        ("backups/half/resources/00001.tar.zst", "x"),
        ("backups/going/deleting.json", "{}"),
    ] {
        world.store.put(&key.parse().expect("a key"), body.into(), PutMode::Create).await.expect("stored");
    }
    world.store
}

fn names(found: &[BackupName]) -> Vec<&str> {
    found.iter().map(BackupName::as_str).collect()
}

#[tokio::test]
async fn a_sweep_removes_what_is_dead_and_finishes_what_was_begun() {
    let store = littered().await;
    let swept = sweep(&store, &none(), grace(), &at("2026-11-24T00:00:59Z")).await.expect("it can be listed");
    assert_eq!((names(&swept.deletions), names(&swept.unfinished)), (vec!["going"], vec![]));
    assert_eq!(swept.waiting.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["half"]);
    let swept = sweep(&store, &none(), grace(), &at("2026-11-24T00:01:00Z")).await.expect("it can be listed");
    assert_eq!((names(&swept.deletions), names(&swept.unfinished)), (vec![], vec!["half"]));
    let left = keys(&store).await;
    assert!(left.iter().all(|key| key.starts_with("backups/whole/") || key == "kbackup.json"), "{left:?}");
}

#[tokio::test]
async fn a_sweep_that_broke_off_is_finished_by_the_next() {
    let now = || at("2026-11-25T00:00:00Z");
    let clean = littered().await;
    sweep(&clean, &none(), grace(), &now()).await.expect("it can be listed");
    let clean = keys(&clean).await;
    for n in 1.. {
        let mut failures = 0;
        for (how, plan) in plans(n) {
            let store = littered().await;
            let flaky = FlakyStore::new(Arc::new(store.clone()), plan);
            let first = sweep(&flaky, &none(), grace(), &now()).await;
            failures += flaky.failures();
            let listed = whole_backups_but(&store, "going").await;
            assert_eq!(listed, ["whole"], "operation {n} fails {how}: {first:?}");
            sweep(&store, &none(), grace(), &now()).await.expect("the store works");
            assert_eq!(keys(&store).await, clean, "operation {n} fails {how}: {first:?}");
        }
        if failures == 0 {
            break;
        }
    }
}

/// The whole backups beside one whose deletion has begun.
async fn whole_backups_but(store: &MemoryStore, but: &str) -> Vec<String> {
    let listed = catalog::list(store, &kbackup_core::limits::Limits::default()).await.expect("it can be listed");
    let mut names = Vec::new();
    for backup in listed.into_iter().filter(|backup| backup.name.as_str() != but) {
        assert!(!backup.deleting && backup.summary.is_ok());
        names.push(backup.name.to_string());
    }
    names
}

#[tokio::test]
async fn a_read_only_store_refuses_all_but_restores() {
    let world = World::shop();
    back_up_at(&world, "a", "2020-01-01T00:00:00Z", "1h").await;
    let before = keys(&world.store).await;
    let store = ReadOnlyStore::new(Arc::new(world.store.clone()));
    let engine = kbackup_core::engine::Engine::new(world.cluster.clone(), store.clone());
    let run = Run::default();
    let made = engine.backup(&name("b"), &BackupSpec::default(), &run).await.expect_err("read-only").to_string();
    let policies = Policies::default();
    let mut said = vec![
        engine.delete(&name("a"), &run).await.expect_err("read-only").to_string(),
        engine.expire(&policies, &run).await.expect_err("read-only").to_string(),
        sweep(&store, &none(), grace(), &run).await.expect_err("read-only").to_string(),
        catalog::copy(&world.store, &store, &name("a"), &run).await.expect_err("read-only").to_string(),
    ];
    said.dedup();
    assert_eq!(said, ["memory:// is read-only: no backup can be made or deleted there"]);
    assert_eq!(made, said[0]);
    let target = world.elsewhere();
    let engine = kbackup_core::engine::Engine::new(target.cluster.clone(), store);
    let plan = engine.plan_restore(&name("r"), &RestoreSpec::from_backup(name("a")), &run).await.expect("a plan");
    completed(&engine.apply(&plan, &run).await.expect("it can be restored"));
    assert_eq!(keys(&world.store).await, before, "nothing was touched");
}
