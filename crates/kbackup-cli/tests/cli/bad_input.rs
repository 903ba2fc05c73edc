//! Every request that is wrong is answered with what is wrong with it, why, and what to do; nothing is touched.

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::{Home, Sandbox};

/// The request itself is wrong.
const USAGE: i32 = 64;
/// It could not be done.
const FAILED: i32 = 1;

#[test]
fn words_that_make_no_sense() {
    let home = Home::new();
    for (line, parts) in [
        ("bakup create x", &["'bakup'", "similar", "'backup'"][..]),
        ("backup creat x", &["'creat'", "similar", "'create'"]),
        ("backup create x --include-namespace a", &["'--include-namespace'", "'--include-namespaces'"]),
        ("backup create x --output jsn", &["'jsn'", "table, wide, json, yaml, name", "'json'"]),
        ("backup create x --ttl 3x", &["\"3x\"", "the units are", "720h0m0s"]),
        ("backup create x -l a=b=", &["\"a=b=\"", "is not a label selector"]),
        ("backup create x -l a=b --or-selector c=d", &["cannot be used with"]),
        ("backup create Nightly", &["\"Nightly\"", "lower-case letters"]),
        ("backup create x --consistency strickt", &["'strickt'", "'strict'"]),
        ("backup describe", &["<NAME>"]),
        ("restore create", &["--from-backup"]),
        ("restore create --from-backup b --namespace-mappings a", &["'a'", "from:to"]),
        ("restore create --from-backup b --dry-run=never", &["'never'", "client"]),
        ("sandbox --listen nowhere", &["'nowhere'", "--listen"]),
    ] {
        home.refuses(line, USAGE, parts);
    }
    assert!(!home.path("store").exists(), "nothing was touched");
}

#[test]
fn stores_that_can_not_be_opened() {
    let home = Home::new();
    fs::write(home.path("file"), "").unwrap();
    for (store, parts) in [
        ("/srv/backups", &["\"/srv/backups\"", "why: it is a path", "next: write file:///srv/backups"][..]),
        ("file://srv/backups", &["the host \"srv\"", "next: write file:///srv/backups"]),
        ("ftp://user:hunter2@host/x", &["cannot open a ftp:// store", "no kind of store", "next: "]),
        ("file://~/file", &["cannot open file://~/file", "is a file", "next: "]),
    ] {
        home.refuses(&format!("backup get --store {store}"), USAGE, parts);
    }
    let said: crate::program::Said = home.command("backup get").env_remove("KBACKUP_STORE").output().unwrap().into();
    assert_eq!(said.code, Some(USAGE));
    assert!(said.err.contains("no object store was given") && said.err.contains("next: add --store"), "{}", said.err);
    assert!(!home.run("backup get --store ftp://user:hunter2@host/x").err.contains("hunter2"));
}

#[test]
fn clusters_that_are_not_there() {
    let home = Home::new();
    home.refuses("backup create x", USAGE, &["no cluster is configured", "next: name a cluster"]);
    home.refuses("backup create x --kubeconfig ~/none", USAGE, &["~/none cannot be used", "No such file", "next: "]);
    fs::write(home.path("broken"), "{").unwrap();
    home.refuses("backup create x --kubeconfig ~/broken", USAGE, &["~/broken cannot be used", "line 1", "next: "]);

    let sandbox = Sandbox::start(&home);
    home.refuses("backup create x --context nope", USAGE, &["has no context \"nope\"", "kbackup-sandbox", "next: "]);
    home.refuses("backup create x --context kbackup-sandbx", USAGE, &["did you mean \"kbackup-sandbox\"?"]);
    let kubeconfig = fs::read_to_string(home.path("kubeconfig")).unwrap();
    let token = kubeconfig.split("token:").nth(1).unwrap().split_whitespace().next().unwrap().trim_matches(['"', '}']);
    fs::write(home.path("wrong"), kubeconfig.replace(token, "hunter2")).unwrap();
    let line = "backup create x --kubeconfig ~/wrong";
    home.refuses(line, FAILED, &["https://127.0.0.1:", "does not accept the credentials", "next: renew"]);
    assert!(!home.run(line).err.contains("hunter2"));
    // It goes, and its kubeconfig stays.
    assert_eq!(sandbox.end("INT"), Some(0));
    home.refuses("backup create x", FAILED, &["https://127.0.0.1:", "cannot be reached", "next: "]);
    home.refuses("restore create --from-backup x", FAILED, &["cannot be reached"]);
    assert!(!home.path("store").exists(), "nothing was written for a cluster that does not answer");
}

#[test]
fn names_that_are_taken_or_unknown() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    home.refuses("backup describe nightly", USAGE, &["does not exist", "there are no backups there"]);
    home.ok("backup create nightly --include-namespaces shop");
    home.refuses("backup create nightly", USAGE, &["\"nightly\" exists already in file://~/store", "next: choose"]);
    for line in ["backup describe nightli", "backup get nightli", "backup delete nightli --yes"] {
        home.refuses(
            line,
            USAGE,
            &["\"nightli\" does not exist", "\"nightly\"", "next: kbackup backup get --store file://~"],
        );
    }
    home.refuses("restore create --from-backup nightli", USAGE, &["\"nightli\" does not exist", "\"nightly\""]);
    home.ok("restore create again --from-backup nightly");
    home.refuses("restore create again --from-backup nightly", USAGE, &["\"again\" exists already", "next: choose"]);
    home.refuses("backup delete nightly", USAGE, &["nothing was deleted", "next: add --yes"]);
    assert_eq!(home.ok("backup get -o name"), "nightly\n", "it is still there");
}

#[test]
fn types_and_namespaces_that_are_not_there() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    let misspelt = ["includedResources", "\"deploymets\"", "did you mean \"deployments.apps\"?", "next: "];
    home.refuses("backup create x --include-resources deploymets", USAGE, &misspelt);
    home.refuses("backup create x --exclude-resources deploymets", USAGE, &["excludedResources", "\"deploymets\""]);
    assert_eq!(home.ok("backup get -o name"), "", "nothing of them is left");

    // A namespace may come and go: one that is not there is told, and the rest is taken.
    let said = home.run("backup create some --include-namespaces shop,shoop");
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("no namespace \"shoop\" in the cluster; did you mean \"shop\"?"), "{}", said.err);
    let restore = "restore create --from-backup some";
    home.refuses(
        &format!("{restore} --include-resources deploymets"),
        USAGE,
        &["\"deploymets\"", "did you mean", "next: "],
    );
    home.refuses(&format!("{restore} --namespace-mappings shop:a,default:a"), USAGE, &["would all become \"a\""]);
    home.refuses(&format!("{restore} --namespace-mappings shop:a,shop:b"), USAGE, &["mapped to both \"a\" and \"b\""]);
    home.refuses(&format!("{restore} --namespace-mappings shop:A_B"), USAGE, &["\"A_B\" cannot be a namespace"]);
}

#[test]
fn backups_that_are_damaged() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    home.ok("backup create nightly");
    let folder = home.path("store/backups/nightly");

    // What exists is left as it is, and then nobody reads it: under another name, all of it is read.
    let restore = "restore create --from-backup nightly --include-namespaces shop --namespace-mappings shop:copy";
    let index = vec![folder.join("index.jsonl.zst")];
    for (files, name) in [(files(&folder.join("resources")), ".tar.zst"), (index, "index.jsonl.zst")] {
        files.iter().for_each(flip);
        for line in [format!("{restore} --dry-run"), restore.to_owned()] {
            home.refuses(&line, FAILED, &["\"nightly\"", "damaged", name, "next: "]);
        }
        files.iter().for_each(flip);
        home.ok(&format!("{restore} --dry-run"));
    }

    fs::write(folder.join("manifest.json"), "{").unwrap();
    home.refuses("backup describe nightly", FAILED, &["\"nightly\"", "damaged", "manifest.json", "next: "]);
    assert!(home.ok("backup get").contains("unreadable"), "it is listed as what it is");
}

/// The files in a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Changes one bit of a file, the first: wherever reading it ends, it has begun there.
fn flip(file: &PathBuf) {
    let mut bytes = fs::read(file).unwrap();
    bytes[0] ^= 1;
    fs::write(file, bytes).unwrap();
}
