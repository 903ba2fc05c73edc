//! Backups exported in Velero's layout: compared with what Velero wrote, read back, and never half there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use kbackup_core::catalog::{CatalogError, ExportError, Exported, delete, export_velero, list};
use kbackup_core::format::{IndexLine, ObjectCut, PartReader, read_manifest};
use kbackup_core::issue::Outcome;
use kbackup_core::limits::Limits;
use kbackup_core::model::ObjectRef;
use kbackup_core::run::{Cancel, Run};
use kbackup_core::snapshot::SnapshotProviders;
use kbackup_core::spec::{BackupSpec, RestoreSpec, SCHEDULE_LABEL};
use kbackup_core::store::{Failures, FlakyStore, MemoryStore, ObjectStore, ObjectStoreExt, ReadOnlyStore};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::velero::{FILES, bucket, entries, gunzip, objects, put};
use crate::world::{World, completed, configmap, keys, name, namespace, small};

const FIXTURE: &str = "shop-monitoring";

async fn export(from: &MemoryStore, backup: &str, to: &MemoryStore) -> Exported {
    export_velero(from, &name(backup), to, &Run::default()).await.expect("it is exported")
}

async fn get(store: &MemoryStore, key: &str) -> Bytes {
    store.get_bytes(&key.parse().expect("a key"), 64 << 20).await.expect("it is there")
}

/// Every object of a backup, whoever made it, by its place; each digest was checked.
async fn read_all(store: &dyn ObjectStore, backup: &str) -> BTreeMap<ObjectRef, Bytes> {
    let manifest = read_manifest(store, &name(backup)).await.expect("it exists");
    let index = manifest.read_index(store).await.expect("its index is whole");
    let mut found = BTreeMap::new();
    for part in &manifest.parts {
        let mut lines: Vec<&IndexLine> = index.iter().filter(|line| line.part == part.number).collect();
        lines.sort_by_key(|line| line.off);
        let cuts = lines.iter().map(|line| ObjectCut::from(*line)).collect();
        let mut reader =
            PartReader::open(store, &manifest, part, cuts, &Limits::default()).await.expect("its part is there");
        for line in lines {
            found.insert(line.object(), reader.next().await.expect("its part is whole").expect("the object is in it"));
        }
    }
    found
}

/// The headers of a tarball by path, without what differs from one day to the next: the time, and the sum over it.
fn headers(tarball: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let raw = gunzip(tarball);
    let (mut at, mut headers) = (0, BTreeMap::new());
    while raw[at] != 0 {
        let mut block = raw[at..at + 512].to_vec();
        let header = tar::Header::from_byte_slice(&raw[at..at + 512]);
        let path = header.path().expect("it has a path").to_string_lossy().into_owned();
        let size = usize::try_from(header.size().expect("it has a size")).expect("it fits");
        block[136..156].fill(0);
        headers.insert(path, block);
        at += 512 + size.next_multiple_of(512);
    }
    assert_eq!(raw.len() - at, 1_024, "two empty blocks end it");
    headers
}

/// Where each value of a document is, and of which JSON type it is; what keys of maps stand for is not looked at.
fn shape(value: &Value, at: &str, free: &[&str], shapes: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    shapes.insert(format!("{at}: {kind}"));
    match value {
        Value::Object(fields) if !free.contains(&at) => {
            fields.iter().for_each(|(key, value)| shape(value, &format!("{at}.{key}"), free, shapes));
        }
        Value::Array(items) => items.iter().for_each(|value| shape(value, &format!("{at}[]"), free, shapes)),
        _ => {}
    }
}

fn shapes(json: &[u8]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let value = serde_json::from_slice(json).expect("it is JSON");
    shape(&value, "", &[".metadata.annotations", ".metadata.labels", ".metadata.managedFields"], &mut found);
    found
}

#[tokio::test]
async fn what_velero_wrote_is_written_again_to_the_byte() {
    let (world, to) = (bucket().await, MemoryStore::new());
    let exported = export(&world.store, FIXTURE, &to).await;
    assert_eq!(exported.objects, exported.manifest.counts.objects);

    let mut expected: BTreeSet<String> = keys(&world.store).await.into_iter().collect();
    expected.insert(format!("backups/{FIXTURE}/{FIXTURE}-logs.gz"));
    assert_eq!(keys(&to).await.into_iter().collect::<BTreeSet<_>>(), expected);

    let tarball = get(&to, &format!("backups/{FIXTURE}/{FIXTURE}.tar.gz")).await;
    assert_eq!(tarball[..10], FILES[1].1[..10], "the header of the gzip");
    let (own, theirs) = (entries(&tarball), entries(FILES[1].1));
    assert_eq!(own[0], ("metadata/version".to_owned(), b"1.1.0\n".to_vec()), "the version comes first");
    assert_eq!(own.len(), theirs.len());
    assert_eq!(own.into_iter().collect::<BTreeMap<_, _>>(), theirs.into_iter().collect::<BTreeMap<_, _>>());
    assert_eq!(headers(&tarball), headers(FILES[1].1));

    let resources = get(&to, &format!("backups/{FIXTURE}/{FIXTURE}-resource-list.json.gz")).await;
    assert_eq!(gunzip(&resources), gunzip(FILES[4].1));
    for file in ["itemoperations.json.gz", "podvolumebackups.json.gz", "volumeinfo.json.gz", "volumesnapshots.json.gz"]
    {
        assert_eq!(gunzip(&get(&to, &format!("backups/{FIXTURE}/{FIXTURE}-{file}")).await), b"[]\n", "{file}");
    }
    let results = get(&to, &format!("backups/{FIXTURE}/{FIXTURE}-results.gz")).await;
    assert_eq!(shapes(&gunzip(&results)), shapes(&gunzip(FILES[5].1)));
}

#[tokio::test]
async fn the_backup_object_has_fields_that_velero_has_and_those_that_it_needs() {
    let (world, to) = (bucket().await, MemoryStore::new());
    export(&world.store, FIXTURE, &to).await;
    let marker = get(&to, &format!("backups/{FIXTURE}/velero-backup.json")).await;
    let (own, theirs) = (shapes(&marker), shapes(FILES[0].1));
    assert_eq!(
        own.difference(&theirs).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "a field that Velero does not write"
    );
    let text = String::from_utf8_lossy(&marker);
    assert!(
        text.starts_with("{\n  \"kind\": \"Backup\",\n  \"apiVersion\": \"velero.io/v1\",\n  \"metadata\": {"),
        "{text}"
    );
    assert!(text.ends_with('}'), "{text}");

    let (own, theirs): (Value, Value) =
        (serde_json::from_slice(&marker).expect("JSON"), serde_json::from_slice(FILES[0].1).expect("JSON"));
    for field in [
        "/kind",
        "/apiVersion",
        "/metadata/name",
        "/metadata/uid",
        "/metadata/labels",
        "/metadata/creationTimestamp",
        "/spec/includedNamespaces",
        "/spec/excludedClusterScopedResources",
        "/spec/excludedNamespaceScopedResources",
        "/spec/ttl",
        "/spec/storageLocation",
        "/spec/snapshotVolumes",
        "/spec/hooks",
        "/spec/csiSnapshotTimeout",
        "/spec/itemOperationTimeout",
        "/status",
    ] {
        assert!(own.pointer(field).is_some(), "{field} is missing");
        assert_eq!(own.pointer(field), theirs.pointer(field), "{field}");
    }
}

#[tokio::test]
async fn a_backup_is_exported_read_back_and_restored() {
    let (world, to) = (World::shop(), MemoryStore::new());
    let spec =
        BackupSpec { labels: [(SCHEDULE_LABEL.to_owned(), "nightly".to_owned())].into(), ..BackupSpec::default() };
    let report = world.engine().backup(&name("b"), &spec, &small()).await.expect("it is made");
    assert!(report.manifest.parts.len() > 1, "several parts become one tarball");
    export(&world.store, "b", &to).await;
    assert_eq!(read_all(&to, "b").await, read_all(&world.store, "b").await);

    let exported = read_manifest(&to, &name("b")).await.expect("it exists");
    assert!(exported.is_velero());
    assert_eq!((exported.run_id, exported.outcome), (report.manifest.run_id, Outcome::Completed));
    assert_eq!(exported.counts.objects, report.manifest.counts.objects);
    assert_eq!(exported.spec.labels.get("velero.io/schedule-name").map(String::as_str), Some("nightly"));
    assert_eq!(exported.spec.labels.get("velero.io/storage-location").map(String::as_str), Some("default"));
    let elsewhere = World { store: to, ..World::new([]) };
    completed(&elsewhere.restore("r", &RestoreSpec::from_backup(name("b"))).await);
    assert!(elsewhere.get(&crate::world::in_shop("configmaps", "a")).is_some());
}

#[tokio::test]
async fn a_place_that_does_not_fit_is_refused_and_left_as_it_is() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    let own = world.store.clone();
    let taken = bucket().await.store;
    export(&world.store, "b", &taken).await;
    let left = MemoryStore::new();
    put(&left, "backups/b/b.tar.gz", "half").await;
    let foreign = MemoryStore::new();
    put(&foreign, "photos/cat.jpg", "x").await;
    for (what, to, why) in [
        ("a location of kbackup's", own, "prefix of their own"),
        ("a name that Velero has", taken, "a backup \"b\""),
        ("what is left of one", left, "what is left"),
        ("a place with other folders", foreign, "photos/"),
    ] {
        let before = keys(&to).await;
        let error = export_velero(&world.store, &name("b"), &to, &Run::default()).await.expect_err(what);
        assert!(error.to_string().contains(why), "{what}: {error}");
        assert_eq!(keys(&to).await, before, "{what}");
    }
    let read_only = ReadOnlyStore::new(Arc::new(MemoryStore::new()));
    let refused = export_velero(&world.store, &name("b"), &read_only, &Run::default()).await;
    assert!(matches!(refused, Err(ExportError::Store(CatalogError::ReadOnly { .. }))), "{refused:?}");
}

#[tokio::test]
async fn a_cancelled_export_leaves_nothing() {
    let (world, to) = (World::shop(), MemoryStore::new());
    world.back_up("b", &BackupSpec::default()).await;
    let cancel = Cancel::default();
    cancel.cancel();
    let cancelled = export_velero(&world.store, &name("b"), &to, &Run::default().cancel(cancel)).await;
    assert!(matches!(cancelled, Err(ExportError::Cancelled)), "{cancelled:?}");
    assert_eq!(keys(&to).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_exported_backup_is_whole_or_not_there() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    let expected = read_all(&world.store, "b").await;
    for n in 1.. {
        let mut failures = 0;
        for plan in [Failures::at_nth(n), Failures::at_nth(n).after_effect(), Failures::from_nth(n)] {
            let to = MemoryStore::new();
            let flaky = FlakyStore::new(Arc::new(to.clone()), plan);
            let result = export_velero(&world.store, &name("b"), &flaky, &small()).await;
            failures += flaky.failures();
            let listed = list(&to, &Limits::default()).await.expect("it can be listed");
            if listed.is_empty() {
                assert!(result.is_err(), "operation {n}: {result:?}");
                if !keys(&to).await.is_empty() {
                    delete(&to, &SnapshotProviders::default(), &name("b"), &Run::default())
                        .await
                        .expect("what is left can be deleted");
                }
                export(&world.store, "b", &to).await;
            }
            assert_eq!(read_all(&to, "b").await, expected, "operation {n}: {result:?}");
        }
        if failures == 0 {
            assert!(n > 10, "an export has more than {n} operations");
            return;
        }
    }
}

#[tokio::test]
async fn a_damaged_backup_is_not_exported() {
    let (world, to) = (World::shop(), MemoryStore::new());
    world.back_up("b", &BackupSpec::default()).await;
    let key = "backups/b/resources/00001.tar.zst";
    let mut bytes = get(&world.store, key).await.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    put(&world.store, key, bytes).await;
    let refused = export_velero(&world.store, &name("b"), &to, &Run::default()).await;
    assert!(matches!(refused, Err(ExportError::Backup(_))), "{refused:?}");
    assert_eq!(keys(&to).await, Vec::<String>::new());
}

/// Objects of two types in two namespaces, with names and values of every sort.
fn contents() -> impl Strategy<Value = Vec<Value>> {
    let names = prop_oneof!["[a-z0-9]{1,12}(-[a-z0-9]{1,8})?([.][a-z0-9]{1,8})?", "[a-z]{200,253}"];
    let object = (names, any::<bool>(), ".{0,200}", any::<bool>()).prop_map(|(name, web, text, is_role)| {
        let namespace = if web { "web" } else { "shop" };
        if !is_role {
            return configmap(namespace, &name, &text);
        }
        let name = format!("system:{}", name.chars().take(100).collect::<String>());
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": { "namespace": namespace, "name": name, "annotations": { "text": text } }, "rules": []
        })
    });
    proptest::collection::vec(object, 0..12).prop_map(|objects| {
        let place = |object: &Value| {
            format!("{}{}{}", object["kind"], object["metadata"]["namespace"], object["metadata"]["name"])
        };
        let unique: BTreeMap<String, Value> = objects.into_iter().map(|object| (place(&object), object)).collect();
        unique
            .into_values()
            .map(|mut object| {
                // A label has less room than a name.
                object["metadata"]["labels"] = json!({});
                object
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_is_exported_is_read_back(contents in contents()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let world = World::new([namespace("shop"), namespace("web")].into_iter().chain(contents));
            let to = MemoryStore::new();
            world.back_up("b", &BackupSpec::default()).await;
            export(&world.store, "b", &to).await;
            let expected = read_all(&world.store, "b").await;
            assert_eq!(read_all(&to, "b").await, expected);
            let tarball = get(&to, "backups/b/b.tar.gz").await;
            assert_eq!(objects(&tarball).len(), expected.len());
        });
    }
}
