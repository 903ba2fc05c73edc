//! Requests from files, volume policies, hooks: flags and files in, decisions in the manifest and in the description.

use std::fs;

use crate::program::{Home, Sandbox};
use crate::schemas::assert_valid;

/// The request itself is wrong.
const USAGE: i32 = 64;
/// Something that was asked for was not done.
const PARTIALLY_FAILED: i32 = 2;

#[test]
fn a_request_comes_from_a_file_and_flags_win() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    let spec = "includedNamespaces: [shop]\nttl: 48h\nsnapshotVolumes: false\nlabels: {team: shop}\n";
    fs::write(home.path("spec.yaml"), spec).unwrap();
    let manifest = home.json("backup create a --spec ~/spec.yaml");
    assert_eq!(manifest["spec"]["includedNamespaces"], serde_json::json!(["shop"]));
    assert_eq!((&manifest["spec"]["ttl"], &manifest["spec"]["labels"]["team"]), (&"48h0m0s".into(), &"shop".into()));
    let manifest = home.json("backup create b --spec ~/spec.yaml --ttl 24h --include-namespaces default");
    assert_eq!(manifest["spec"]["ttl"], "24h0m0s");
    assert_eq!(manifest["resolved"]["namespaces"], serde_json::json!(["default"]));
    assert_eq!(manifest["spec"]["snapshotVolumes"], false, "what no flag is about stays");
}

#[test]
fn volumes_are_decided_and_described() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    let described = |name: &str| home.ok(&format!("backup describe {name}"));

    let said = home.run("backup create asked --snapshot-volumes");
    assert_eq!(said.code, Some(PARTIALLY_FAILED), "{said:?}");
    let text = described("asked");
    assert!(text.contains("Hooks:       none\n") && text.contains("to snapshot"), "{text}");
    assert!(text.contains("without a provider: their data is not in the backup"), "{text}");
    assert!(text.contains("snapshot (snapshotVolumes is true)"), "{text}");

    home.ok("backup create not --snapshot-volumes=false");
    assert!(described("not").contains("skip (snapshotVolumes is false)"), "{}", described("not"));

    let policies = "version: v1\nvolumePolicies:\n- conditions: {capacity: \"0,1Ti\"}\n  action: {type: skip}\n";
    fs::write(home.path("policies.yaml"), policies).unwrap();
    let manifest = home.json("backup create by-policy --resource-policies ~/policies.yaml");
    assert_eq!(manifest["spec"]["volumePolicies"][0]["action"]["type"], "skip");
    assert_eq!(manifest["counts"]["volumes"]["snapshot"], 0, "{}", manifest["counts"]);
    assert!(described("by-policy").contains("skip (volumePolicies[0])"), "{}", described("by-policy"));
}

#[test]
fn a_dry_run_shows_what_would_be_taken_and_writes_nothing() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    let preview = home.json("backup create seen --include-namespaces shop --snapshot-volumes=false --dry-run");
    let text = home.ok("backup create seen --include-namespaces shop --snapshot-volumes=false --dry-run");
    assert!(text.starts_with("Backup seen would take ") && text.contains("nothing was written"), "{text}");
    assert!(!home.path("store").exists(), "nothing was written");

    let manifest = home.json("backup create seen --include-namespaces shop --snapshot-volumes=false");
    assert_valid("backup-preview", &preview);
    assert_eq!(preview["byType"], manifest["counts"]["byType"], "a dry run counts what a backup takes");
    assert_eq!(preview["volumeCounts"], manifest["counts"]["volumes"]);
    assert_eq!(preview["issues"], serde_json::json!([]));
}

#[test]
fn files_that_are_wrong_are_refused() {
    let home = Home::new();
    let file = |name: &str, text: &str| fs::write(home.path(name), text).unwrap();
    file("typo.yaml", "includedNamespace: [a]\n");
    file("broken.yaml", "{");
    file("v2.yaml", "version: v2\n");
    file("key.yaml", "version: v1\nvolumePolicies: [{conditions: {capasity: \"0,1Gi\"}, action: {type: skip}}]\n");
    file("action.yaml", "version: v1\nvolumePolicies: [{action: {type: ignore}}]\n");
    file("range.yaml", "version: v1\nvolumePolicies: [{conditions: {capacity: 10}, action: {type: skip}}]\n");
    for (line, parts) in [
        ("--spec ~/none.yaml", &["--spec", "none.yaml, can't be used", "No such file"][..]),
        ("--spec ~/typo.yaml", &["typo.yaml, can't be used", "includedNamespace"]),
        ("--spec ~/broken.yaml", &["broken.yaml, can't be used"]),
        ("--resource-policies ~/v2.yaml", &["--resource-policies", "v2.yaml, can't be used", "v2"]),
        ("--resource-policies ~/key.yaml", &["capasity"]),
        ("--resource-policies ~/action.yaml", &["ignore", "fs-backup"]),
        ("--resource-policies ~/range.yaml", &["range of capacities", "10Gi,100Gi"]),
        ("--ordered-resources pods", &["type=namespace/name"]),
    ] {
        home.refuses(&format!("backup create x {line}"), USAGE, parts);
    }
    assert!(!home.path("store").exists(), "nothing was touched");
}

#[test]
fn an_order_is_read_with_the_words_of_the_cluster() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    let refused = home.run("backup create x --ordered-resources pots=shop/a");
    assert_eq!(refused.code, Some(USAGE), "{refused:?}");
    assert!(refused.err.contains("did you mean \"pods\""), "{}", refused.err);
    let manifest = home.json("backup create y --ordered-resources pods=shop/none");
    assert_eq!(
        (&manifest["outcome"], &manifest["spec"]["orderedResources"]["pods"]),
        (&"completed".into(), &"shop/none".into())
    );
    assert!(home.ok("backup describe y").contains("warning: pods/shop/none: it is named in orderedResources"));
}
