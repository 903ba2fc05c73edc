//! `gs://` against a server of our own that speaks the XML API of Google Cloud Storage.

use std::sync::Arc;

use kbackup_core::conformance;
use kbackup_core::store::{Key, ObjectStore, PutMode, StoreErrorKind};
use kbackup_providers::registry::{OpenOptions, open};

use super::fake_gcs;

fn store(url: &str) -> Arc<dyn ObjectStore> {
    open(url, OpenOptions::default()).expect("a store")
}

fn key(key: &str) -> Key {
    key.parse().expect("a key")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_kept() {
    let server = fake_gcs::start().await;
    let url = |prefix: &str| format!("gs://bucket/{prefix}?anonymous=true&endpoint={}", server.address);
    conformance::store::all(store(&url(""))).await;
    conformance::store::all(store(&url("deep/er%20prefix"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_and_many_objects_are_no_trouble() {
    let server = fake_gcs::start().await;
    conformance::store::heavy(store(&format!("gs://bucket?anonymous=true&endpoint={}", server.address))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_is_told_from_a_missing_object() {
    let server = fake_gcs::start().await;
    let url = format!("gs://another?anonymous=true&endpoint={}", server.address);
    let error = store(&url).put(&key("a"), "x".into(), PutMode::Create).await.expect_err("no bucket");
    assert_eq!(error.kind(), StoreErrorKind::Other, "{error}");
    assert!(error.to_string().contains("NoSuchBucket"), "{error}");
}

#[tokio::test]
async fn a_file_that_holds_no_credentials_is_named() {
    let error = store("gs://bucket?credentials-file=/missing.json").head(&key("a")).await.expect_err("no credentials");
    assert_eq!(error.kind(), StoreErrorKind::Unauthenticated, "{error}");
    assert!(error.to_string().contains("the credentials-file /missing.json cannot be read"), "{error}");
}
