//! Which backups there are, and their end.

use std::sync::Arc;

use jiff::Timestamp;
use kbackup_core::catalog::{CatalogError, Survey, Unfinished, Wanted, contents, delete, list, survey, unfinished};
use kbackup_core::clock::ManualClock;
use kbackup_core::format::FormatError;
use kbackup_core::limits::Limits;
use kbackup_core::run::Run;
use kbackup_core::snapshot::SnapshotProviders;
use kbackup_core::spec::BackupSpec;
use kbackup_core::store::{Failures, FlakyStore, MemoryStore, ObjectStore, PutMode};

use crate::world::{World, keys, name};

const CLAIM: &str = r#"{"runId":"7f0c5b52-0d5c-4f5e-9a7c-6f0b3c9d9a11","startedAt":"2026-11-23T00:00:00Z","heartbeatAt":"2026-11-23T00:01:00Z"}"#;

/// The beginning of a day, in UTC.
fn time(day: &str) -> Timestamp {
    format!("{day}T00:00:00Z").parse().expect("a day")
}

async fn listed(store: &dyn ObjectStore) -> Vec<String> {
    let listed = list(store, &Limits::default()).await.expect("it can be listed");
    listed.into_iter().map(|backup| backup.name.to_string()).collect()
}

#[tokio::test]
async fn only_what_has_a_manifest_is_a_backup() {
    let world = World::shop();
    for backup in ["b", "a", "c"] {
        world.back_up(backup, &BackupSpec::default().namespaces(["shop"])).await;
    }
    let unfinished = "backups/half/resources/00001.tar.zst".parse().expect("a key");
    world.store.put(&unfinished, "x".into(), PutMode::Create).await.expect("stored");
    assert_eq!(listed(&world.store).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn what_is_no_backup_is_told_from_what_is_one() {
    let world = World::shop();
    let put = async |key: &str, body: &str| {
        let key = key.parse().expect("a key");
        world.store.put(&key, body.to_owned().into(), PutMode::Create).await.expect("stored")
    };
    for (backup, team) in [("old", "shop"), ("new", "web"), ("gone", "web"), ("bad", "web")] {
        let at = Arc::new(ManualClock::at(if backup == "old" { time("2026-11-22") } else { time("2026-11-23") }));
        let spec = BackupSpec::default().namespaces(["shop"]).label("team", team);
        world.engine().backup(&name(backup), &spec, &Run::default().clock(at)).await.expect("it is made");
    }
    put("backups/gone/deleting.json", "{}").await;
    world
        .store
        .put(&"backups/bad/manifest.json".parse().expect("a key"), "{".into(), PutMode::Overwrite)
        .await
        .expect("put");
    put("backups/running/claim.json", CLAIM).await;
    put("backups/rest/deleting.json", "{}").await;
    put("backups/crumbs/resources/00001.tar.zst", "x").await;

    let mut found = survey(&world.store, &Limits::default()).await.expect("it can be listed");
    let state =
        |unfinished: &Unfinished| (unfinished.name.to_string(), unfinished.deleting, unfinished.claim.is_some());
    let states: Vec<_> = found.unfinished.iter().map(state).collect();
    assert_eq!(
        states,
        [("crumbs".to_owned(), false, false), ("rest".to_owned(), true, false), ("running".to_owned(), false, true)]
    );
    let running = &found.unfinished[2];
    assert!(running.is_alive("2026-11-23T00:05:59Z".parse().expect("a time")));
    assert!(!running.is_alive("2026-11-23T00:06:00Z".parse().expect("a time")), "five minutes are over");
    assert!(!found.unfinished[1].is_alive(Timestamp::UNIX_EPOCH));
    found.newest_first();
    let told = |found: &Survey| -> Vec<_> {
        found.backups.iter().map(|it| (it.name.to_string(), it.deleting, it.summary.is_ok())).collect()
    };
    let row = |name: &str, deleting, readable| (name.to_owned(), deleting, readable);
    assert_eq!(
        told(&found),
        [row("gone", true, true), row("new", false, true), row("old", false, true), row("bad", false, false)]
    );

    found.choose(&[], Some(&"team=web".parse().expect("a selector")));
    assert_eq!(told(&found), [row("gone", true, true), row("new", false, true)]);
    assert!(found.unfinished.is_empty());
    found.choose(&[name("new")], None);
    assert_eq!(told(&found), [row("new", false, true)]);
    assert_eq!(found.backups[0].summary.as_ref().expect("it is readable").labels["team"], "web");
    let alone = unfinished(&world.store, &name("running")).await.expect("it can be read").expect("it is unfinished");
    assert_eq!(alone.last_sign, Some("2026-11-23T00:01:00Z".parse().expect("a time")));
    assert_eq!(unfinished(&world.store, &name("new")).await.expect("it can be read"), None);
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_not_an_empty_list() {
    let world = World::shop();
    world.back_up("a", &BackupSpec::default()).await;
    for n in 1.. {
        let flaky = FlakyStore::new(Arc::new(world.store.clone()), Failures::at_nth(n));
        let listed = list(&flaky, &Limits::default()).await;
        match flaky.failures() {
            0 => {
                assert_eq!(listed.expect("nothing failed").len(), 1);
                break;
            }
            _ => assert!(matches!(listed, Err(CatalogError::Store { .. })), "{n}: {listed:?}"),
        }
    }
}

#[tokio::test]
async fn contents_are_read_from_the_index_alone() {
    let world = World::shop();
    let report = world.back_up("a", &BackupSpec::default()).await;
    for part in &report.manifest.parts {
        world.store.delete(std::slice::from_ref(&part.file.key)).await.expect("deleted");
    }
    let told = async |namespaces: &[&str], types: &[&str], selector: Option<&str>| -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let selector = selector.map(|selector| selector.parse().expect("a selector"));
        let wanted = Wanted::new(&words(namespaces), &words(types), selector);
        let lines = contents(&world.store, &name("a"), &wanted).await.expect("the index is whole");
        lines.iter().map(|line| line.object().to_string()).collect()
    };
    assert_eq!(told(&[], &[], None).await.len() as u64, report.manifest.counts.objects);
    let maps = ["configmaps/shop/a", "configmaps/shop/b", "configmaps/shop/kube-root-ca.crt"];
    assert_eq!(told(&["sh*"], &["configmaps"], None).await, maps);
    assert_eq!(told(&[], &["*.example.com"], None).await, ["widgets.example.com/shop/w1"]);
    assert_eq!(told(&["shop"], &[], Some("app=b")).await, ["configmaps/shop/b"]);
}

#[tokio::test]
async fn a_deleted_backup_leaves_nothing() {
    let world = World::shop();
    world.back_up("a", &BackupSpec::default()).await;
    let before = keys(&world.store).await;
    world.back_up("b", &BackupSpec::default()).await;
    delete(&world.store, &SnapshotProviders::default(), &name("b"), &Run::default()).await.expect("deleted");
    assert_eq!(keys(&world.store).await, before);
    let again = delete(&world.store, &SnapshotProviders::default(), &name("b"), &Run::default()).await;
    assert!(matches!(again, Err(CatalogError::Backup(FormatError::NotFound { .. }))), "{again:?}");
}

#[tokio::test]
async fn an_unfinished_backup_is_removed_when_its_run_is_dead() {
    let store = MemoryStore::new();
    for (key, body) in [("backups/b/claim.json", CLAIM), ("backups/b/resources/00001.tar.zst", "x")] {
        store.put(&key.parse().expect("a key"), body.into(), PutMode::Create).await.expect("stored");
    }
    let at = |time: &str| Run::default().clock(Arc::new(ManualClock::at(time.parse::<Timestamp>().expect("a time"))));
    let alive = delete(&store, &SnapshotProviders::default(), &name("b"), &at("2026-11-23T00:02:00Z")).await;
    assert!(matches!(alive, Err(CatalogError::InProgress { .. })), "{alive:?}");
    assert_eq!(keys(&store).await.len(), 2, "nothing was touched");
    delete(&store, &SnapshotProviders::default(), &name("b"), &at("2026-11-23T00:06:01Z"))
        .await
        .expect("the run is dead");
    assert!(keys(&store).await.is_empty());
}
