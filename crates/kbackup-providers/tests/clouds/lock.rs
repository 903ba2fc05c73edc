//! Object lock on S3, as moto plays it; object retention on our Google; immutability on Azure, with help for azurite.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use bytes::Bytes;
use kbackup_core::conformance;
use kbackup_core::model::{Lock, LockMode};
use kbackup_core::store::{Key, PutMode, StoreErrorKind};
use kbackup_providers::registry::{OpenOptions, open};

use super::emulators::Bucket;
use super::fake_gcs;
use super::proxy::{Addition, Asked, Proxy};
use super::server::Server;

fn key(key: &str) -> Key {
    key.parse().expect("a key")
}

fn lock(mode: LockMode, until: &str) -> Lock {
    Lock { mode, until: until.parse().expect("a time") }
}

/// What stands in the first element of that name.
fn within<'a>(xml: &'a str, element: &str) -> &'a str {
    let (_, rest) = xml.split_once(&format!("<{element}>")).expect("an element");
    rest.split_once('<').expect("its end").0
}

pub(crate) const WORDS: [&str; 2] = ["x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"];

/// Moto forgets how an upload in parts was begun: what was said then is what an object is locked with.
fn remembered(before: &[Asked], now: &Asked) -> HeaderMap {
    let begins =
        |asked: &&Asked| asked.method == "POST" && asked.query.starts_with("uploads") && asked.path == now.path;
    let begun = before.iter().rev().find(begins).filter(|_| now.method == "HEAD");
    begun.map(|begun| begun.some(&WORDS)).unwrap_or_default()
}

/// A bucket of moto's without anything of ours in between.
pub(crate) struct Bare {
    client: reqwest::Client,
    base: String,
}

impl Bare {
    pub(crate) fn of(bucket: &Bucket) -> Self {
        Self { client: reqwest::Client::new(), base: format!("{}/{}", bucket.endpoint, bucket.name) }
    }

    /// Asks as the owner: moto looks who it is, and not at the signature.
    pub(crate) async fn ask(&self, method: Method, rest: &str) -> reqwest::Response {
        let who = "AWS4-HMAC-SHA256 Credential=kbackup-test/20261125/us-east-1/s3/aws4_request";
        let request = self.client.request(method, format!("{}{rest}", self.base)).header("authorization", who);
        request.send().await.expect("an answer")
    }

    /// All versions of all objects: their keys and ids.
    async fn versions(&self) -> Vec<(String, String)> {
        let listed = self.ask(Method::GET, "?versions").await.text().await.expect("a text");
        let versions = listed.split("<Version>").skip(1);
        versions.map(|one| (within(one, "Key").to_owned(), within(one, "VersionId").to_owned())).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_is_locked_in_the_store() {
    let Some(bucket) = Bucket::with_locks_on_moto().await else { return };
    let store = open(&bucket.s3("", ""), OpenOptions::default()).expect("a store");
    let bare = Bare::of(&bucket);
    for (mode, word) in [(LockMode::Governance, "GOVERNANCE"), (LockMode::Compliance, "COMPLIANCE")] {
        let locked = store.locked(lock(mode, "2036-01-02T03:04:00Z")).await.expect("the bucket can");
        let name = mode.to_string();
        locked.put(&key(&name), "x".into(), PutMode::Create).await.expect("it is written");
        let answer = bare.ask(Method::HEAD, &format!("/{name}")).await;
        let [mode, until] = WORDS.map(|word| answer.headers()[word].to_str().expect("a text"));
        assert_eq!((mode, until), (word, "2036-01-02T03:04:00Z"));
    }
    store.put(&key("free"), "x".into(), PutMode::Create).await.expect("it is written");
    let answer = bare.ask(Method::HEAD, "/free").await;
    assert!(!answer.headers().contains_key(WORDS[0]), "only what is to be locked is locked");

    // A deletion hides what is locked, and whoever forces it is refused: the bytes stay.
    store.delete(&[key("governance"), key("compliance"), key("free")]).await.expect("they are hidden");
    store.head(&key("compliance")).await.expect_err("it is hidden");
    let versions = bare.versions().await;
    assert_eq!(versions.len(), 3, "{versions:?}");
    for (name, version) in &versions {
        let forced = bare.ask(Method::DELETE, &format!("/{name}?versionId={version}")).await.status();
        assert_eq!(forced == StatusCode::FORBIDDEN, name != "free", "{name}: {forced}");
    }
    assert_eq!(bare.versions().await.len(), 2, "what was locked is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_in_parts_is_begun_locked() {
    let Some(bucket) = Bucket::with_locks_on_moto().await else { return };
    let (proxy, server) = Proxy::start(&bucket.endpoint, remembered).await;
    let bucket = Bucket { endpoint: server.address.clone(), ..bucket };
    let store = open(&bucket.s3("", "&part-size=5MiB"), OpenOptions::default()).expect("a store");
    let locked = store.locked(lock(LockMode::Compliance, "2036-01-02T03:04:00Z")).await.expect("the bucket can");
    let mut upload = locked.upload(&key("large"), PutMode::Overwrite).await.expect("an upload");
    upload.write(Bytes::from(vec![7; 11 << 20])).await.expect("a piece");
    assert_eq!(upload.complete().await.expect("it is complete").size, 11 << 20);
    let asked = proxy.asked();
    let begun = asked.iter().find(|asked| asked.query.starts_with("uploads")).expect("it was begun");
    assert_eq!(WORDS.map(|word| begun.header(word)), [Some("COMPLIANCE"), Some("2036-01-02T03:04:00Z")]);
    let signed = begun.header("authorization").expect("a signature");
    assert!(WORDS.iter().all(|word| signed.contains(word)), "both are signed: {signed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_the_store_has_not_locked_is_an_error() {
    let Some(bucket) = Bucket::with_locks_on_moto().await else { return };
    let store = open(&bucket.s3("", "&part-size=5MiB"), OpenOptions::default()).expect("a store");
    let locked = store.locked(lock(LockMode::Governance, "2036-01-02T03:04:00Z")).await.expect("the bucket can");
    let mut upload = locked.upload(&key("large"), PutMode::Overwrite).await.expect("an upload");
    upload.write(Bytes::from(vec![7; 11 << 20])).await.expect("a piece");
    let error = upload.complete().await.expect_err("moto forgets the lock of an upload in parts");
    assert_eq!(error.kind(), StoreErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("the store does not say that it is locked"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_store_keeps_the_contract_of_its_writes() {
    let Some(bucket) = Bucket::with_locks_on_moto().await else { return };
    let (_proxy, server) = Proxy::start(&bucket.endpoint, remembered).await;
    let bucket = Bucket { endpoint: server.address.clone(), ..bucket };
    let store = open(&bucket.s3("", ""), OpenOptions::default()).expect("a store");
    let store = store.locked(lock(LockMode::Governance, "2036-01-02T03:04:00Z")).await.expect("the bucket can");
    conformance::store::empty_objects_are_objects(&store).await;
    conformance::store::uploads_keep_every_piece_in_order(&store).await;
    conformance::store::create_refuses_a_taken_key(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_without_locks_is_refused_before_anything_is_written() {
    let Some(bucket) = Bucket::on_moto().await else { return };
    let store = open(&bucket.s3("", ""), OpenOptions::default()).expect("a store");
    let refused = store.locked(lock(LockMode::Governance, "2036-01-02T03:04:00Z")).await.expect_err("it has none");
    assert_eq!(refused.kind(), StoreErrorKind::Unsupported, "{refused}");
    assert!(refused.to_string().contains("the bucket has no object lock"), "{refused}");
    let missing = Bucket { name: "kbackup-is-not-there".to_owned(), ..bucket };
    let store = open(&missing.s3("", ""), OpenOptions::default()).expect("a store");
    let refused = store.locked(lock(LockMode::Governance, "2036-01-02T03:04:00Z")).await.expect_err("no bucket");
    assert!(refused.to_string().contains("NoSuchBucket"), "{refused}");
}

#[tokio::test]
async fn a_folder_says_that_it_cannot() {
    let store = open("file:///srv/backups", OpenOptions::default()).expect("a store");
    let refused = store.locked(lock(LockMode::Governance, "2036-01-02T03:04:00Z")).await.expect_err("a folder");
    assert_eq!(refused.kind(), StoreErrorKind::Unsupported, "{refused}");
    assert!(refused.to_string().contains("a folder holds nothing against its owner"), "{refused}");
}

/// What Google's API says that an object is retained by: how, and until when.
pub(crate) async fn retention(server: &Server, key: &str) -> Option<(String, String)> {
    let answer = reqwest::get(format!("{}/retaining/{key}?retention", server.address)).await.expect("an answer");
    let found = answer.status().is_success();
    let text = answer.text().await.expect("a text");
    found.then(|| (within(&text, "Mode").to_owned(), within(&text, "RetainUntilDate").to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn google_retains_what_is_written() {
    let server = fake_gcs::start().await;
    let url = format!("gs://retaining?anonymous=true&part-size=5MiB&endpoint={}", server.address);
    let store = open(&url, OpenOptions::default()).expect("a store");
    for (mode, word) in [(LockMode::Governance, "GOVERNANCE"), (LockMode::Compliance, "COMPLIANCE")] {
        let locked = store.locked(lock(mode, "2036-01-02T03:04:00Z")).await.expect("the bucket can");
        let (small, large) = (format!("{mode}-small"), format!("{mode}-large"));
        locked.put(&key(&small), "x".into(), PutMode::Create).await.expect("it is written");
        let mut upload = locked.upload(&key(&large), PutMode::Overwrite).await.expect("an upload");
        upload.write(Bytes::from(vec![7; 11 << 20])).await.expect("a piece");
        assert_eq!(upload.complete().await.expect("it is complete").size, 11 << 20);
        for name in [small, large] {
            let found = retention(&server, &name).await;
            assert_eq!(found, Some((word.to_owned(), "2036-01-02T03:04:00Z".to_owned())), "{name}");
            let deleted = store.delete(&[key(&name)]).await.expect_err("it is retained");
            assert_eq!(deleted.kind(), StoreErrorKind::PermissionDenied, "{deleted}");
            let replaced = store.put(&key(&name), "y".into(), PutMode::Overwrite).await.expect_err("it is retained");
            assert_eq!(replaced.kind(), StoreErrorKind::PermissionDenied, "{replaced}");
        }
    }
    store.put(&key("free"), "x".into(), PutMode::Create).await.expect("it is written");
    assert_eq!(retention(&server, "free").await, None, "only what is to be locked is locked");
    let locked = store.locked(lock(LockMode::Governance, "2036-01-02T03:04:00Z")).await.expect("the bucket can");
    conformance::store::empty_objects_are_objects(&locked).await;
    conformance::store::uploads_keep_every_piece_in_order(&locked).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_of_google_s_without_retention_is_refused_before_anything_is_written() {
    let server = fake_gcs::start().await;
    for (bucket, part) in [("bucket", "the bucket has no object retention"), ("another", "NoSuchBucket")] {
        let url = format!("gs://{bucket}?anonymous=true&endpoint={}", server.address);
        let store = open(&url, OpenOptions::default()).expect("a store");
        let refused = store.locked(lock(LockMode::Governance, "2036-01-02T03:04:00Z")).await.expect_err("it has none");
        assert!(refused.to_string().contains(part), "{refused}");
    }
}

pub(crate) const POLICY: [&str; 2] = ["x-ms-immutability-policy-mode", "x-ms-immutability-policy-until-date"];

/// Azurite knows no policies: its containers are said to have them, and its blobs to have what they were written with.
pub(crate) fn immutable(before: &[Asked], now: &Asked) -> HeaderMap {
    if now.query.contains("restype=container") {
        let enabled = HeaderName::from_static("x-ms-immutable-storage-with-versioning-enabled");
        return HeaderMap::from_iter([(enabled, HeaderValue::from_static("true"))]);
    }
    let writes =
        |asked: &&Asked| asked.method == "PUT" && asked.path == now.path && !asked.query.contains("comp=block&");
    let written = before.iter().rev().find(writes).filter(|_| now.method == "HEAD");
    written.map(|written| written.some(&POLICY)).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_is_given_a_policy_with_every_blob() {
    let Some(container) = Bucket::on_azurite().await else { return };
    let (proxy, server) = Proxy::start(&container.endpoint, immutable).await;
    let container = Bucket { endpoint: server.address.clone(), ..container };
    let store = open(&container.az("", "&part-size=5MiB"), OpenOptions::default()).expect("a store");
    for (mode, word) in [(LockMode::Governance, "unlocked"), (LockMode::Compliance, "locked")] {
        // Azurite checks the signature of what is signed with the key of the account, these headers included.
        let locked = store.locked(lock(mode, "2036-01-02T03:04:00Z")).await.expect("the container can");
        let (small, large) = (format!("{mode}-small"), format!("{mode}-large"));
        locked.put(&key(&small), "x".into(), PutMode::Create).await.expect("it is written");
        let mut upload = locked.upload(&key(&large), PutMode::Overwrite).await.expect("an upload");
        upload.write(Bytes::from(vec![7; 11 << 20])).await.expect("a piece");
        assert_eq!(upload.complete().await.expect("it is complete").size, 11 << 20);
        let asked = proxy.asked();
        for (name, query) in [(small, ""), (large, "comp=blocklist")] {
            let mut writes = asked.iter().filter(|asked| asked.method == "PUT" && asked.path.ends_with(&name));
            let written = writes.find(|asked| asked.query == query).expect("it was written");
            let policy = POLICY.map(|header| written.header(header));
            assert_eq!(policy, [Some(word), Some("Wed, 02 Jan 2036 03:04:00 GMT")], "{name}");
            assert!(written.header("authorization").is_some_and(|it| it.starts_with("SharedKey ")), "{name}");
        }
    }
    let blocks: Vec<_> = proxy.asked().into_iter().filter(|asked| asked.query.contains("comp=block&")).collect();
    assert!(!blocks.is_empty() && blocks.iter().all(|block| block.header(POLICY[0]).is_none()), "blocks have none");
    store.put(&key("free"), "x".into(), PutMode::Create).await.expect("it is written");
    let last = proxy.asked().into_iter().rfind(|asked| asked.method == "PUT").expect("a write");
    assert_eq!(last.header(POLICY[0]), None, "only what is to be locked is locked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_without_policies_is_refused_before_anything_is_written() {
    let Some(container) = Bucket::on_azurite().await else { return };
    let store = open(&container.az("", ""), OpenOptions::default()).expect("a store");
    let refused = store.locked(lock(LockMode::Governance, "2036-01-02T03:04:00Z")).await.expect_err("azurite has none");
    assert_eq!(refused.kind(), StoreErrorKind::Unsupported, "{refused}");
    assert!(refused.to_string().contains("the container has no version-level immutability"), "{refused}");
    let missing = Bucket { name: "kbackup-is-not-there".to_owned(), ..container };
    let store = open(&missing.az("", ""), OpenOptions::default()).expect("a store");
    let refused = store.locked(lock(LockMode::Governance, "2036-01-02T03:04:00Z")).await.expect_err("no container");
    assert!(refused.to_string().contains("ContainerNotFound"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_without_its_policy_is_an_error() {
    let Some(container) = Bucket::on_azurite().await else { return };
    let enabled: Addition = |_, now| immutable(&[], now);
    let (_proxy, server) = Proxy::start(&container.endpoint, enabled).await;
    let container = Bucket { endpoint: server.address.clone(), ..container };
    let store = open(&container.az("", ""), OpenOptions::default()).expect("a store");
    let locked = store.locked(lock(LockMode::Governance, "2036-01-02T03:04:00Z")).await.expect("it says that it can");
    let error = locked.put(&key("a"), "x".into(), PutMode::Create).await.expect_err("azurite locks nothing");
    assert_eq!(error.kind(), StoreErrorKind::Unsupported, "{error}");
}
