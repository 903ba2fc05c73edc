//! A store that fails at every n-th operation, once, for good, before and after taking effect: no unfinished backup ever
//! lists, no finished one is ever lost. All of it twice: in the clear, and encrypted and signed.

use std::sync::Arc;
use std::time::Duration;

use kbackup_core::backup::{self, BackupError};
use kbackup_core::catalog::{self, delete, list};
use kbackup_core::clock::{Clock, ManualClock, SystemClock};
use kbackup_core::engine::Engine;
use kbackup_core::format::{Access, read_manifest, verify_part};
use kbackup_core::limits::Limits;
use kbackup_core::run::Run;
use kbackup_core::snapshot::SnapshotProviders;
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use kbackup_core::store::{Failures, FlakyStore, MemoryStore, ObjectStore};

use crate::world::{World, completed, keys, name, small};

/// Every way in which the n-th operation can fail.
pub(crate) fn plans(n: u64) -> [(&'static str, Failures); 4] {
    [
        ("once, before its effect", Failures::at_nth(n)),
        ("once, after its effect", Failures::at_nth(n).after_effect()),
        ("for good, before its effect", Failures::from_nth(n)),
        ("for good, after its effect", Failures::from_nth(n).after_effect()),
    ]
}

/// The backups that list, each checked to its last byte.
pub(crate) async fn whole_backups(store: &dyn ObjectStore) -> Vec<String> {
    whole(Access::from(store)).await
}

/// The same, with the keys of a world.
async fn whole_backups_of(world: &World, store: &dyn ObjectStore) -> Vec<String> {
    whole(Access::new(store, &world.keyring)).await
}

pub(crate) async fn whole(access: Access<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for listed in list(access, &Limits::default()).await.expect("the store can be listed") {
        let manifest = read_manifest(access, &listed.name).await.expect("what lists can be read");
        let index = manifest.read_index(access).await.expect("its index is whole");
        assert_eq!(index.len() as u64, manifest.counts.objects, "{}", listed.name);
        for part in &manifest.parts {
            verify_part(access, &manifest.name, part).await.expect("its parts are whole");
        }
        names.push(listed.name.to_string());
    }
    names
}

#[tokio::test]
async fn a_backup_is_whole_or_not_there() {
    whole_or_not_there(World::shop()).await;
    whole_or_not_there(World::shop().protected()).await;
}

async fn whole_or_not_there(world: World) {
    world.back_up("first", &BackupSpec::default()).await;
    let before = keys(&world.store).await;
    let (mut made, mut refused) = (0, 0);
    for n in 1.. {
        let mut failures = 0;
        for (how, plan) in plans(n) {
            let store = copy(&world.store).await;
            let flaky = FlakyStore::new(Arc::new(store.clone()), plan);
            let result = backup::run(
                &backup::Ports::new(&world.cluster, &flaky).protect(&world.protection),
                &name("second"),
                &BackupSpec::default(),
                &small(),
            )
            .await;
            failures += flaky.failures();
            let listed = whole_backups_of(&world, &store).await;
            let case = format!("operation {n} fails {how}: {result:?}");
            assert!(listed.contains(&"first".to_owned()), "{case}");
            match result {
                Ok(_) => assert_eq!(listed, ["first", "second"], "{case}"),
                // Nobody knows, and whatever it is, it is whole.
                Err(BackupError::Uncertain { .. }) => assert!(!listed.is_empty(), "{case}"),
                Err(_) => assert_eq!(listed, ["first"], "{case}"),
            }
            if matches!(&result, Err(error) if !matches!(error, BackupError::Uncertain { .. }))
                && how.starts_with("once")
            {
                assert_eq!(keys(&store).await, before, "a store that works again is clean: {case}");
            }
            match result {
                Ok(_) => made += 1,
                Err(_) => refused += 1,
            }
        }
        if failures == 0 {
            break;
        }
    }
    assert!(made > 4 && refused > 50, "the test is about failures: {made} made, {refused} refused");
}

#[tokio::test]
async fn a_run_that_is_dropped_leaves_nothing_that_lists() {
    dropped_anywhere(World::shop()).await;
    dropped_anywhere(World::shop().protected()).await;
}

async fn dropped_anywhere(world: World) {
    world.back_up("first", &BackupSpec::default()).await;
    // Every one of the first points, then ever further ones: how many there are depends on the threads that compress.
    for polls in (1..40).chain((6..).map(|power| 1 << power)) {
        let store = copy(&world.store).await;
        let (spec, run, second) = (BackupSpec::default(), small(), name("second"));
        let finished = {
            let ports = backup::Ports::new(&world.cluster, &store).protect(&world.protection);
            let backup = backup::run(&ports, &second, &spec, &run);
            futures::pin_mut!(backup);
            poll_times(backup, polls).await
        };
        let listed = whole_backups_of(&world, &store).await;
        match finished {
            Some(result) => {
                result.expect("nothing failed");
                assert_eq!(listed, ["first", "second"]);
                break;
            }
            None => assert!(listed == ["first"] || listed == ["first", "second"], "{polls} polls: {listed:?}"),
        }
    }
}

/// A machine that slept: somebody has taken the run for dead and deleted what it had written.
#[tokio::test]
async fn a_run_that_was_taken_for_dead_commits_nothing() {
    let world = World::shop();
    for polls in (1..40).chain((6..).map(|power| 1 << power)) {
        let store = MemoryStore::new();
        let (spec, run, second) = (BackupSpec::default(), small(), name("second"));
        let ports = backup::Ports::new(&world.cluster, &store);
        let sleeper = backup::run(&ports, &second, &spec, &run);
        futures::pin_mut!(sleeper);
        if poll_times(sleeper.as_mut(), polls).await.is_some() {
            break;
        }
        let later = SystemClock.now() + Duration::from_secs(301);
        let deleter = Run::default().clock(Arc::new(ManualClock::at(later)));
        let deleted = delete(&store, &SnapshotProviders::default(), &second, &deleter).await;
        let woken = sleeper.await;
        let listed = whole_backups(&store).await;
        let case = format!("{polls} polls, deleted: {deleted:?}, woken up: {woken:?}");
        assert_eq!(listed.is_empty(), woken.is_err(), "{case}: {listed:?}");
    }
}

/// Polls a future a number of times. Between two polls the runtime gives it new budget: without one, tokio's locks say
/// that they are not ready, which is where it stops.
pub(crate) async fn poll_times<F: Future>(mut future: std::pin::Pin<&mut F>, polls: usize) -> Option<F::Output> {
    for _ in 0..polls {
        if let std::task::Poll::Ready(output) = futures::poll!(future.as_mut()) {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}

#[tokio::test]
async fn a_deletion_that_broke_off_is_finished_by_the_next() {
    deleted_in_two_goes(World::shop()).await;
    deleted_in_two_goes(World::shop().protected()).await;
}

async fn deleted_in_two_goes(world: World) {
    world.back_up("first", &BackupSpec::default()).await;
    let kept = keys(&world.store).await;
    world.back_up("second", &BackupSpec::default()).await;
    for n in 1.. {
        let mut failures = 0;
        for (how, plan) in plans(n) {
            let store = copy(&world.store).await;
            let flaky = FlakyStore::new(Arc::new(store.clone()), plan);
            let first = delete(&flaky, &SnapshotProviders::default(), &name("second"), &Run::default()).await;
            failures += flaky.failures();
            let case = format!("operation {n} fails {how}: {first:?}");
            let names = catalog::names(&store).await.expect("it can be listed");
            if names.contains(&name("second")) {
                assert!(first.is_err(), "{case}");
                delete(&store, &SnapshotProviders::default(), &name("second"), &Run::default())
                    .await
                    .expect("the next one finishes it");
            }
            assert_eq!(keys(&store).await, kept, "{case}");
            assert_eq!(whole_backups_of(&world, &store).await, ["first"], "{case}");
        }
        if failures == 0 {
            break;
        }
    }
}

#[tokio::test]
async fn a_restore_that_broke_off_goes_on_when_it_is_done_again() {
    restored_in_two_goes(World::shop()).await;
    restored_in_two_goes(World::shop().protected()).await;
}

async fn restored_in_two_goes(world: World) {
    world.back_up("b", &BackupSpec::default()).await;
    for n in 1.. {
        let target = world.elsewhere();
        let flaky = FlakyStore::new(Arc::new(copy(&world.store).await), Failures::at_nth(n));
        let engine = Engine::new(target.cluster.clone(), flaky.clone()).unlock(world.keyring.clone());
        let spec = RestoreSpec::from_backup(name("b"));
        let first = async {
            let plan = engine.plan_restore(&name("r"), &spec, &Run::default()).await?;
            engine.apply(&plan, &Run::default()).await
        };
        let first = first.await.map(|report| report.outcome);
        let target = World { store: copy(&world.store).await, ..target };
        let again = target.restore("again", &spec).await;
        completed(&again);
        assert!(target.get(&crate::world::in_shop("secrets", "key")).is_some(), "operation {n}: {first:?}");
        if flaky.failures() == 0 {
            first.expect("nothing failed");
            break;
        }
    }
}

/// Another store with the same objects.
pub(crate) async fn copy(store: &MemoryStore) -> MemoryStore {
    use kbackup_core::store::{ObjectStoreExt, PutMode};
    let copy = MemoryStore::new();
    for key in keys(store).await {
        let key = key.parse().expect("a key");
        let bytes = store.get_bytes(&key, u64::MAX).await.expect("it is there");
        copy.put(&key, bytes, PutMode::Create).await.expect("stored");
    }
    copy
}
