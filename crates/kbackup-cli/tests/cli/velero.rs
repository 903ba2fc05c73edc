//! A bucket that Velero wrote, given as the store; and a backup that Velero could read.

use std::path::Path;

use crate::program::{Home, Sandbox};
use crate::schemas::assert_valid;

/// Copies the bucket that Velero wrote into the home.
fn bucket(home: &Home) {
    let backup = "backups/shop-monitoring";
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kbackup-core/tests/data/velero-bucket").join(backup);
    let to = home.path("velero").join(backup);
    std::fs::create_dir_all(&to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[test]
fn a_bucket_of_velero_is_a_store() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    bucket(&home);
    let store = "--store file://~/velero";
    let list = home.json(&format!("backup get {store}"));
    assert_valid("backup-list", &list);
    assert_eq!(list["items"][0]["origin"], serde_json::json!({ "tool": "velero", "version": "format 1.1.0" }));
    let table = home.ok(&format!("backup get {store}"));
    assert!(table.contains("ORIGIN") && table.contains("velero format 1.1.0"), "{table}");
    let described = home.ok(&format!("backup describe shop-monitoring {store}"));
    for part in ["Origin:      velero format 1.1.0", "Objects:     17", "stale GroupVersion discovery"] {
        assert!(described.contains(part), "\"{part}\" is not in\n{described}");
    }
    assert_valid("manifest", &home.json(&format!("backup describe shop-monitoring {store}")));
    let contents = home.ok(&format!("backup contents shop-monitoring {store} -o name"));
    assert!(contents.contains("deployments.apps/shop/web"), "{contents}");

    assert_eq!(home.ok(&format!("backup logs shop-monitoring {store} -q")), "\n", "the bucket has no log");
    let verified = home.json(&format!("backup verify shop-monitoring {store}"));
    assert_eq!((&verified["items"][0]["whole"], &verified["items"][0]["objects"]), (&true.into(), &17.into()));
    assert!(
        home.ok(&format!("backup verify shop-monitoring {store}")).starts_with("Backup shop-monitoring is whole: ")
    );

    let restore = format!("restore create --from-backup shop-monitoring --namespace-mappings shop:again {store}");
    let plan = home.json(&format!("{restore} --dry-run"));
    assert_valid("restore-plan", &plan);
    let report = home.json(&restore);
    assert_eq!((&report["outcome"], &report["counts"]["failed"]), (&"completed".into(), &0.into()), "{report}");

    home.refuses(&format!("backup create x {store}"), 64, &["Velero keeps its backups there", "another prefix"]);
    home.refuses(
        &format!("backup delete shop-monitoring --yes {store}"),
        1,
        &["made by Velero", "velero backup delete shop-monitoring"],
    );
    assert_eq!(std::fs::read_dir(home.path("velero")).unwrap().count(), 1, "nothing is beside the backups");

    let tarball = home.path("velero/backups/shop-monitoring/shop-monitoring.tar.gz");
    let whole = std::fs::read(&tarball).unwrap();
    std::fs::write(&tarball, &whole[..whole.len() - 1]).unwrap();
    let said = home.run(&format!("backup verify shop-monitoring {store}"));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("shop-monitoring.tar.gz") && said.out.contains("nothing can be restored"), "{said:?}");
}

#[test]
fn a_backup_is_exported_for_velero() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    let made = home.json("backup create nightly --include-namespaces shop");
    let exported = home.json("backup export nightly --format velero --to file://~/velero");
    assert_eq!(exported["objects"], made["counts"]["objects"]);
    let folder = home.path("velero").join("backups/nightly");
    assert!(folder.join("velero-backup.json").exists() && folder.join("nightly.tar.gz").exists());
    let report =
        home.json("restore create --from-backup nightly --namespace-mappings shop:again --store file://~/velero");
    assert_eq!((&report["outcome"], &report["counts"]["failed"]), (&"completed".into(), &0.into()), "{report}");

    let export = "backup export nightly --format velero";
    home.refuses(&format!("{export} --to file://~/velero"), 64, &["already", "another place"]);
    home.refuses(&format!("{export} --to file://~/store"), 64, &["prefix of their own", "another prefix"]);
    home.refuses("backup export nightli --format velero --to file://~/v2", 64, &["does not exist", "\"nightly\""]);
}
