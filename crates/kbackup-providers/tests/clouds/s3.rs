//! `s3://` against moto.

use std::sync::Arc;

use bytes::Bytes;
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
    let Some(bucket) = Bucket::on_moto().await else { return };
    conformance::store::all(store(&bucket.s3("", ""))).await;
    conformance::store::all(store(&bucket.s3("deep/er%20prefix", "&checksum=sha256&bulk-delete=false"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_and_many_objects_are_no_trouble() {
    let Some(bucket) = Bucket::on_moto().await else { return };
    conformance::store::heavy(store(&bucket.s3("heavy", ""))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_create_is_decided_by_the_store() {
    let Some(bucket) = Bucket::on_moto().await else { return };
    let store = store(&bucket.s3("", "&part-size=5MiB"));
    let mut uploads = Vec::new();
    for racer in 0..3_u8 {
        let mut upload = store.upload(&key("large"), PutMode::Create).await.expect("the key is free");
        upload.write(Bytes::from(vec![racer; 6 << 20])).await.expect("a piece");
        uploads.push(upload);
    }
    // One after the other: moto looks first and writes then, and Amazon does both at once.
    for (number, upload) in uploads.iter_mut().enumerate() {
        let completed = upload.complete().await;
        match number {
            0 => assert_eq!(completed.expect("the key is free").size, 6 << 20),
            _ => assert_eq!(completed.expect_err("it is taken").kind(), StoreErrorKind::AlreadyExists),
        }
        upload.abort().await.expect("an abort");
    }
    assert_eq!(store.head(&key("large")).await.expect("it is there").size, 6 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aborted_upload_leaves_no_parts() {
    let Some(bucket) = Bucket::on_moto().await else { return };
    let store = store(&bucket.s3("", "&part-size=5MiB"));
    let uploads = || async {
        let url = format!("{}/{}?uploads", bucket.endpoint, bucket.name);
        let answer = reqwest::get(url).await.expect("an answer").text().await.expect("a text");
        answer.matches("<UploadId>").count()
    };
    let mut upload = store.upload(&key("given-up"), PutMode::Overwrite).await.expect("an upload");
    upload.write(Bytes::from(vec![0; 11 << 20])).await.expect("a piece");
    assert_eq!(uploads().await, 1, "the parts are there");
    upload.abort().await.expect("an abort");
    assert_eq!(uploads().await, 0, "the parts are gone");
    store.head(&key("given-up")).await.expect_err("nothing is visible");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_bucket_is_told_from_a_missing_object() {
    let Some(bucket) = Bucket::on_moto().await else { return };
    let missing = Bucket { name: "kbackup-is-not-there".to_owned(), ..bucket };
    let store = store(&missing.s3("", ""));
    let put = store.put(&key("a"), "x".into(), PutMode::Create).await.expect_err("no bucket");
    let get = store.get(&key("a"), None).await.expect_err("no bucket");
    let list = store.list_children(&Default::default()).await.expect_err("no bucket");
    for error in [put, get, list] {
        assert_eq!(error.kind(), StoreErrorKind::Other, "{error}");
        let text = error.to_string();
        assert!(text.contains("NoSuchBucket") && text.contains("create it, or check its name"), "{text}");
    }
}

#[tokio::test]
async fn a_profile_without_credentials_is_named() {
    let file = file("[other]\naws_access_key_id = x\naws_secret_access_key = hunter2\n");
    let file = file.path().display();
    let url = format!("s3://bucket?region=eu-west-1&profile=absent&credentials-file={file}");
    let error = store(&url).head(&key("a")).await.expect_err("no credentials");
    assert_eq!(error.kind(), StoreErrorKind::Unauthenticated, "{error}");
    assert!(error.to_string().contains("the profile \"absent\" gives no credentials"), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}
