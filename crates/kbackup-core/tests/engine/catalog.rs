//! Which backups there are, and their end.

use std::sync::Arc;

use jiff::Timestamp;
use kbackup_core::catalog::{CatalogError, delete, list};
use kbackup_core::clock::ManualClock;
use kbackup_core::format::FormatError;
use kbackup_core::limits::Limits;
use kbackup_core::run::Run;
use kbackup_core::spec::BackupSpec;
use kbackup_core::store::{MemoryStore, ObjectStore, PutMode};

use crate::world::{World, keys, name};

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
async fn a_deleted_backup_leaves_nothing() {
    let world = World::shop();
    world.back_up("a", &BackupSpec::default()).await;
    let before = keys(&world.store).await;
    world.back_up("b", &BackupSpec::default()).await;
    delete(&world.store, &name("b"), &Run::default()).await.expect("deleted");
    assert_eq!(keys(&world.store).await, before);
    let again = delete(&world.store, &name("b"), &Run::default()).await;
    assert!(matches!(again, Err(CatalogError::Backup(FormatError::NotFound { .. }))), "{again:?}");
}

#[tokio::test]
async fn an_unfinished_backup_is_removed_when_its_run_is_dead() {
    let store = MemoryStore::new();
    let claim = r#"{"runId":"7f0c5b52-0d5c-4f5e-9a7c-6f0b3c9d9a11","startedAt":"2026-11-23T00:00:00Z","heartbeatAt":"2026-11-23T00:01:00Z"}"#;
    for (key, body) in [("backups/b/claim.json", claim), ("backups/b/resources/00001.tar.zst", "x")] {
        store.put(&key.parse().expect("a key"), body.into(), PutMode::Create).await.expect("stored");
    }
    let at = |time: &str| Run::default().clock(Arc::new(ManualClock::at(time.parse::<Timestamp>().expect("a time"))));
    let alive = delete(&store, &name("b"), &at("2026-11-23T00:02:00Z")).await;
    assert!(matches!(alive, Err(CatalogError::InProgress { .. })), "{alive:?}");
    assert_eq!(keys(&store).await.len(), 2, "nothing was touched");
    delete(&store, &name("b"), &at("2026-11-23T00:06:01Z")).await.expect("the run is dead");
    assert!(keys(&store).await.is_empty());
}
