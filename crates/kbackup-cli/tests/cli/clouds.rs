//! The road of a user whose backups are in a cloud: S3, as moto plays it.

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use crate::program::{Home, Sandbox};

#[test]
fn a_backup_in_s3_is_made_read_restored_and_deleted() {
    let Some(moto) = moto() else { return };
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    let store = store(&moto, &home, "road");

    let made = home.json(&format!("backup create nightly --include-namespaces shop {store}"));
    assert_eq!(made["outcome"], "completed", "{made}");
    let listed = home.json(&format!("backup get {store}"));
    assert_eq!(listed["items"][0]["name"], "nightly", "{listed}");
    let taken = home.run(&format!("backup create nightly --include-namespaces shop {store}"));
    assert_eq!(taken.code, Some(64), "a name is taken once: {taken:?}");

    let report = home.json(&format!("restore create --from-backup nightly --namespace-mappings shop:copy {store}"));
    assert_eq!(report["outcome"], "completed", "{report}");
    assert!(report["counts"]["created"].as_u64().unwrap() > 30, "{report}");

    home.ok(&format!("backup delete nightly --yes {store}"));
    assert_eq!(home.ok(&format!("backup get {store}")), "No backups found.\n");
}

#[test]
fn a_locked_backup_is_not_deleted_before_its_time() {
    let Some(moto) = moto() else { return };
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    let locking = store_with(&moto, &home, "locks", "x-amz-bucket-object-lock-enabled: true\r\n");
    let chosen = "--include-namespaces shop --include-resources cm";
    let made = home.json(&format!("backup create kept --lock governance --ttl 24h {chosen} {locking}"));
    let until = made["lock"]["until"].as_str().expect("the manifest says until when").to_owned();
    assert_eq!(made["lock"]["mode"], "governance", "{made}");
    home.refuses(&format!("backup delete kept --yes {locking}"), 1, &["is locked (governance) until", &until]);
    home.ok(&format!("backup describe kept {locking}"));

    let plain = store(&moto, &home, "plain");
    let lock = format!("backup create kept --lock compliance {chosen}");
    home.refuses(&format!("{lock} {plain}"), 1, &["the bucket has no object lock"]);
    home.refuses(&lock, 1, &["cannot lock what is written to it: a folder"]);
    home.refuses("backup create kept --lock forever", 64, &["governance or compliance"]);
    assert_eq!(home.ok(&format!("backup get {plain}")), "No backups found.\n");
}

#[test]
fn a_bucket_that_is_missing_is_named() {
    let Some(moto) = moto() else { return };
    let home = Home::new();
    let store = store(&moto, &home, "there").replace("-there/", "-elsewhere/");
    home.refuses(&format!("backup get {store}"), 1, &["NoSuchBucket", "create it, or check its name"]);
}

#[test]
fn options_of_clouds_are_checked_before_anything_is_asked() {
    let home = Home::new();
    home.refuses("backup get --store s3://bucket?regoin=x", 64, &["no option \"regoin\"", "did you mean region?"]);
    home.refuses("backup get --store s3://bucket?secret-access-key=hunter2", 64, &["a secret into a URL"]);
    home.refuses("backup get --store gs://bucket?credentials-file=~/none", 1, &["~/none cannot be read"]);
    home.refuses("backup get --store az://container", 64, &["names no storage account", "account=NAME"]);
}

/// The flag of a store in a new bucket, and its credentials in this home.
fn store(moto: &str, home: &Home, name: &str) -> String {
    store_with(moto, home, name, "")
}

fn store_with(moto: &str, home: &Home, name: &str, headers: &str) -> String {
    let bucket = format!("kbackup-cli-{}-{name}", std::process::id());
    let address = moto.trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).expect("moto answers");
    let request =
        format!("PUT /{bucket} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\n{headers}Connection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let credentials = "[test]\naws_access_key_id = x\naws_secret_access_key = y\n";
    fs::write(home.path("credentials"), credentials).expect("a file");
    format!("--store s3://{bucket}/clusters/prod?endpoint={moto}&profile=test&credentials-file=~/credentials")
}

/// The address of moto. What can't run must not look green where everything is required.
#[allow(clippy::print_stderr, reason = "a test that can't run says so")]
fn moto() -> Option<String> {
    let named = env::var("KBACKUP_TEST_MOTO").ok().filter(|address| !address.is_empty());
    if named.is_none() {
        let required = env::var_os("KBACKUP_TEST_REQUIRE").is_some();
        assert!(!required, "KBACKUP_TEST_MOTO must name the address of moto: KBACKUP_TEST_REQUIRE is set");
        eprintln!("skipped: KBACKUP_TEST_MOTO does not name the address of moto");
    }
    named
}
