//! The files of a backup, read by others' tools and when they are damaged.

use std::collections::BTreeMap;
use std::io::Read;

use bytes::Bytes;
use kbackup_core::format::{FormatError, digest_of, read_manifest};
use kbackup_core::restore::RestoreError;
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use kbackup_core::store::{Key, ObjectStore, ObjectStoreExt, PutMode};
use serde_json::json;

use crate::world::{World, configmap, keys, name, small};

/// Unpacks every part with tar and zstd alone: the JSON of each entry by its path.
async fn unpack(world: &World) -> BTreeMap<String, Vec<u8>> {
    let mut entries = BTreeMap::new();
    for key in keys(&world.store).await.into_iter().filter(|key| key.ends_with(".tar.zst")) {
        let bytes = world.store.get_bytes(&key.parse().expect("a key"), 1 << 20).await.expect("it is there");
        let tar = zstd::decode_all(&*bytes).expect("it is zstd");
        for entry in tar::Archive::new(&*tar).entries().expect("it is a tar") {
            let mut entry = entry.expect("the entry is whole");
            let path = entry.path().expect("it has a path").to_string_lossy().into_owned();
            let mut json = Vec::new();
            entry.read_to_end(&mut json).expect("it can be read");
            assert!(entries.insert(path, json).is_none(), "no path twice");
        }
    }
    entries
}

#[tokio::test]
async fn tar_and_zstd_read_a_backup() {
    let long = "x".repeat(253);
    let world = World::shop();
    let mut longest = configmap("shop", &long, "long");
    longest["metadata"]["labels"] = json!({});
    world.cluster.load([longest]).expect("it loads");
    let report = world.engine().backup(&name("b"), &BackupSpec::default(), &small()).await.expect("it is made");
    let entries = unpack(&world).await;
    let index = report.manifest.read_index(&world.store).await.expect("it is whole");
    assert_eq!(entries.len(), index.len());
    assert_eq!(entries.len() as u64, report.manifest.counts.objects);
    for line in &index {
        let path = kbackup_core::format::entry_path(&line.gvr, line.ns.as_deref(), &line.name);
        let json = entries.get(&path).unwrap_or_else(|| unreachable!("{path} is in no part"));
        assert_eq!(json.len() as u64, line.len, "{path}");
        assert_eq!(digest_of(json), line.sha256, "{path}");
    }
    assert!(entries.keys().any(|path| path.contains(&long)), "a long name is whole");
    assert!(entries.contains_key("resources/roles.rbac.authorization.k8s.io/v1/namespaces/shop/system%3Areader.json"));
}

#[tokio::test]
async fn the_bytes_of_an_object_are_kept() {
    let world = World::shop();
    let odd = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "namespace": "shop", "name": "odd" }, "data": { "ünicode": "数据\u{0}\n\"" } });
    world.cluster.load([odd]).expect("it loads");
    world.back_up("b", &BackupSpec::default()).await;
    let at = crate::world::in_shop("configmaps", "odd");
    let live = world.cluster.get(&at).expect("it is there");
    let entries = unpack(&world).await;
    assert_eq!(entries["resources/configmaps/v1/namespaces/shop/odd.json"], &live.raw()[..]);
}

pub(crate) async fn damage(world: &World, key: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let key: Key = key.parse().expect("a key");
    let mut bytes = world.store.get_bytes(&key, 1 << 20).await.expect("it is there").to_vec();
    change(&mut bytes);
    world.store.put(&key, Bytes::from(bytes), PutMode::Overwrite).await.expect("stored");
}

#[tokio::test]
async fn damage_is_found_before_anything_is_applied() {
    let flip = |bytes: &mut Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    };
    let cut = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() / 2);
    let changes: [(&str, &str, &dyn Fn(&mut Vec<u8>)); 6] = [
        ("a flipped bit in a part", "backups/b/resources/00001.tar.zst", &flip),
        ("a part that was cut", "backups/b/resources/00001.tar.zst", &cut),
        ("a flipped bit in the index", "backups/b/index.jsonl.zst", &flip),
        ("an index that was cut", "backups/b/index.jsonl.zst", &cut),
        ("a manifest that was cut", "backups/b/manifest.json", &cut),
        ("an index of nothing", "backups/b/index.jsonl.zst", &|bytes: &mut Vec<u8>| bytes.clear()),
    ];
    for (what, key, change) in changes {
        let world = World::shop();
        world.back_up("b", &BackupSpec::default()).await;
        damage(&world, key, change).await;
        let target = world.elsewhere();
        let planned =
            target.engine().plan_restore(&name("r"), &RestoreSpec::from_backup(name("b")), &Run::default()).await;
        let Err(RestoreError::Backup(FormatError::Damaged { what: place, .. })) = &planned else {
            unreachable!("{what}: {planned:?}")
        };
        assert!(place.contains(key.rsplit('/').next().expect("a file")), "{what}: {place}");
        assert_eq!(target.cluster.requests().writes(), 0, "{what}");
    }
}

#[tokio::test]
async fn a_part_that_is_missing_is_damage() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    world.store.delete(&["backups/b/resources/00001.tar.zst".parse().expect("a key")]).await.expect("deleted");
    let planned = world
        .elsewhere()
        .engine()
        .plan_restore(&name("r"), &RestoreSpec::from_backup(name("b")), &Run::default())
        .await;
    assert!(matches!(planned, Err(RestoreError::Backup(FormatError::Damaged { .. }))), "{planned:?}");
}

#[tokio::test]
async fn a_newer_format_is_a_clear_error() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    let newer = |bytes: &mut Vec<u8>| {
        let text = String::from_utf8_lossy(bytes).replace("\"version\": 1,", "\"version\": 2,");
        *bytes = text.into_bytes();
    };
    damage(&world, "backups/b/manifest.json", newer).await;
    let error = read_manifest(&world.store, &name("b")).await.expect_err("it is too new");
    assert!(matches!(error, FormatError::TooNew { .. }), "{error}");
}

#[tokio::test]
async fn fields_of_later_versions_are_kept() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    let more = |bytes: &mut Vec<u8>| {
        let text = String::from_utf8_lossy(bytes).replacen('{', "{\"moonPhase\": \"full\",", 1);
        *bytes = text.into_bytes();
    };
    damage(&world, "backups/b/manifest.json", more).await;
    let manifest = read_manifest(&world.store, &name("b")).await.expect("it is read");
    assert_eq!(manifest.unknown.get("moonPhase"), Some(&json!("full")));
    assert_eq!(serde_json::to_value(&manifest).expect("JSON")["moonPhase"], "full");
}
