//! What Velero's users type, and what is typed wrong.

use serde_json::json;

use crate::program::{Home, Sandbox};

const USAGE: i32 = 64;

#[test]
fn lines_of_veleros_users_do_what_they_mean() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    home.ok("location add main file://~/main");
    let create = "create backup a --include-namespaces shop --storage-location main --labels team=shop --wait";
    let made = home.json(&format!("{create} --annotations example.com/why=migration"));
    assert_eq!(made["spec"]["annotations"], json!({ "example.com/why": "migration" }));
    home.ok("backup create b --include-namespaces shop --storage-location main -w");
    home.refuses("backup create c --annotations example.com/a/b=c", USAGE, &["annotations: ", "example.com/a/b"]);
    let details = home.ok("describe backup a --details --location main");
    assert!(details.contains("Annotations: example.com/why=migration"), "{details}");
    assert!(details.contains("Contents:\n") && details.contains("  deployments.apps/shop/web\n"), "{details}");
    assert!(!home.ok("describe backup a --location main").contains("Contents:"));

    home.refuses("delete backup --location main", USAGE, &["NAMES"]);
    home.refuses("delete backup a --all --location main", USAGE, &["cannot be used with"]);
    home.refuses("delete backup --all --location main", USAGE, &["nobody is there to confirm it"]);
    home.ok("delete backup -l team=cart --confirm --location main");
    home.ok("delete backup -l team=shop --confirm --location main");
    assert_eq!(home.ok("get backups --location main -o name"), "b\n");
    home.ok("delete backup --all --confirm --location main");
    assert_eq!(home.ok("get backups --location main -o name"), "");
}

#[test]
fn a_backup_is_made_as_a_schedule_says() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    let recipient = home.ok("keygen -o ~/key.txt").trim().to_owned();
    home.ok("location add main file://~/main");
    home.refuses("backup create --from-schedule nightly", USAGE, &["there is no schedule \"nightly\""]);
    let schedule = "schedule create nightly --schedule @daily --include-namespaces shop --ttl 48h --location main";
    home.ok(&format!("{schedule} -r {recipient} --lists-in-flight 2"));
    let made = home.json("backup create --from-schedule nightly");
    assert!(made["name"].as_str().unwrap().starts_with("nightly-20"), "{made}");
    assert_eq!(made["spec"]["labels"]["kbackup.dev/schedule-name"], "nightly");
    assert_eq!((&made["spec"]["ttl"], &made["caps"]["requestsInFlight"]), (&"48h0m0s".into(), &2.into()));
    assert_eq!(made["encryption"]["recipients"], json!([recipient]));
    let other = home.json("backup create own --from-schedule nightly --ttl 1h --lists-in-flight 3");
    assert_eq!((&other["spec"]["ttl"], &other["caps"]["requestsInFlight"]), (&"1h0m0s".into(), &3.into()));
    assert_eq!(home.json("backup get --location main")["items"].as_array().unwrap().len(), 2);
    assert!(!home.path("store").exists(), "it goes where the schedule says");
    assert_eq!(home.ok("schedule run --once -q"), "", "the schedule has its backup");
}

#[test]
fn a_namespace_that_nothing_has_is_a_mistake() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    for flags in ["", "--dry-run"] {
        let line = format!("backup create a --include-namespaces shpo {flags}");
        home.refuses(&line, USAGE, &["there is no namespace \"shpo\"", "did you mean \"shop\"?"]);
    }
    assert_eq!(home.ok("backup get -o name"), "", "nothing lists");
    let said = home.run("backup create a --include-namespaces shpo,shop -o json");
    assert_eq!(said.code, Some(2), "something is left to take: {said:?}");
    assert_eq!(home.json("backup create b --include-namespaces none-*")["outcome"], "completed");
}
