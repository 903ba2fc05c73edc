//! `s3://` against a second implementation, which checks signatures: s3s, with buckets in memory below it (`tests/s3`).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kbackup_core::conformance;
use kbackup_core::model::{Lock, LockMode};
use kbackup_core::store::{Key, ObjectStore, PutMode, StoreErrorKind};
use kbackup_providers::registry::{OpenOptions, open};
use kbackup_test_s3::{Options, Server};
use tempfile::NamedTempFile;

use super::emulators::{aws_credentials, file};

/// A server with one bucket, `bucket`, that knows the credentials of the tests.
struct Signing {
    server: Server,
    credentials: NamedTempFile,
}

impl Signing {
    async fn start(options: Options) -> Self {
        let server = Server::start(&options).await.expect("a server");
        Self { server, credentials: aws_credentials() }
    }

    fn url(&self, prefix: &str, options: &str) -> String {
        let (address, file) = (&self.server.address, self.credentials.path().display());
        format!("s3://bucket/{prefix}?endpoint={address}&profile=test&credentials-file={file}{options}")
    }
}

fn store(url: &str) -> Arc<dyn ObjectStore> {
    open(url, OpenOptions::default()).expect("a store")
}

fn key(key: &str) -> Key {
    key.parse().expect("a key")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_is_kept() {
    let server = Signing::start(Options::default()).await;
    conformance::store::all(store(&server.url("", ""))).await;
    conformance::store::all(store(&server.url("deep/er%20prefix", "&checksum=sha256&bulk-delete=false"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_and_many_objects_are_no_trouble() {
    let server = Signing::start(Options::default()).await;
    conformance::store::heavy(store(&server.url("heavy", ""))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_is_locked_at_once_and_in_parts() {
    let server = Signing::start(Options { locks: true, ..Options::default() }).await;
    let store = store(&server.url("", "&part-size=5MiB"));
    let until = "2036-01-02T03:04:00Z".parse().expect("a time");
    for mode in [LockMode::Governance, LockMode::Compliance] {
        // Each write is looked at afterwards: one that the store does not hold is an error.
        let locked = store.locked(Lock { mode, until }).await.expect("the bucket can");
        locked.put(&key(&format!("{mode}/small")), "x".into(), PutMode::Create).await.expect("it is held");
        let mut upload = locked.upload(&key(&format!("{mode}/large")), PutMode::Overwrite).await.expect("an upload");
        upload.write(Bytes::from(vec![7; 11 << 20])).await.expect("a piece");
        assert_eq!(upload.complete().await.expect("it is held").size, 11 << 20);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_without_locks_is_told_before_anything_is_written() {
    let server = Signing::start(Options::default()).await;
    let lock = Lock { mode: LockMode::Governance, until: "2036-01-02T03:04:00Z".parse().expect("a time") };
    let error = store(&server.url("", "")).locked(lock).await.expect_err("the bucket can't");
    assert_eq!(error.kind(), StoreErrorKind::Unsupported, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_told_with_its_source() {
    let server = Signing::start(Options::default()).await;
    for (id, secret, code, kind) in [
        ("kbackup-test", "hunter2", "SignatureDoesNotMatch", StoreErrorKind::Unauthenticated),
        // So this server says that it knows no such id.
        ("kbackup-other", "kbackup-test-secret", "NotSignedUp", StoreErrorKind::PermissionDenied),
    ] {
        let wrong = file(&format!("[wrong]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n"));
        let file = wrong.path().display();
        let url = format!("s3://bucket?endpoint={}&profile=wrong&credentials-file={file}", server.server.address);
        let put = store(&url).put(&key("a"), "x".into(), PutMode::Create).await.expect_err("a wrong secret");
        let list = store(&url).list_children(&Default::default()).await.expect_err("a wrong secret");
        for error in [put, list] {
            assert_eq!(error.kind(), kind, "{error}");
            let text = error.to_string();
            assert!(text.contains(code) && text.contains("to the credentials of the profile \"wrong\""), "{text}");
            assert!(!text.contains("hunter2") && !text.contains("kbackup-test-secret"), "{text}");
        }
    }
    store(&server.url("", "")).head(&key("a")).await.expect_err("nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_is_named() {
    // No request comes within no time, as none does from a clock that is a day off.
    let server = Signing::start(Options { skew: Some(Duration::ZERO), ..Options::default() }).await;
    let error = store(&server.url("", "")).put(&key("a"), "x".into(), PutMode::Create).await.expect_err("a skew");
    assert_eq!(error.kind(), StoreErrorKind::Unauthenticated, "{error}");
    assert!(error.to_string().contains("the clock of this machine is wrong: set it"), "{error}");
}
