//! Backups that are encrypted, signed, or both: who can read them, who is believed, and what hostile ones come to.

use kbackup_core::catalog::{self, Wanted};
use kbackup_core::crypt::{Identities, Keyring, Passphrase, Protection, Recipients, SigningKey};
use kbackup_core::engine::Engine;
use kbackup_core::format::{FormatError, digest_of, read_manifest};
use kbackup_core::issue::Code;
use kbackup_core::limits::Limits;
use kbackup_core::restore::{RestoreError, RestorePlan};
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use kbackup_core::store::{Key, ObjectStore, ObjectStoreExt, PutMode};
use serde_json::{Value, json};

use crate::format::damage;
use crate::resume::cancelled_after;
use crate::world::{World, completed, identity, in_shop, keys, name, namespace};

const PART: &str = "backups/b/resources/00001.tar.zst.age";
const INDEX: &str = "backups/b/index.jsonl.zst.age";

fn signer() -> SigningKey {
    SigningKey::generate().expect("there is randomness")
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text).expect("it is one")
}

async fn plan(target: &World) -> Result<RestorePlan, RestoreError> {
    let spec = RestoreSpec::from_backup(name("b"));
    target.engine().plan_restore(&name("r"), &spec, &Run::default()).await
}

/// A world whose one backup is encrypted for these, with an empty keyring, and an empty cluster to restore it to.
async fn encrypted_for(recipients: Recipients) -> World {
    let world = World { protection: Protection::default().encrypt(recipients), ..World::shop() };
    world.back_up("b", &BackupSpec::default()).await;
    world.elsewhere()
}

async fn opens(world: &World, keyring: Keyring) -> Result<(), RestoreError> {
    let target = World { keyring, ..world.elsewhere() };
    let planned = plan(&target).await?;
    completed(&target.engine().apply(&planned, &Run::default()).await?);
    assert!(target.get(&in_shop("secrets", "key")).is_some());
    let left: Vec<Key> =
        keys(&target.store).await.iter().filter(|file| file.starts_with("restores/r/")).map(|file| key(file)).collect();
    target.store.delete(&left).await.expect("the name is free again");
    Ok(())
}

fn key(text: &str) -> Key {
    text.parse().expect("a key")
}

#[tokio::test]
async fn each_recipient_opens_an_encrypted_backup_and_nobody_else() {
    let ((alice, of_alice), (bob, of_bob), (_, of_eve)) = (identity(), identity(), identity());
    let recipients = Recipients::of([&alice, &bob])
        .expect("they are some")
        .and(Recipients::of_passphrase(passphrase("open sesame")).work(4));
    let world = encrypted_for(recipients.work(4)).await;
    let ring = |identities: Identities| Keyring::default().identities(identities);
    let phrase = |text: &str| Keyring::default().passphrase(passphrase(text));
    for keyring in [ring(of_alice), ring(of_bob.clone()), phrase("open sesame"), phrase("wrong").identities(of_bob)] {
        opens(&world, keyring).await.expect("it opens");
    }
    for keyring in [Keyring::default(), ring(of_eve), phrase("open says me")] {
        let error = opens(&world, keyring).await.expect_err("it stays closed");
        let RestoreError::Backup(error @ FormatError::Encrypted { .. }) = error else { unreachable!("{error:?}") };
        let text = error.to_string();
        for recipient in [&*alice, &*bob, "a passphrase"] {
            assert!(text.contains(recipient), "it says who could: {text}");
        }
    }
    assert_eq!(world.cluster.requests().writes(), 0);
}

#[tokio::test]
async fn the_store_learns_no_name_and_no_data_of_an_object() {
    let world = World::shop().protected();
    world.back_up("b", &BackupSpec::default()).await;
    let target = world.elsewhere();
    // It differs, so that the report has an issue which names it.
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": { "namespace": "shop", "name": "system:reader", "annotations": { "a": "b" } }, "rules": []
    });
    target.cluster.load([namespace("shop"), role]).expect("they load");
    let planned = plan(&target).await.expect("it opens");
    let cut = target.engine().apply(&planned, &cancelled_after(3)).await;
    assert!(matches!(cut, Err(RestoreError::Cancelled)), "{cut:?}");
    all_is_secret(&world).await;
    let stored = target.engine().begun_restore(&name("r")).await.expect("its plan was kept");
    let report = target.engine().apply(&stored, &Run::default()).await.expect("it goes on");
    completed(&report);
    assert!(report.issues.iter().any(|issue| issue.code == Code::ExistsAndDiffers), "{:?}", report.issues);
    assert_eq!(target.engine().apply(&planned, &Run::default()).await.expect("nothing is left"), report);
    let files = all_is_secret(&world).await;
    for kept in ["plan.jsonl.zst.age".to_owned(), format!("results/{}/00000.jsonl.zst.age", planned.id)] {
        assert!(files.contains(&format!("restores/r/{kept}")), "{kept} in {files:?}");
    }
    let manifest = read_manifest(world.access(), &name("b")).await.expect("it is trusted");
    assert_eq!(manifest.encryption.map(|encryption| encryption.recipients.len()), Some(1));
}

/// Looks into every file of the store, and gives their keys.
async fn all_is_secret(world: &World) -> Vec<String> {
    let files = keys(&world.store).await;
    for file in &files {
        let bytes = world.store.get_bytes(&key(file), 1 << 20).await.expect("it is there");
        let text = String::from_utf8_lossy(&bytes);
        for secret in ["aHVudGVyMg", "system:reader", "system%3Areader"] {
            assert!(!text.contains(secret), "{file} shows {secret}");
        }
        let bare = ["kbackup.json", "manifest.json", "manifest.json.minisig", "report.json", "claim.json"];
        let in_the_clear = bare.iter().any(|name| file.ends_with(name));
        assert_eq!(text.starts_with("age-encryption.org/v1\n"), !in_the_clear, "{file}");
        assert_eq!(file.ends_with(".age"), !in_the_clear, "{file}");
    }
    files
}

#[tokio::test]
async fn all_readers_take_identities() {
    let world = World::shop().protected();
    let report = world.back_up("b", &BackupSpec::default()).await;
    assert_eq!(report.manifest.read_issues(world.access()).await.expect("they open"), report.issues);
    let lines = catalog::contents(world.access(), &name("b"), &Wanted::default()).await.expect("it opens");
    assert_eq!(lines.len() as u64, report.manifest.counts.objects);
    let closed = catalog::contents(&world.store, &name("b"), &Wanted::default()).await;
    assert!(matches!(closed, Err(FormatError::Encrypted { .. })), "{closed:?}");
    let listed = catalog::list(&world.store, &Limits::default()).await.expect("a list needs no key");
    assert!(listed[0].summary.is_ok(), "{listed:?}");
    world.engine().delete(&name("b"), &Run::default()).await.expect("a deletion needs no key");
    assert_eq!(keys(&world.store).await, ["kbackup.json"], "the signature too");
}

/// A signed backup `b`, and an empty cluster whose engine trusts its key.
async fn signed() -> (World, SigningKey) {
    let signer = signer();
    let protection = Protection::default().sign(signer.clone());
    let keyring = Keyring::default().trust(signer.public().expect("it is whole"));
    let world = World { protection, keyring, ..World::shop() };
    world.back_up("b", &BackupSpec::default()).await;
    (world.elsewhere(), signer)
}

#[tokio::test]
async fn what_a_trusted_key_has_signed_is_restored() {
    let (world, signer) = signed().await;
    let manifest = read_manifest(world.access(), &name("b")).await.expect("it is trusted");
    assert_eq!(manifest.signature.map(|signature| signature.key_id), Some(signer.id()));
    let other = super::world::identity().1;
    opens(&world, world.keyring.clone().identities(other)).await.expect("it is restored");
    opens(&world, Keyring::default()).await.expect("who trusts everybody looks at no signature");
}

#[tokio::test]
async fn what_no_trusted_key_has_signed_is_refused() {
    let signature = "backups/b/manifest.json.minisig";
    let changes: [(&str, &str, &str, &dyn Fn(&mut Vec<u8>)); 5] = [
        ("a manifest that was changed", "backups/b/manifest.json", "is not what the key", &|bytes: &mut Vec<u8>| {
            bytes.push(b' ');
        }),
        ("a signature that was cut", signature, "not one of minisign's", &|bytes: &mut Vec<u8>| {
            bytes.truncate(bytes.len() - 20);
        }),
        ("no signature in the file", signature, "not one of minisign's", &|bytes: &mut Vec<u8>| bytes.clear()),
        ("a large file", signature, "too large", &|bytes: &mut Vec<u8>| bytes.resize(1 << 20, b'A')),
        ("another comment", signature, "is not what the key", &|bytes: &mut Vec<u8>| {
            let text = String::from_utf8_lossy(bytes).replace("backup b,", "backup a,");
            *bytes = text.into_bytes();
        }),
    ];
    for (what, file, why, change) in changes {
        let (world, _) = signed().await;
        damage(&world, file, change).await;
        assert_untrusted(&world, what, why).await;
    }
    let (world, _) = signed().await;
    world.store.delete(&[key(signature)]).await.expect("deleted");
    assert_untrusted(&world, "a missing signature", "it is not signed").await;
    let (world, _) = signed().await;
    let stranger = Keyring::default().trust(signer().public().expect("it is whole"));
    assert_untrusted(&World { keyring: stranger, ..world }, "another key", "has signed it, and the trusted").await;
}

async fn assert_untrusted(world: &World, what: &str, why: &str) {
    let planned = plan(world).await;
    let Err(RestoreError::Backup(FormatError::Untrusted { why: found, .. })) = &planned else {
        unreachable!("{what}: {planned:?}")
    };
    assert!(found.contains(why), "{what}: {found}");
    assert_eq!(world.cluster.requests().writes(), 0, "{what}");
    let listed = world.engine().backups(&Limits::default()).await.expect("it lists");
    assert!(matches!(listed[0].summary, Err(FormatError::Untrusted { .. })), "{what}: {listed:?}");
}

#[tokio::test]
async fn a_plan_is_not_applied_when_the_backup_has_lost_its_trust_since() {
    let (world, _) = signed().await;
    let planned = plan(&world).await.expect("it is trusted");
    world.store.delete(&[key("backups/b/manifest.json.minisig")]).await.expect("deleted");
    let applied = world.engine().apply(&planned, &Run::default()).await;
    assert!(matches!(applied, Err(RestoreError::Backup(FormatError::Untrusted { .. }))), "{applied:?}");
    assert_eq!(world.cluster.requests().writes(), 0);
}

/// Replaces a file of the backup `b`, and makes its manifest agree: what an attacker can do who has the store.
async fn forge(world: &World, role: &str, bytes: Vec<u8>) {
    let manifest = key("backups/b/manifest.json");
    let text = world.store.get_bytes(&manifest, 1 << 20).await.expect("it is there");
    let mut json: Value = serde_json::from_slice(&text).expect("JSON");
    let record = if role == "part" { &mut json["parts"][0] } else { &mut json["files"][role] };
    record["sha256"] = digest_of(&bytes).into();
    record["bytes"] = bytes.len().into();
    let file = key(record["key"].as_str().expect("a text"));
    world.store.put(&file, bytes.into(), PutMode::Overwrite).await.expect("stored");
    world.store.put(&manifest, json.to_string().into(), PutMode::Overwrite).await.expect("stored");
}

async fn bytes_of(world: &World, file: &str) -> Vec<u8> {
    world.store.get_bytes(&key(file), 1 << 20).await.expect("it is there").to_vec()
}

fn assert_damaged(planned: &Result<RestorePlan, RestoreError>, world: &World, what: &str, why: &str) {
    let Err(RestoreError::Backup(FormatError::Damaged { what: found, .. })) = planned else {
        unreachable!("{what}: {planned:?}")
    };
    assert!(found.contains(why), "{what}: {found}");
    assert_eq!(world.cluster.requests().writes(), 0, "{what}");
}

#[tokio::test]
async fn hostile_files_are_damage_however_well_the_manifest_fits() {
    let cut = |length: usize| move |bytes: Vec<u8>| bytes[..length.min(bytes.len() - 1)].to_vec();
    let rows: [(&str, &str, &str, &dyn Fn(Vec<u8>) -> Vec<u8>); 8] = [
        ("an empty file", "part", "ends within its age header", &|_| Vec::new()),
        ("half a header", "part", "ends within its age header", &cut(100)),
        ("a file without its end", "part", "00001.tar.zst.age: it", &cut(usize::MAX)),
        ("an index without its end", "index", "index.jsonl.zst.age: it", &cut(usize::MAX)),
        ("a file in the clear", "part", "not an encrypted file", &|_| zstd::encode_all(&b"x"[..], 3).expect("zstd")),
        ("a header that goes on and on", "part", "header is too long", &|_| {
            [b"age-encryption.org/v1\n".to_vec(), b"-> x y\n\n".repeat(20_000)].concat()
        }),
        ("a header that was changed", "part", "age header", &|mut bytes| {
            let end = bytes.windows(4).position(|window| window == b"--- ").expect("it has a header");
            // Another letter of base64: anything else is no header at all.
            bytes[end + 5] = if bytes[end + 5] == b'A' { b'B' } else { b'A' };
            bytes
        }),
        ("something behind the end", "index", "index.jsonl.zst.age: it", &|mut bytes| {
            bytes.push(0);
            bytes
        }),
    ];
    for (what, role, why, change) in rows {
        let (recipient, identities) = identity();
        let world = encrypted_for(Recipients::of([recipient]).expect("it is one")).await;
        let world = World { keyring: Keyring::default().identities(identities), ..world };
        let file = if role == "part" { PART } else { INDEX };
        forge(&world, role, change(bytes_of(&world, file).await)).await;
        assert_damaged(&plan(&world).await, &world, what, why);
    }
}

#[tokio::test]
async fn a_file_in_the_place_of_another_is_damage() {
    let (recipient, identities) = identity();
    let world = encrypted_for(Recipients::of([recipient]).expect("it is one")).await;
    let world = World { keyring: Keyring::default().identities(identities), ..world };
    let part = bytes_of(&world, PART).await;
    let index = bytes_of(&world, INDEX).await;
    forge(&world, "part", index).await;
    assert_damaged(&plan(&world).await, &world, "the index as a part", "00001.tar.zst.age");
    forge(&world, "index", part).await;
    assert_damaged(&plan(&world).await, &world, "a part as the index", "index.jsonl.zst.age");
}

#[tokio::test]
async fn a_passphrase_that_costs_too_much_is_not_tried() {
    let world = encrypted_for(Recipients::of_passphrase(passphrase("open sesame")).work(4)).await;
    let world = World { keyring: Keyring::default().passphrase(passphrase("open sesame")), ..world };
    let mut text = bytes_of(&world, "backups/b/identity.age").await;
    let line = text.windows(3).position(|window| window == b" 4\n").expect("the work is there");
    text.splice(line..line + 3, *b" 40\n");
    forge(&world, "identity", text).await;
    assert_damaged(&plan(&world).await, &world, "a large factor", "2^40");
}

#[tokio::test]
async fn a_manifest_whose_recipients_can_not_be_used_is_refused_before_anything_is_written() {
    let (recipient, identities) = identity();
    let world = encrypted_for(Recipients::of([recipient]).expect("it is one")).await;
    let world = World { keyring: Keyring::default().identities(identities), ..world };
    let planned = plan(&world).await.expect("reading needs no recipient");
    damage(&world, "backups/b/manifest.json", |bytes: &mut Vec<u8>| {
        let mut json: Value = serde_json::from_slice(bytes).expect("JSON");
        json["encryption"]["recipients"] = json!(["age1nobody"]);
        *bytes = json.to_string().into_bytes();
    })
    .await;
    let applied = world.engine().apply(&planned, &Run::default()).await;
    assert!(matches!(applied, Err(RestoreError::Backup(FormatError::Damaged { .. }))), "{applied:?}");
    assert_eq!(world.cluster.requests().writes(), 0);
}

#[tokio::test]
async fn a_spec_and_an_engine_carry_no_secret_into_what_is_printed() {
    let (recipient, _) = identity();
    let new = Identities::generate();
    let file = new.file("now");
    let secret = file.lines().last().expect("the key");
    let signer = signer();
    let protection = Protection::default()
        .encrypt(Recipients::of([recipient]).expect("it is one").and(Recipients::of_passphrase(passphrase("hush"))))
        .sign(signer.clone());
    let keyring = Keyring::default()
        .identities(Identities::parse(file.as_bytes(), None).expect("it is one"))
        .passphrase(passphrase("hush"));
    let world = World::shop();
    let engine = Engine::new(world.cluster, world.store).protect(protection).unlock(keyring);
    let printed = format!("{engine:?} {new:?} {signer:?}");
    let signing = signer.file();
    for word in [secret, "hush", signing.lines().last().expect("the key")] {
        assert!(!printed.contains(word), "{printed}");
    }
}
