//! What becomes of backups: where they are kept, verified, copied, pruned, swept, and made again and again.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::program::{Home, Sandbox};

const USAGE: i32 = 64;
const FAILED: i32 = 1;

#[test]
fn locations_are_named_tried_out_and_used() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    home.ok("location add main file://~/main --ttl 48h --default");
    home.ok("location add vault file://~/main --read-only");
    let listed = home.json("location get");
    assert_eq!(listed["items"][0]["name"], "main");
    assert_eq!((&listed["items"][0]["default"], &listed["items"][1]["access"]), (&true.into(), &"readOnly".into()));
    let checked = home.json("location check main");
    let steps: Vec<&str> = checked["steps"].as_array().unwrap().iter().map(|it| it["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["marker", "list", "write", "create-once", "read", "delete"]);
    assert_eq!(checked["ok"], true);

    let made = home.json("backup create a --location main --include-namespaces shop");
    assert_eq!(made["spec"]["ttl"], "48h0m0s", "what the location says, where nothing else is said");
    assert!(!home.path("store").exists(), "what was typed wins over the environment");
    for line in ["backup create b", "backup delete a --yes", "backup prune --yes", "backup sweep"] {
        home.refuses(
            &format!("{line} --location vault"),
            FAILED,
            &["is read-only: no backup can be made or deleted there"],
        );
    }
    home.ok("restore create --from-backup a --namespace-mappings shop:copy --location vault");
    home.ok("location set vault --read-only=false");
    home.ok("backup delete a --yes --location vault");
    home.ok("location remove vault");
    home.refuses("location check vault", USAGE, &["there is no location \"vault\"", "next: kbackup location get"]);
    home.refuses("backup get --location mian", USAGE, &["did you mean main?"]);
}

#[test]
fn what_is_missing_for_a_location_is_said() {
    let home = Home::new();
    std::fs::create_dir(home.path("main")).unwrap();
    std::fs::write(home.path("main/kbackup.json"), r#"{"format":"other"}"#).unwrap();
    home.ok("location add main file://~/main");
    let said = home.run("location check main");
    assert_eq!(said.code, Some(FAILED));
    assert!(
        said.out.contains("marker") && said.out.contains("FAILED: ") && said.out.contains("is not ours"),
        "{said:?}"
    );
    home.refuses("location add other s4://bucket", USAGE, &["s4://", "next: "]);
    home.refuses("location add main file:///x", USAGE, &["already", "kbackup location set main"]);
    std::fs::write(home.path("broken.toml"), "[locations.main]\nurl = \"file:///x\"\nkey = \"hunter2\"\n").unwrap();
    home.refuses("location get --config ~/broken.toml", USAGE, &["~/broken.toml", "unknown field `key`"]);
    assert!(!home.run("location get --config ~/broken.toml").err.contains("hunter2"));
}

#[test]
fn backups_are_verified_and_copied() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    home.ok("backup create a");
    assert!(home.ok("backup verify a --deep").starts_with("Backup a is whole: "));
    home.ok("backup copy a --to file://~/other");
    home.ok("location add other file://~/other");
    assert!(home.ok("backup copy a --to other").contains("is in file://"), "it is there already");
    assert_eq!(home.json("backup verify a --location other")["items"][0]["whole"], true);

    let part = home.path("store/backups/a/resources/00001.tar.zst");
    let mut bytes = std::fs::read(&part).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&part, bytes).unwrap();
    for line in ["backup verify a", "backup verify a --deep"] {
        let said = home.run(&format!("{line} -o json"));
        assert_eq!(said.code, Some(FAILED));
        let found: Value = serde_json::from_str(&said.out).unwrap();
        let damage = &found["items"][0]["damages"][0];
        assert_eq!(damage["file"], "backups/a/resources/00001.tar.zst");
        assert!(!damage["objects"].as_array().unwrap().is_empty(), "{damage}");
    }
    home.refuses("backup copy a --to file://~/third", FAILED, &["00001.tar.zst is not what was written"]);
    assert_eq!(home.ok("backup get -o name --store file://~/third"), "");
    home.refuses("backup verify b", USAGE, &["backup \"b\" does not exist"]);
}

#[test]
fn backups_are_pruned_by_time_and_rules_and_what_is_left_of_them_is_swept() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    for name in ["a", "b", "c"] {
        home.ok(&format!("backup create {name} --include-namespaces shop --ttl 1s"));
    }
    let kept = home.json("backup create kept --include-namespaces shop")["name"].clone();
    // The time to live of the last of them is a second, and what follows takes longer.
    let over = || {
        home.json("backup prune --dry-run")["items"].as_array().unwrap().iter().filter(|it| it["keep"] == false).count()
    };
    while over() < 3 {}
    let told = home.json("backup prune --dry-run --keep-last 3");
    let verdicts: Vec<_> = told["items"].as_array().unwrap().iter().map(|it| (&it["name"], &it["keep"])).collect();
    let expected: Vec<Value> = ["kept", "c", "b", "a"].map(Value::from).to_vec();
    assert_eq!(verdicts.iter().map(|(name, _)| (*name).clone()).collect::<Vec<_>>(), expected);
    assert_eq!(told["items"][3]["keep"], false);
    home.refuses("backup prune --keep-last 3", USAGE, &["next: add --yes"]);
    let table = home.ok("backup prune --dry-run --keep-last 3");
    assert!(table.contains("keepLast 2") && table.contains("and no rule keeps it"), "{table}");
    assert_eq!(home.json("backup prune --keep-last 3 --yes")["deleted"], serde_json::json!(["a"]));
    home.ok("backup prune --yes");
    assert_eq!(home.json("backup get")["items"][0]["name"], kept);

    std::fs::create_dir_all(home.path("store/backups/half")).unwrap();
    std::fs::write(home.path("store/backups/half/deleting.json"), "{}").unwrap();
    assert_eq!(home.json("backup sweep")["deletions"], serde_json::json!(["half"]));
    assert!(!home.path("store/backups/half").exists());
}

#[test]
fn schedules_are_written_down_and_run() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    home.refuses("schedule run", USAGE, &["there is no schedule to run", "kbackup schedule create"]);
    home.refuses("schedule create x --schedule @daily --time-zone Europe/Berln", USAGE, &["timeZone", "Europe/Berln"]);
    home.ok("schedule create often --schedule @hourly --keep-last 2 --include-namespaces shop --ttl 24h");
    home.ok("schedule create later --schedule @yearly --skip-immediately --time-zone Europe/Berlin");
    home.refuses("schedule create later --schedule @daily", USAGE, &["already"]);
    let described = home.json("schedule describe often");
    assert_eq!(described["spec"]["retention"], serde_json::json!({"keepLast": 2}));
    assert_eq!(described["next"].as_array().unwrap().len(), 5);
    home.ok("schedule pause often");
    assert!(home.ok("get schedules").contains("paused"));
    assert_eq!(home.ok("schedule run --once -q"), "", "one rests, and the other is not due");
    home.ok("schedule unpause often");

    let said = home.run("schedule run --once");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.out.lines().count(), 1, "a line a backup: {said:?}");
    assert!(said.out.starts_with("often: often-20") && said.out.contains(" completed, "), "{said:?}");
    assert_eq!(home.ok("schedule run --once -q"), "", "it was made");
    let listed = home.json("backup get -l kbackup.dev/schedule-name=often");
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    home.ok("schedule delete later");
    assert_eq!(home.ok("schedule get -o name"), "often\n");
}

#[test]
fn schedules_run_in_the_foreground_until_they_are_asked_to_end() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    home.ok("schedule create often --schedule @hourly --include-namespaces shop");
    let mut child = home.command("schedule run -o json").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let made: Value = serde_json::from_str(&lines.next().expect("the first backup is made at once")).unwrap();
    assert_eq!((&made["schedule"], &made["outcome"]), (&"often".into(), &"completed".into()));
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(sent.success() && child.wait().unwrap().code() == Some(0));
    assert_eq!(lines.next(), None);
}

#[test]
fn a_schedule_whose_backups_fail_says_so() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    home.ok("schedule create often --schedule @hourly --include-namespaces shop");
    std::fs::create_dir(home.path("store")).unwrap();
    std::fs::write(home.path("store/kbackup.json"), "{}").unwrap();
    let said = home.run("schedule run --once");
    assert_eq!(said.code, Some(FAILED), "{said:?}");
    assert!(said.out.contains("failed: ") && said.out.contains("not a location"), "{said:?}");
}
