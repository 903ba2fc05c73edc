//! `az://` against azurite.

use std::sync::Arc;

use kbackup_core::conformance;
use kbackup_core::store::{Key, ObjectStore, PutMode, StoreErrorKind};
use kbackup_providers::registry::{OpenOptions, open};

use super::emulators::{Bucket, file};

fn store(url: &str) -> Arc<dyn ObjectStore> {
    open(url, OpenOptions::default()).expect("a store")
}

fn key(key: &str) -> Key {
    key.parse().expect("a key")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_kept() {
    let Some(container) = Bucket::on_azurite().await else { return };
    conformance::store::all(store(&container.az("deep/er%20prefix", ""))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_and_many_objects_are_no_trouble() {
    let Some(container) = Bucket::on_azurite().await else { return };
    let store = store(&container.az("heavy", ""));
    // Azurite takes some ten milliseconds a key, so it gets a quarter of what the others do.
    conformance::store::many_keys_are_listed_and_deleted(&store, 2_500).await;
    conformance::store::large_uploads_come_back_whole(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_container_is_told_from_a_missing_object() {
    let Some(container) = Bucket::on_azurite().await else { return };
    let missing = Bucket { name: "kbackup-is-not-there".to_owned(), ..container };
    let error = store(&missing.az("", "")).put(&key("a"), "x".into(), PutMode::Create).await.expect_err("no container");
    assert_eq!(error.kind(), StoreErrorKind::Other, "{error}");
    assert!(error.to_string().contains("ContainerNotFound"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_told_as_such() {
    let Some(container) = Bucket::on_azurite().await else { return };
    let wrong = Bucket { credentials: file("aHVudGVyMg=="), ..container };
    let error = store(&wrong.az("", "")).put(&key("a"), "x".into(), PutMode::Create).await.expect_err("a wrong key");
    // Azure says AuthenticationFailed, and azurite AuthorizationFailure.
    assert!(matches!(error.kind(), StoreErrorKind::Unauthenticated | StoreErrorKind::PermissionDenied), "{error}");
    assert!(error.to_string().contains("to the credentials of the key of the account"), "{error}");
    assert!(!error.to_string().contains("aHVudGVyMg"), "{error}");
}

#[tokio::test]
async fn credentials_that_are_missing_are_named() {
    for (options, part) in [
        ("key-file=/missing", "the key-file /missing cannot be read"),
        ("sas-file=/missing", "the sas-file /missing cannot be read"),
        ("credentials=client-secret&tenant-id=t", "needs AZURE_CLIENT_ID"),
    ] {
        let url = format!("az://container?account=a&{options}");
        let error = store(&url).head(&key("a")).await.expect_err(options);
        assert_eq!(error.kind(), StoreErrorKind::Unauthenticated, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
}
