//! Backups that Velero made: read as they are, restored through the same engine, and never written to.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use kbackup_core::backup::BackupError;
use kbackup_core::catalog::{self, CatalogError, Cost, Depth, delete, list};
use kbackup_core::engine::Engine;
use kbackup_core::format::velero::check;
use kbackup_core::format::{FormatError, read_manifest, verify_part};
use kbackup_core::issue::{Outcome, Severity};
use kbackup_core::limits::Limits;
use kbackup_core::restore::RestoreError;
use kbackup_core::run::Run;
use kbackup_core::snapshot::SnapshotProviders;
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use kbackup_core::store::{MemoryStore, ObjectStore, ObjectStoreExt, PutMode};
use serde_json::{Value, json};

use crate::world::{World, all, completed, core, in_shop, keys, name};

/// The backup in the bucket: Velero made it of a shop on a real cluster. See `tests/data/README.md`.
const BACKUP: &str = "shop-monitoring";

macro_rules! file {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../data/velero-bucket/backups/shop-monitoring/", $name)).as_slice())
    };
}

pub(crate) const FILES: [(&str, &[u8]); 8] = [
    file!("velero-backup.json"),
    file!("shop-monitoring.tar.gz"),
    file!("shop-monitoring-itemoperations.json.gz"),
    file!("shop-monitoring-podvolumebackups.json.gz"),
    file!("shop-monitoring-resource-list.json.gz"),
    file!("shop-monitoring-results.gz"),
    file!("shop-monitoring-volumeinfo.json.gz"),
    file!("shop-monitoring-volumesnapshots.json.gz"),
];

pub(crate) async fn put(store: &MemoryStore, key: &str, body: impl Into<Bytes>) {
    store.put(&key.parse().expect("a key"), body.into(), PutMode::Overwrite).await.expect("stored");
}

pub(crate) async fn fill(store: &MemoryStore) {
    for (file, bytes) in FILES {
        put(store, &format!("backups/{BACKUP}/{file}"), bytes).await;
    }
}

/// An empty cluster, and a bucket that Velero wrote.
pub(crate) async fn bucket() -> World {
    let world = World::new([]);
    fill(&world.store).await;
    world
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

pub(crate) fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut raw = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut raw).expect("it is a gzip");
    raw
}

/// The entries of a tarball, read with tar and gzip alone.
pub(crate) fn entries(tarball: &[u8]) -> Vec<(String, Vec<u8>)> {
    let raw = gunzip(tarball);
    let mut archive = tar::Archive::new(&*raw);
    let entry = |entry: std::io::Result<tar::Entry<'_, &[u8]>>| {
        let mut entry = entry.expect("the entry is whole");
        let path = entry.path().expect("it has a path").to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("it can be read");
        (path, content)
    };
    archive.entries().expect("it is a tar").map(entry).collect()
}

/// The objects at the plain paths of a tarball.
pub(crate) fn objects(tarball: &[u8]) -> BTreeMap<String, Value> {
    let plain = |path: &str| matches!(path.split('/').nth(2), Some("cluster" | "namespaces"));
    let json = |content: &[u8]| serde_json::from_slice(content).expect("an object");
    let found = entries(tarball).into_iter().filter(|(path, _)| plain(path));
    found.map(|(path, content)| (path, json(&content))).collect()
}

#[tokio::test]
async fn a_bucket_of_velero_is_listed_and_described() {
    let world = bucket().await;
    let listed = list(&world.store, &Limits::default()).await.expect("it can be listed");
    assert_eq!(listed.len(), 1);
    let summary = listed[0].summary.as_ref().expect("it can be read");
    assert!(summary.is_velero());
    assert_eq!(kbackup_core::catalog::Record::of(&listed[0]), None, "Velero ends what is Velero's");
    assert_eq!(summary.labels.get("made-by").map(String::as_str), Some("velero"));
    let manifest = read_manifest(&world.store, &name(BACKUP)).await.expect("it can be read");
    assert!(manifest.is_velero());
    assert_eq!(manifest.writer.to_string(), "velero format 1.1.0");
    assert_eq!(manifest.outcome, Outcome::Completed);
    assert_eq!(manifest.expires_at.to_string(), "2026-12-23T09:45:21Z");
    assert_eq!(manifest.cluster.version, "v1.37.2");
    assert_eq!(manifest.spec.included_namespaces, ["shop", "monitoring"]);
    let issues = manifest.read_issues(&world.store).await.expect("they can be read");
    assert_eq!(issues.len() as u64, manifest.counts.warnings);
    assert!(issues.iter().all(|issue| issue.severity == Severity::Warning && issue.message.contains("metrics.k8s.io")));
    let index = manifest.read_index(&world.store).await.expect("its tarball is whole");
    assert_eq!(index.len() as u64, manifest.counts.objects);
    assert_eq!(index.len(), objects(FILES[1].1).len());
    verify_part(&world.store, &manifest.name, &manifest.parts[0]).await.expect("its checksum is right");
}

#[tokio::test]
async fn a_backup_of_velero_is_restored_and_its_bucket_is_left_as_it_is() {
    let world = bucket().await;
    let before = keys(&world.store).await;
    completed(&world.restore("again", &RestoreSpec::from_backup(name(BACKUP))).await);
    assert_eq!(keys(&world.store).await, before, "nothing is written beside Velero's backups");

    let archived = objects(FILES[1].1);
    for (plural, name, field) in [
        ("configmaps", "web-config", "data"),
        ("secrets", "db-password", "data"),
        ("services", "web", "/spec/selector"),
        ("persistentvolumeclaims", "data-db-0", "/spec/resources"),
    ] {
        let live = world.get(&in_shop(plural, name)).unwrap_or_else(|| unreachable!("{plural}/{name} is there"));
        let archived = &archived[&format!("resources/{plural}/namespaces/shop/{name}.json")];
        let field = format!("/{}", field.trim_start_matches('/'));
        assert!(archived.pointer(&field).is_some(), "{plural}/{name}");
        assert_eq!(live.pointer(&field), archived.pointer(&field), "{plural}/{name}");
    }
}

#[tokio::test]
async fn parts_of_a_backup_of_velero_come_back_under_another_name() {
    let world = bucket().await;
    let spec = RestoreSpec::from_backup(name(BACKUP)).namespaces(["shop"]).map_namespace("shop", "copy");
    let spec = RestoreSpec { included_resources: vec!["configmaps".to_owned()], ..spec };
    completed(&world.restore("again", &spec).await);
    let copied = all(&world.cluster, &core("configmaps"), kbackup_core::cluster::At::Newest).await;
    let copied: Vec<String> = copied.iter().map(ToString::to_string).filter(|text| text.contains("web-")).collect();
    assert_eq!(copied, ["ConfigMap copy/web-config"]);
    assert!(world.get(&in_shop("configmaps", "web-config")).is_none());
}

#[tokio::test]
async fn kbackup_writes_and_deletes_nothing_where_velero_keeps_its_backups() {
    let world = bucket().await;
    let before = keys(&world.store).await;
    let made = world.engine().backup(&name("own"), &BackupSpec::default(), &Run::default()).await;
    let Err(BackupError::ForeignLocation { why, .. }) = &made else { unreachable!("{made:?}") };
    assert!(why.contains("Velero") && why.contains("prefix of their own"), "{why}");
    let deleted = delete(&world.store, &SnapshotProviders::default(), &name(BACKUP), &Run::default()).await;
    assert!(matches!(deleted, Err(CatalogError::Velero { .. })), "{deleted:?}");
    assert_eq!(keys(&world.store).await, before);

    let repository = World::shop();
    put(&repository.store, "kopia/shop/kopia.repository", "x").await;
    let made = repository.engine().backup(&name("own"), &BackupSpec::default(), &Run::default()).await;
    assert!(matches!(made, Err(BackupError::ForeignLocation { .. })), "a repository of Velero's: {made:?}");
}

#[tokio::test]
async fn a_store_may_hold_both_kinds() {
    let world = World::shop();
    world.back_up("own", &BackupSpec::default()).await;
    fill(&world.store).await;
    world.back_up("second", &BackupSpec::default()).await;
    let listed = list(&world.store, &Limits::default()).await.expect("it can be listed");
    let kinds: Vec<(&str, bool)> = listed
        .iter()
        .map(|backup| (backup.name.as_str(), backup.summary.as_ref().expect("it can be read").is_velero()))
        .collect();
    assert_eq!(kinds, [("own", false), ("second", false), (BACKUP, true)]);
    let taken = world.engine().backup(&name(BACKUP), &BackupSpec::default(), &Run::default()).await;
    assert!(matches!(taken, Err(BackupError::NameTaken { .. })), "{taken:?}");
    for backup in ["own", BACKUP] {
        completed(&world.elsewhere().restore(&format!("{backup}-r"), &RestoreSpec::from_backup(name(backup))).await);
    }
}

/// A tarball of one entry, whose header no library would write.
fn tarball(path: &str, kind: tar::EntryType, size: u64, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_size(size);
    header.set_entry_type(kind);
    header.as_ustar_mut().expect("it is one").name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_cksum();
    let mut bytes = [header.as_bytes(), content].concat();
    bytes.resize(bytes.len().next_multiple_of(512) + 1_024, 0);
    gzip(&bytes)
}

#[tokio::test]
async fn a_hostile_archive_is_damage_and_nothing_is_applied() {
    use tar::EntryType::{Regular, Symlink};
    let whole = FILES[1].1;
    let mut flipped = whole.to_vec();
    flipped[whole.len() / 2] ^= 0x10;
    let bomb = gzip(&vec![0; 160 << 20]);
    let path = "resources/configmaps/namespaces/shop/a.json";
    for (what, bytes, place) in [
        ("cut", whole[..whole.len() / 2].to_vec(), "incomplete"),
        ("its checksum cut off", whole[..whole.len() - 4].to_vec(), ".tar.gz"),
        ("empty", Vec::new(), ".tar.gz"),
        ("a flipped bit", flipped, ".tar.gz"),
        ("no gzip", b"what is this".to_vec(), ".tar.gz"),
        ("a bomb", bomb, "more than a backup of its size"),
        ("a way out", tarball("resources/../../../etc/passwd", Regular, 1, b"x"), "../../../etc/passwd"),
        ("a link", tarball(path, Symlink, 0, b""), path),
        ("a huge entry", tarball(path, Regular, 1 << 40, b""), path),
        ("another object", tarball(path, Regular, 2, b"{}"), path),
        ("a newer format", tarball("metadata/version", Regular, 5, b"2.0.0"), "2.0.0"),
    ] {
        let world = bucket().await;
        put(&world.store, &format!("backups/{BACKUP}/{BACKUP}.tar.gz"), bytes).await;
        let planned =
            world.engine().plan_restore(&name("r"), &RestoreSpec::from_backup(name(BACKUP)), &Run::default()).await;
        let Err(RestoreError::Backup(error)) = &planned else { unreachable!("{what}: {planned:?}") };
        let is_newer = what == "a newer format";
        assert!(matches!(error, FormatError::Damaged { .. }) || is_newer, "{what}: {error:?}");
        assert!(error.to_string().contains(place), "{what}: {error}");
        assert_eq!(world.cluster.requests().writes(), 0, "{what}");
    }
}

#[tokio::test]
async fn an_archive_that_is_not_there_or_changes_after_the_plan_is_damage() {
    let world = bucket().await;
    let engine = Engine::new(world.cluster.clone(), world.store.clone());
    let plan = engine
        .plan_restore(&name("r"), &RestoreSpec::from_backup(name(BACKUP)), &Run::default())
        .await
        .expect("a plan");
    let key = format!("backups/{BACKUP}/{BACKUP}.tar.gz");
    let changed = gunzip(FILES[1].1);
    let text = String::from_utf8_lossy(&changed).replace("\"kind\":\"Namespace\"", "\"kind\":\"namespace\"");
    put(&world.store, &key, gzip(text.as_bytes())).await;
    let applied = engine.apply(&plan, &Run::default()).await;
    assert!(matches!(applied, Err(RestoreError::Backup(FormatError::Damaged { .. }))), "{applied:?}");
    assert_eq!(world.cluster.requests().writes(), 0);

    world.store.delete(&[key.parse().expect("a key")]).await.expect("deleted");
    let manifest = read_manifest(&world.store, &name(BACKUP)).await.expect("its marker is there");
    let index = manifest.read_index(&world.store).await.expect_err("its tarball is not");
    assert!(index.to_string().contains(&format!("{key} is missing")), "{index}");
}

#[tokio::test]
async fn what_old_versions_did_not_write_is_not_missed() {
    let world = World::new([]);
    let marker = json!({
        "kind": "Backup", "apiVersion": "velero.io/v1", "metadata": { "name": "old", "namespace": "velero" },
        "spec": { "includedNamespaces": ["*"] }, "status": { "version": 1, "phase": "Completed" },
    });
    put(&world.store, "backups/old/velero-backup.json", marker.to_string()).await;
    let object = br#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}"#;
    let bytes = tarball("resources/namespaces/cluster/shop.json", tar::EntryType::Regular, object.len() as u64, object);
    put(&world.store, "backups/old/old.tar.gz", bytes).await;
    let manifest = read_manifest(&world.store, &name("old")).await.expect("it can be read");
    assert_eq!(manifest.read_issues(&world.store).await.expect("there are none"), []);
    completed(&world.restore("r", &RestoreSpec::from_backup(name("old"))).await);
    let results = gzip(b"null\n");
    put(&world.store, "backups/old/old-results.gz", results).await;
    assert_eq!(manifest.read_issues(&world.store).await.expect("null is none"), []);
    let newer = world.store.get_bytes(&"backups/old/velero-backup.json".parse().expect("a key"), 1 << 20).await;
    let newer = String::from_utf8_lossy(&newer.expect("it is there"))
        .replace("Completed\"", "Completed\",\"formatVersion\":\"2\"");
    put(&world.store, "backups/old/velero-backup.json", newer).await;
    let error = read_manifest(&world.store, &name("old")).await.expect_err("it is too new");
    assert!(matches!(error, FormatError::VeleroTooNew { .. }), "{error}");
}

#[tokio::test]
async fn a_backup_of_velero_is_checked_as_far_as_that_can_be() {
    let world = bucket().await;
    let manifest = read_manifest(&world.store, &name(BACKUP)).await.expect("it can be read");
    let checked = check(&world.store, &manifest).await.expect("it is whole");
    assert_eq!(checked.index.len() as u64, manifest.counts.objects);
    assert_eq!((checked.damages, checked.notes), (Vec::new(), Vec::new()));
    let verify = async || catalog::verify(&world.store, &name(BACKUP), Depth::Digests, &Run::default()).await;
    let whole = verify().await.expect("it can be read");
    assert!(whole.is_whole() && whole.notes.is_empty(), "{whole:?}");
    assert_eq!((whole.depth, whole.objects), (Depth::Entries, manifest.counts.objects), "every object is looked at");

    let file = |name: &str| format!("backups/{BACKUP}/{BACKUP}-{name}");
    let list = String::from_utf8(gunzip(FILES[4].1)).expect("JSON is text");
    let fewer = list.replace("\"shop/web-config\"", "\"shop/other\"");
    put(&world.store, &file("resource-list.json.gz"), gzip(fewer.as_bytes())).await;
    put(&world.store, &file("volumeinfo.json.gz"), gzip(b"{}")).await;
    put(&world.store, &file("itemoperations.json.gz"), "not a gzip").await;
    put(&world.store, &file("results.gz"), gzip(b"{")).await;
    let found = verify().await.expect("it can be read");
    let files: Vec<&str> = found.damages.iter().map(|damage| damage.file.as_str()).collect();
    assert_eq!(files, ["volumeinfo.json.gz", "itemoperations.json.gz", "results.gz"].map(file));
    assert!(found.damages.iter().all(|damage| damage.cost == Cost::Nothing), "{found:?}");
    let damages = found.damages.iter().flat_map(|damage| damage.what.iter().cloned());
    let told: Vec<String> = found.notes.iter().cloned().chain(damages).collect();
    for part in [
        "shop/other of v1 is in the list of resources, and not in the tarball",
        "shop/web-config of v1 is in the tarball, and not in the list of resources",
        "volumeinfo.json.gz: it is not a list",
        "itemoperations.json.gz: ",
        "results.gz: ",
    ] {
        assert!(told.iter().any(|text| text.contains(part)), "{part}: {told:#?}");
    }
    assert_eq!(told.len(), 5, "{told:#?}");

    let tarball = FILES[1].1;
    put(&world.store, &format!("backups/{BACKUP}/{BACKUP}.tar.gz"), &tarball[..tarball.len() - 1]).await;
    let manifest = read_manifest(&world.store, &name(BACKUP)).await.expect("it can be read");
    let damaged = check(&world.store, &manifest).await;
    assert!(matches!(damaged, Err(FormatError::Damaged { .. })), "{damaged:?}");
    let found = verify().await.expect("what is damaged is in it");
    assert_eq!(found.damages[0].file.as_str(), format!("backups/{BACKUP}/{BACKUP}.tar.gz"));
    assert_eq!(found.damages[0].cost, Cost::Everything, "{found:?}");
}
