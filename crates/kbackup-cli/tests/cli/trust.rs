//! What a location says of keys is kept to: whom backups are encrypted for, and whose signatures count.

use std::fs;

use serde_json::json;

use crate::program::{Home, Sandbox};

const USAGE: i32 = 64;
const FAILED: i32 = 1;

#[test]
fn a_location_that_trusts_keys_takes_and_gives_nothing_else() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    let recipient = home.ok("keygen -o ~/key.txt").trim().to_owned();
    home.ok("keygen --signing -o ~/sign.key");
    home.ok("keygen --signing -o ~/other.key");
    home.refuses("location add main file://~/main -r age1x", USAGE, &["a recipient of the location", "\"age1x\""]);
    home.refuses("location add main file://~/main --trusted-key RWx", USAGE, &["--trusted-key RWx", "56 characters"]);
    home.ok(&format!("location add main file://~/main --default -r {recipient} --trusted-key ~/sign.key.pub"));
    let listed = home.json("location get main");
    assert_eq!(listed["items"][0]["recipients"], json!([recipient]));
    assert!(listed["items"][0]["trustedKeys"][0].as_str().unwrap().starts_with("RW"), "{listed}");

    let create = "--location main --include-namespaces shop";
    for (key, why) in [("", "nobody signs"), ("--sign-key ~/other.key", "signing key")] {
        let line = format!("backup create a {create} {key}");
        home.refuses(&line, USAGE, &["the location takes no such backup", why, "next: sign with --sign-key"]);
    }
    let made = home.json(&format!("backup create a {create} --sign-key ~/sign.key"));
    assert_eq!(made["encryption"]["recipients"][0], recipient, "as the location says");
    home.refuses("backup contents a --location main", FAILED, &["is encrypted for"]);

    // Somebody puts a backup there who can't sign.
    home.ok("backup create forged --store file://~/main --include-namespaces shop");
    let restore = "restore create --namespace-mappings shop:copy -i ~/key.txt --location main --from-backup";
    for line in ["backup verify forged --location main".to_owned(), format!("{restore} forged")] {
        home.refuses(&line, FAILED, &["\"forged\" is not trusted: it is not signed", "next: "]);
    }
    assert!(home.ok("backup get --location main").contains("not trusted"));
    let pruned = home.json("backup prune --dry-run --location main");
    assert_eq!(pruned["items"].as_array().unwrap().len(), 1, "what is not believed is not judged: {pruned}");
    home.ok("backup verify a --location main -i ~/key.txt");
    assert_eq!(home.json(&format!("{restore} a"))["outcome"], "completed");
    // What is typed wins over the location.
    home.refuses(
        "backup verify a --location main -i ~/key.txt --trusted-key ~/other.key.pub",
        FAILED,
        &["is not trusted"],
    );

    home.ok("location set main --clear recipients,trusted-keys");
    assert_eq!(home.json("backup create bare --location main --include-namespaces shop").get("encryption"), None);
    assert_eq!(home.json("location get main")["items"][0]["trustedKeys"], json!([]));
}

#[test]
fn a_copy_is_encrypted_and_signed_as_it_is_asked_for() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    let alice = home.ok("keygen -o ~/alice.txt").trim().to_owned();
    let bob = home.ok("keygen -o ~/bob.txt").trim().to_owned();
    home.ok("keygen --signing -o ~/sign.key");
    home.ok(&format!("location add bobs file://~/bobs -r {bob} --trusted-key ~/sign.key.pub"));
    home.ok(&format!("location add open file://~/open -r {bob}"));
    home.ok("backup create bare --include-namespaces shop");
    home.ok(&format!("backup create a --include-namespaces shop -r {alice}"));

    home.ok("backup copy bare --to open");
    let described = home.json("backup describe bare --location open");
    assert_eq!(described["encryption"]["recipients"], json!([bob]), "as the location says");
    home.ok("backup copy a --to open");
    let described = home.json("backup describe a --location open");
    assert_eq!(described["encryption"]["recipients"], json!([alice]), "it is encrypted already, byte for byte");

    home.refuses("backup copy a --to bobs", FAILED, &["takes only what one of its trusted keys has signed", "next: "]);
    let again = format!("backup copy a --to bobs -r {bob}");
    home.refuses(&again, USAGE, &["nobody signs", "next: sign with --sign-key"]);
    let again = format!("{again} --sign-key ~/sign.key");
    home.refuses(&again, FAILED, &["is encrypted for", &alice, "next: give the identity"]);
    assert!(!home.path("bobs/backups/a/manifest.json").exists());
    let copied = home.json(&format!("{again} -i ~/alice.txt"));
    assert!(copied["files"].as_u64().unwrap() > 3, "{copied}");
    home.ok("backup verify a --deep --location bobs -i ~/bob.txt");
    home.refuses("backup contents a --location bobs -i ~/alice.txt", FAILED, &["is encrypted for", &bob]);
    assert!(home.ok(&format!("{again} -i ~/alice.txt")).contains("already"));
    home.refuses(
        "backup copy a --to file://~/third --sign-key ~/sign.key",
        USAGE,
        &["signed anew only where it is encrypted anew", "next: add --recipient"],
    );

    home.ok("location add velero file://~/velero");
    home.refuses("backup export a --format velero --to velero", FAILED, &["is encrypted for"]);
    home.ok("backup export a --format velero --to velero -i ~/alice.txt");
    assert!(home.path("velero/backups/a/velero-backup.json").exists());
}

#[test]
fn schedules_encrypt_sign_and_hold_back() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    let recipient = home.ok("keygen -o ~/key.txt").trim().to_owned();
    home.ok("keygen --signing -o ~/sign.key");
    fs::write(home.path("team"), format!("# the team\n{recipient}\n")).unwrap();
    home.ok("location add main file://~/main --default --trusted-key ~/sign.key.pub");
    let create = "schedule create often --schedule @hourly --include-namespaces shop --location main";
    home.refuses(create, USAGE, &["the location takes no such backup", "nobody signs"]);
    home.refuses(&format!("{create} --sign-key ~/none"), USAGE, &["--sign-key ~/none can't be read"]);
    let flags = "--sign-key ~/sign.key --recipients-file ~/team --lists-in-flight 2 --bytes-per-second 10MiB";
    home.ok(&format!("{create} {flags}"));
    let described = home.json("schedule describe often");
    assert_eq!(described["recipients"], json!([recipient]));
    assert_eq!(described["limits"], json!({ "listsInFlight": 2, "bytesPerSecond": 10_485_760 }));
    fs::remove_file(home.path("team")).unwrap();

    assert!(home.ok("schedule run --once").contains(" completed, "));
    let listed = home.json("backup get --location main");
    let name = listed["items"][0]["name"].as_str().expect("it is trusted");
    let made = home.json(&format!("backup describe {name} --location main"));
    assert_eq!(made["encryption"]["recipients"], json!([recipient]));
    assert!(made["signature"]["keyId"].is_string(), "{made}");
    assert_eq!((&made["caps"]["requestsInFlight"], &made["caps"]["bytesPerSecond"]), (&2.into(), &10_485_760.into()));
    home.ok(&format!("backup verify {name} --deep --location main -i ~/key.txt"));
    fs::remove_file(home.path("sign.key")).unwrap();
    home.refuses("schedule run --once", USAGE, &["--sign-key ~/sign.key can't be read"]);
}

#[test]
fn a_backup_holds_back_as_it_is_asked_to_and_says_so() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    let made = home.json("backup create a --include-namespaces shop --lists-in-flight 1 --bytes-per-second 5MB");
    assert_eq!(made["caps"], json!({ "requestsInFlight": 1, "pageObjects": 5000, "bytesPerSecond": 5_000_000 }));
    let described = home.ok("backup describe a");
    assert!(
        described.contains("Caps:        1 lists in flight, pages of 5000 objects, 4.77 MiB a second"),
        "{described}"
    );
}
