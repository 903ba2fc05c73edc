//! Whole backups that a cloud holds: each of their files, until they are over.

use std::sync::Arc;

use axum::http::Method;
use futures::TryStreamExt;
use jiff::Timestamp;
use kbackup_core::catalog::{CatalogError, delete};
use kbackup_core::cluster::MemoryCluster;
use kbackup_core::engine::Engine;
use kbackup_core::format::Manifest;
use kbackup_core::model::LockMode;
use kbackup_core::run::Run;
use kbackup_core::snapshot::SnapshotProviders;
use kbackup_core::spec::BackupSpec;
use kbackup_providers::registry::{OpenOptions, open};
use serde_json::json;

use super::emulators::Bucket;
use super::fake_gcs;
use super::lock::{Bare, POLICY, WORDS, immutable, retention};
use super::proxy::Proxy;

/// Makes a backup that is locked, and has its deletion refused: its manifest, and the keys of its files.
async fn hold(url: &str) -> (Manifest, Vec<String>) {
    let store = open(url, OpenOptions::default()).expect("a store");
    let cluster = MemoryCluster::new();
    let objects = (0..20).map(|number| {
        let metadata = json!({ "namespace": "default", "name": format!("c{number}") });
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": { "a": "b" } })
    });
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "default" } });
    cluster.load([namespace].into_iter().chain(objects)).expect("the objects load");
    let (name, run) = ("kept".parse().expect("a name"), Run::default());
    let spec = BackupSpec { lock: Some(LockMode::Compliance), ..BackupSpec::default() };
    let spec = spec.ttl("24h".parse().expect("a duration"));
    let made = Engine::shared(Arc::new(cluster), Arc::clone(&store)).backup(&name, &spec, &run).await;
    let manifest = made.expect("the backup is made").manifest;
    let lock = manifest.lock.expect("it is locked");
    assert!(manifest.completed_at < manifest.expires_at && manifest.expires_at <= lock.until, "{manifest:?}");
    let refused = delete(&*store, &SnapshotProviders::default(), &name, &run).await.expect_err("it is locked");
    assert!(matches!(refused, CatalogError::Locked { .. }), "{refused}");
    assert!(refused.to_string().contains(&lock.until.to_string()), "the date is told: {refused}");
    let folder = "backups/kept".parse().expect("a prefix");
    let keys = store.list(&folder).map_ok(|stored| stored.key.to_string()).try_collect::<Vec<_>>().await;
    let keys = keys.expect("a list");
    assert!(keys.len() >= 5, "index, issues, manifest, part, volumes: {keys:?}");
    (manifest, keys)
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_holds_a_whole_backup() {
    let Some(bucket) = Bucket::with_locks_on_moto().await else { return };
    let (manifest, keys) = hold(&bucket.s3("", "")).await;
    let bare = Bare::of(&bucket);
    for key in keys {
        let answer = bare.ask(Method::HEAD, &format!("/{key}")).await;
        let [mode, until] =
            WORDS.map(|word| answer.headers().get(word).expect(&key).to_str().expect("a text").to_owned());
        assert_eq!(mode, "COMPLIANCE", "{key}");
        assert!(until.parse::<Timestamp>().expect("a time") >= manifest.expires_at, "{key}: {until}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn google_holds_a_whole_backup() {
    let server = fake_gcs::start().await;
    let (manifest, keys) = hold(&format!("gs://retaining?anonymous=true&endpoint={}", server.address)).await;
    for key in keys {
        let (mode, until) = retention(&server, &key).await.expect(&key);
        assert_eq!(mode, "COMPLIANCE", "{key}");
        assert!(until.parse::<Timestamp>().expect("a time") >= manifest.expires_at, "{key}: {until}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_is_asked_to_hold_a_whole_backup() {
    let Some(container) = Bucket::on_azurite().await else { return };
    let (proxy, server) = Proxy::start(&container.endpoint, immutable).await;
    let container = Bucket { endpoint: server.address.clone(), ..container };
    let (manifest, keys) = hold(&container.az("", "")).await;
    let until = manifest.expires_at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let asked = proxy.asked();
    for key in keys {
        let writes = asked.iter().filter(|asked| asked.method == "PUT" && asked.path.ends_with(&key));
        let writes = writes.collect::<Vec<_>>();
        assert!(!writes.is_empty(), "{key}");
        for written in writes {
            assert_eq!(POLICY.map(|header| written.header(header)), [Some("locked"), Some(until.as_str())], "{key}");
        }
    }
}
