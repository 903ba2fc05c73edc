//! Keys are made, backups are encrypted and signed with them, and nothing else opens or passes them.

use std::fs;

use crate::program::{Home, Sandbox};

/// The request itself is wrong.
const USAGE: i32 = 64;
/// It could not be done.
const FAILED: i32 = 1;

#[test]
fn keys_are_made_for_their_owner_alone_and_never_overwritten() {
    let home = Home::new();
    let recipient = home.ok("keygen -o ~/key.txt");
    assert!(recipient.starts_with("age1") && recipient.trim().len() == 62, "{recipient}");
    let file = fs::read_to_string(home.path("key.txt")).unwrap();
    assert!(file.contains(&format!("# public key: {recipient}")) && file.contains("AGE-SECRET-KEY-1"), "{recipient}");
    let public = home.ok("keygen --signing -o ~/sign.key");
    assert!(fs::read_to_string(home.path("sign.key.pub")).unwrap().ends_with(&public), "{public}");
    #[cfg(unix)]
    for secret in ["key.txt", "sign.key"] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(home.path(secret)).unwrap().permissions().mode() & 0o777, 0o600, "{secret}");
    }
    home.refuses("keygen -o ~/key.txt", USAGE, &["~/key.txt exists already", "never overwritten", "next: "]);
    fs::remove_file(home.path("sign.key")).unwrap();
    home.refuses("keygen --signing -o ~/sign.key", USAGE, &["~/sign.key.pub exists already"]);
    assert!(!home.path("sign.key").exists(), "half a pair is none");
    home.refuses("keygen -o ~/none/key.txt", USAGE, &["~/none/key.txt can't be written", "No such file"]);
    assert_eq!(fs::read_to_string(home.path("key.txt")).unwrap(), file, "it is as it was");

    let said = home.run("keygen");
    assert!(said.out.contains("AGE-SECRET-KEY-1") && said.err.starts_with("Public key: age1"), "{said:?}");
}

#[test]
fn an_encrypted_backup_is_restored_by_those_for_whom_it_is() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    let recipient = home.ok("keygen -o ~/key.txt").trim().to_owned();
    home.ok("keygen -o ~/other.txt");
    fs::write(home.path("passphrase"), "open sesame\n").unwrap();

    let made = home.json(&format!(
        "backup create nightly --include-namespaces shop -r {recipient} --passphrase-file ~/passphrase --compression-level 9"
    ));
    assert_eq!(made["encryption"]["recipients"][0], recipient);
    let described = home.ok("backup describe nightly");
    assert!(described.contains(&format!("Encrypted:   for {recipient}, a passphrase\n")), "{described}");
    assert!(described.contains("Signed:      no\n") && described.contains("they are encrypted: give"), "{described}");
    assert!(!home.ok("backup describe nightly -i ~/key.txt").contains("they are encrypted"));

    let restore = "restore create --from-backup nightly --namespace-mappings shop:copy --dry-run";
    for keys in ["", "-i ~/other.txt"] {
        let parts = ["is encrypted for", &recipient, "a passphrase", "next: give the identity"];
        home.refuses(&format!("{restore} {keys}"), FAILED, &parts);
    }
    home.refuses("backup contents nightly", FAILED, &["is encrypted for"]);
    home.refuses("backup logs nightly", FAILED, &["is encrypted for"]);
    assert!(home.ok("backup logs nightly -i ~/key.txt").contains(" info    discovering the cluster\n"));
    assert!(home.ok("backup contents nightly -i ~/key.txt").contains("web"));
    for keys in ["-i ~/key.txt", "-i ~/other.txt -i ~/key.txt", "--passphrase-file ~/passphrase"] {
        assert!(home.ok(&format!("{restore} {keys}")).contains(" to create, "), "{keys}");
    }
    let by_environment = home.command(restore).env("KBACKUP_IDENTITY", home.path("key.txt")).output().unwrap();
    assert!(by_environment.status.success(), "{by_environment:?}");
    let report = home.json("restore create --from-backup nightly --namespace-mappings shop:copy -i ~/key.txt");
    assert_eq!(report["outcome"], "completed");
}

#[test]
fn a_backup_that_no_trusted_key_has_signed_is_refused() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    let public = home.ok("keygen --signing -o ~/sign.key").trim().to_owned();
    let stranger = home.ok("keygen --signing -o ~/other.key").trim().to_owned();
    let made = home.json("backup create signed --include-namespaces shop --sign-key ~/sign.key");
    home.ok("backup create bare --include-namespaces shop");
    let key_id = made["signature"]["keyId"].as_str().unwrap();
    let comment = fs::read_to_string(home.path("sign.key.pub")).unwrap();
    assert!(comment.contains(key_id), "the id is minisign's");

    for trusted in ["~/sign.key.pub", &public, &format!("{stranger} --trusted-key ~/sign.key.pub")] {
        let line = format!(
            "restore create --from-backup signed --namespace-mappings shop:copy --dry-run --trusted-key {trusted}"
        );
        assert!(home.ok(&line).contains(" to create, "), "{trusted}");
    }
    let described = home.ok("backup describe signed");
    assert!(described.contains(&format!("Signed:      by the key {key_id}; not checked")), "{described}");
    let described = home.ok("backup describe signed --trusted-key ~/sign.key.pub");
    assert!(described.contains(&format!("Signed:      by the key {key_id}, which is trusted")), "{described}");

    for (backup, trusted, why) in [
        ("bare", "~/sign.key.pub", "it is not signed"),
        ("signed", "~/other.key.pub", "has signed it, and the trusted"),
    ] {
        let untrusted = format!("backup \"{backup}\" is not trusted: ");
        for line in [
            format!("restore create --from-backup {backup} --namespace-mappings shop:copy --trusted-key {trusted}"),
            format!("backup describe {backup} --trusted-key {trusted}"),
            format!("backup contents {backup} --trusted-key {trusted}"),
        ] {
            home.refuses(&line, FAILED, &[&untrusted, why, "next: "]);
        }
    }
    let listed = home.ok("backup get --trusted-key ~/sign.key.pub");
    assert!(listed.contains("not trusted") && listed.contains("completed"), "{listed}");
}

#[test]
fn keys_that_can_not_be_used_are_explained_before_anything_is_touched() {
    let home = Home::new();
    let recipient = home.ok("keygen -o ~/key.txt").trim().to_owned();
    let public = home.ok("keygen --signing -o ~/sign.key").trim().to_owned();
    fs::write(home.path("empty"), "\n").unwrap();
    fs::write(home.path("list"), format!("# team\n{recipient}\nage1x\n")).unwrap();
    for (line, parts) in [
        ("backup create x -r age1x", &["--recipient is not valid", "\"age1x\"", "62 characters"][..]),
        ("backup create x -r ~/key.txt", &["begins with age1, ssh-ed25519 or ssh-rsa"]),
        ("backup create x --recipients-file ~/list", &["--recipients-file ~/list is not valid", "\"age1x\""]),
        ("backup create x --recipients-file ~/none", &["--recipients-file ~/none can't be read", "No such file"]),
        ("backup create x --recipients-file ~/empty", &["it names none"]),
        ("backup create x --passphrase-file ~/empty", &["--passphrase-file ~/empty is not valid", "first line"]),
        ("backup create x --sign-key ~/sign.key.pub", &["--sign-key ~/sign.key.pub", "the public half"]),
        ("backup create x --sign-key ~/key.txt", &["not a secret key of minisign"]),
        ("backup create x --compression-level 23", &["1..=22"]),
        ("restore create --from-backup x -i ~/none", &["--identity ~/none can't be read", "next: "]),
        ("restore create --from-backup x -i ~/list", &["--identity ~/list is not valid", "line 2 is a public key"]),
        ("backup get -i ~/sign.key", &["--identity ~/sign.key is not valid", "line 1 is neither"]),
        ("backup get --trusted-key ~/sign.key", &["--trusted-key ~/sign.key is not valid", "it is a secret key"]),
        ("backup get --trusted-key RWx", &["--trusted-key RWx", "56 characters", "no file of that name"]),
    ] {
        home.refuses(line, USAGE, parts);
    }
    let secret = fs::read_to_string(home.path("key.txt")).unwrap().lines().last().unwrap().to_owned();
    let said = home.run(&format!("backup create x -r {secret}"));
    assert_eq!(said.code, Some(USAGE));
    assert!(said.err.contains("it is a secret key") && !said.err.contains(&secret), "{}", said.err);
    assert_eq!(home.ok(&format!("backup get --trusted-key {public}")), "No backups found.\n");
}
