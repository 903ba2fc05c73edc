//! The road of a user: back up, look, restore, look again, delete; the cluster is a `kbackup sandbox` of its own.

use kbackup_core::compare::{Difference, Snapshot, compare};
use kbackup_kube::{ConnectOptions, KubeCluster};

use crate::program::{Home, Sandbox};

#[test]
fn a_backup_is_made_restored_and_deleted() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);

    let said = home.run("backup create nightly --ttl 48h");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.starts_with("Backup nightly completed: "), "{}", said.out);
    assert!(said.err.lines().any(|line| line.starts_with("reading ")), "progress goes to standard error: {}", said.err);

    let described = home.ok("backup describe nightly");
    for part in ["Name:        nightly", "Outcome:     completed", "shop", "deployments.apps"] {
        assert!(described.contains(part), "\"{part}\" is not in\n{described}");
    }

    let restore = "restore create copy --from-backup nightly --include-namespaces shop --namespace-mappings shop:copy";
    let before = home.json(&format!("{restore} --dry-run"));
    let planned = home.ok(&format!("{restore} --dry-run"));
    assert!(planned.contains("deployments.apps") && planned.contains(" to create, "), "{planned}");
    let listed = home.ok(&format!("{restore} --dry-run -o wide"));
    assert!(listed.contains("create     deployments.apps/copy/web\n"), "{listed}");
    let again = home.json(&format!("{restore} --dry-run"));
    assert_ne!(again["id"], before["id"], "it is another plan, though it looks the same");
    assert_eq!(again["waves"], before["waves"], "a dry run changes nothing");

    let report = home.json(restore);
    assert_eq!(report["outcome"], "completed");
    assert!(report["counts"]["created"].as_u64().unwrap() > 30, "{report}");
    let again =
        home.json("restore create --from-backup nightly --include-namespaces shop --namespace-mappings shop:copy");
    assert_eq!(again["counts"]["created"], 0, "what exists is left as it is: {again}");

    assert_eq!(home.ok("backup delete nightly --yes"), "Backup nightly deleted.\n");
    assert_eq!(home.ok("backup get"), "No backups found.\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_restored_is_what_was_there() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    let options = ConnectOptions { kubeconfig: Some(home.path("kubeconfig")), ..ConnectOptions::default() };
    let cluster = KubeCluster::connect(&options).await.expect("the sandbox answers");
    let shop = Snapshot::take(&cluster).await.expect("it can be read").within(&["shop"]);

    home.ok("backup create nightly --include-namespaces shop");
    let said = home.run("restore create --from-backup nightly --namespace-mappings shop:other");
    assert!(said.code == Some(0) && said.err.contains("new, empty volume"), "{said:?}");
    let other = Snapshot::take(&cluster).await.expect("it can be read").within(&["other"]);
    let comparison = compare(&shop.renamed(&[("shop", "other")]).expect("objects"), &other);
    // The volume is there, and belongs to the claim that it belonged to.
    let [Difference::Changed(claim, changes)] = &comparison.differences[..] else { panic!("{comparison}") };
    let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!((claim.as_str(), &paths[..]), ("persistentvolumeclaims/other/data-db-0", &["/spec/volumeName"][..]));
    assert!(comparison.objects > 30, "{comparison}");
}

#[test]
fn the_verb_may_come_first() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    home.ok("create backup nightly --include-namespaces shop --include-resources cm,secrets");
    assert_eq!(home.ok("get backups -o name"), "nightly\n");
    assert_eq!(home.ok("get backup nightly -o name"), "nightly\n");
    assert_eq!(home.ok("describe backup nightly -o name"), "nightly\n");
    assert_eq!(home.ok("create restore again --from-backup nightly -o name"), "again\n");
    assert_eq!(home.ok("delete backups nightly --yes -o name"), "nightly\n");
}

#[test]
fn names_are_made_where_none_is_given() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    let small = "--include-namespaces shop --include-resources cm -o name";
    let backup = home.ok(&format!("backup create {small}")).trim().to_owned();
    assert!(is_stamped(&backup, "backup-"), "{backup}");
    let restore = home.ok(&format!("restore create --from-backup {backup} -o name")).trim().to_owned();
    assert!(is_stamped(&restore, &format!("{backup}-")), "{restore}");
}

/// `<prefix><YYYYMMDDhhmmss>`.
fn is_stamped(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|stamp| stamp.len() == 14 && stamp.bytes().all(|byte| byte.is_ascii_digit()))
}

#[test]
fn objects_are_chosen() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    let taken = |name: &str, flags: &str| {
        let manifest = home.json(&format!("backup create {name} --include-namespaces shop {flags}"));
        let types = manifest["counts"]["byType"].as_object().expect("counts by type").clone();
        types.into_iter().map(|(ty, count)| format!("{ty}={count}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        taken("types", "--include-resources deploy,Secret"),
        "apps/v1/deployments=2 v1/namespaces=1 v1/secrets=3"
    );
    assert_eq!(taken("labels", "--include-resources cm -l app=web"), "v1/configmaps=2 v1/namespaces=1");
    assert_eq!(
        taken("either", "--include-resources cm --or-selector app=web --or-selector app=cart"),
        "v1/configmaps=3 v1/namespaces=1"
    );
    let without = taken("without", "--exclude-resources *.shop.example.com --include-cluster-resources=false");
    assert!(without.contains("v1/configmaps=") && !without.contains("coupons"), "{without}");
    assert!(!without.contains("persistentvolumes=") && !without.contains("clusterrole"), "{without}");
}
