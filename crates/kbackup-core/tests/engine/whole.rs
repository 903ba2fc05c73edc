//! Whether a backup is what was written, here and where it was copied to.

use std::sync::Arc;

use kbackup_core::catalog::{CatalogError, Cost, Depth, Probed, Verification, copy, delete, probe, verify};
use kbackup_core::format::{FormatError, digest_of, read_manifest};
use kbackup_core::model::LabelSelector;
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use kbackup_core::store::{
    Failures, FlakyStore, Key, MemoryStore, ObjectStore, ObjectStoreExt, Operation, PutMode, ReadOnlyStore,
};

use crate::crash::{copy as copy_of, plans, whole_backups};
use crate::life::none;
use crate::world::{World, completed, keys, name, small};

async fn read(store: &MemoryStore, key: &str) -> Vec<u8> {
    store.get_bytes(&key.parse().expect("a key"), u64::MAX).await.expect("it is there").to_vec()
}

async fn write(store: &MemoryStore, key: &str, bytes: Vec<u8>) {
    store.put(&key.parse().expect("a key"), bytes.into(), PutMode::Overwrite).await.expect("stored");
}

async fn check(store: &MemoryStore, depth: Depth) -> Verification {
    verify(store, &name("a"), depth, &Run::default()).await.expect("the manifest can be read")
}

/// A backup in several parts.
async fn world() -> World {
    let world = World::shop();
    world.engine().backup(&name("a"), &BackupSpec::default(), &small()).await.expect("it is made");
    world
}

#[tokio::test]
async fn a_whole_backup_is_found_whole() {
    let world = world().await;
    let manifest = read_manifest(&world.store, &name("a")).await.expect("it exists");
    assert!(manifest.parts.len() > 2, "the test is about several parts");
    for depth in [Depth::Digests, Depth::Entries] {
        let found = check(&world.store, depth).await;
        assert!(found.is_whole(), "{:?}", found.damages);
        assert_eq!(
            (found.objects, found.files),
            (manifest.counts.objects, (1 + manifest.parts.len() + manifest.files.len()) as u64)
        );
    }
}

/// Whichever byte of whichever file is changed, cut off or added, both depths find the file.
#[tokio::test]
async fn every_damage_of_every_file_is_found() {
    let world = world().await;
    let files: Vec<String> = keys(&world.store)
        .await
        .into_iter()
        .filter(|key| key.starts_with("backups/a/") && !key.ends_with(".json"))
        .collect();
    for key in files {
        let whole = read(&world.store, &key).await;
        let step = (whole.len() / 4).max(1);
        let flipped = (0..whole.len()).step_by(step).map(|at| {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x40;
            bytes
        });
        let longer = [whole.clone(), b"x".to_vec()].concat();
        let shorter = whole[..whole.len() - 1].to_vec();
        for bytes in flipped.chain([longer, shorter, Vec::new()]) {
            let store = copy_of(&world.store).await;
            write(&store, &key, bytes).await;
            for depth in [Depth::Digests, Depth::Entries] {
                let found = check(&store, depth).await;
                let files: Vec<&str> = found.damages.iter().map(|damage| damage.file.as_str()).collect();
                assert_eq!(files, [&key], "{depth:?}");
                let everything = key.contains("index");
                assert_eq!(matches!(found.damages[0].cost, Cost::Everything), everything, "{:?}", found.damages);
            }
        }
        let store = copy_of(&world.store).await;
        store.delete(&[key.parse().expect("a key")]).await.expect("deleted");
        let found = check(&store, Depth::Entries).await;
        assert!(found.damages[0].what[0].contains("is missing"), "{:?}", found.damages);
    }
}

/// A part that was changed by somebody who could change the manifest too: digests alone don't find that.
#[tokio::test]
async fn a_deep_look_compares_entries_with_the_index() {
    let world = world().await;
    let mut manifest = read_manifest(&world.store, &name("a")).await.expect("it exists");
    let index = manifest.read_index(&world.store).await.expect("it is whole");
    let line = index.iter().find(|line| line.name == "b" && line.gvr.plural == "configmaps").expect("it is there");
    let part = manifest.parts.iter_mut().find(|part| part.number == line.part).expect("it is there");
    let key = part.file.key.to_string();
    let mut tar = zstd::decode_all(&read(&world.store, &key).await[..]).expect("it decompresses");
    let at = usize::try_from(line.off + line.len - 4).expect("it is small");
    tar[at] ^= 0x01;
    let bytes = zstd::encode_all(&tar[..], 3).expect("it compresses");
    (part.file.bytes, part.file.sha256) = (bytes.len() as u64, digest_of(&bytes));
    write(&world.store, &key, bytes).await;
    write(&world.store, "backups/a/manifest.json", serde_json::to_vec(&manifest).expect("plain data")).await;
    assert!(check(&world.store, Depth::Digests).await.is_whole());
    let found = check(&world.store, Depth::Entries).await;
    assert_eq!(found.damages.len(), 1);
    assert_eq!(found.damages[0].cost, Cost::Objects(vec![line.object()]), "the others of the part are whole");
    assert!(found.damages[0].what[0].contains("configmaps/shop/b is not what was written"), "{:?}", found.damages);
}

#[tokio::test]
async fn what_cannot_be_known_is_an_error() {
    let world = world().await;
    let flaky = FlakyStore::new(Arc::new(world.store.clone()), Failures::from_nth(4));
    let unknown = verify(&flaky, &name("a"), Depth::Entries, &Run::default()).await;
    assert!(matches!(unknown, Err(CatalogError::Backup(FormatError::Store { .. }))), "{unknown:?}");
    write(&world.store, "backups/a/manifest.json", b"{}".to_vec()).await;
    let damaged = verify(&world.store, &name("a"), Depth::Digests, &Run::default()).await;
    assert!(matches!(damaged, Err(CatalogError::Backup(FormatError::Damaged { .. }))), "{damaged:?}");
}

#[tokio::test]
async fn a_copy_is_the_same_backup() {
    let world = world().await;
    write(&world.store, "backups/a/manifest.json.minisig", b"signature".to_vec()).await;
    let target = MemoryStore::named("b");
    let copied = copy(&world.store, &target, &name("a"), &small()).await.expect("it is copied");
    let manifest = read_manifest(&world.store, &name("a")).await.expect("it exists");
    assert_eq!((copied.files, copied.reused), ((manifest.parts.len() + manifest.files.len()) as u64, 0));
    for key in keys(&world.store).await.into_iter().filter(|key| key != "kbackup.json") {
        assert_eq!(read(&target, &key).await, read(&world.store, &key).await, "{key}");
    }
    let elsewhere = World { store: target.clone(), ..world.elsewhere() };
    completed(&elsewhere.restore("r", &RestoreSpec::from_backup(name("a"))).await);
    let again = copy(&world.store, &target, &name("a"), &small()).await.expect("it is there");
    assert_eq!((again.files, again.reused), (0, copied.files));

    delete(&target, &none(), &name("a"), &Run::default()).await.expect("deleted");
    let left = keys(&target).await;
    assert!(left.iter().all(|key| !key.starts_with("backups/")), "{left:?}");
}

#[tokio::test]
async fn a_copy_that_broke_off_goes_on_and_never_lists_before_it_is_whole() {
    let world = world().await;
    let mut reused = 0;
    for n in 1.. {
        let mut failures = 0;
        for (how, plan) in plans(n) {
            let target = MemoryStore::named("b");
            let flaky = FlakyStore::new(Arc::new(target.clone()), plan);
            let first = copy(&world.store, &flaky, &name("a"), &small()).await;
            failures += flaky.failures();
            let case = format!("operation {n} fails {how}: {first:?}");
            let listed = whole_backups(&target).await;
            assert!(listed.is_empty() || listed == ["a"], "{case}");
            let second = copy(&world.store, &target, &name("a"), &small()).await.expect("the store works");
            reused += u64::from(first.is_err() && second.reused > 0);
            assert_eq!(whole_backups(&target).await, ["a"], "{case}");
        }
        if failures == 0 {
            break;
        }
    }
    assert!(reused > 10, "what was copied is not copied again: {reused}");
}

#[tokio::test]
async fn a_damaged_original_is_not_copied() {
    let world = world().await;
    let key = "backups/a/resources/00002.tar.zst";
    let mut bytes = read(&world.store, key).await;
    bytes[9] ^= 1;
    write(&world.store, key, bytes).await;
    let target = MemoryStore::named("b");
    let refused = copy(&world.store, &target, &name("a"), &small()).await.expect_err("it is damaged");
    assert!(refused.to_string().contains(key), "{refused}");
    assert!(whole_backups(&target).await.is_empty());
    assert!(!keys(&target).await.contains(&key.to_owned()), "what is damaged does not become visible");
}

#[tokio::test]
async fn a_copy_takes_nobody_elses_name_or_place() {
    let world = world().await;
    let target = World { store: MemoryStore::named("b"), ..world.clone() };
    target.back_up("a", &BackupSpec::default().selector(LabelSelector::label("app", "a"))).await;
    let taken = copy(&world.store, &target.store, &name("a"), &Run::default()).await.expect_err("it is taken");
    assert_eq!(taken.to_string(), "memory://b has another backup \"a\"");
    let foreign = MemoryStore::named("c");
    write(&foreign, "kbackup.json", br#"{"format":"other"}"#.to_vec()).await;
    let refused = copy(&world.store, &foreign, &name("a"), &Run::default()).await;
    assert!(matches!(refused, Err(CatalogError::Location(_))), "{refused:?}");
    assert_eq!(keys(&foreign).await, ["kbackup.json"]);
}

#[tokio::test]
async fn a_location_is_tried_out_without_a_trace() {
    let store = MemoryStore::new();
    let steps = |probe: &kbackup_core::catalog::Probe| -> Vec<(Probed, bool)> {
        probe.steps.iter().map(|step| (step.action, step.result.is_ok())).collect()
    };
    use Probed::{CreateOnce, Delete, List, Marker, Read, Write};
    let all = [Marker, List, Write, CreateOnce, Read, Delete];
    assert_eq!(steps(&probe(&store).await), all.map(|action| (action, true)));
    assert!(keys(&store).await.is_empty(), "nothing is left");
    let read_only = ReadOnlyStore::new(Arc::new(store.clone()));
    assert_eq!(steps(&probe(&read_only).await), [(Marker, true), (List, true)]);
    let failing = |operation| FlakyStore::new(Arc::new(store.clone()), Failures::from_nth(1).of(&[operation]));
    for (operation, failed) in
        [(Operation::Put, Write), (Operation::List, List), (Operation::Get, Marker), (Operation::Delete, Delete)]
    {
        let probe = probe(&failing(operation)).await;
        let first = steps(&probe).into_iter().find(|(_, good)| !good);
        assert_eq!(first, Some((failed, false)), "{operation:?}: {probe:?}");
        assert!(!probe.is_good());
    }
    let left: Vec<Key> = keys(&store).await.into_iter().map(|key| key.parse().expect("a key")).collect();
    assert!(left.iter().all(|key| key.as_str().starts_with("probes/")), "only what could not be deleted: {left:?}");
    store.delete(&left).await.expect("deleted");
    write(&store, "kbackup.json", b"{}".to_vec()).await;
    assert_eq!(steps(&probe(&store).await), [(Marker, false), (List, true)]);
}
