//! What a program can rely on: `-o json` and `-o yaml` are the same document, and it has the documented fields.

use serde_json::Value;

use crate::program::{Home, Sandbox};
use crate::schemas::assert_valid;

#[test]
fn every_result_is_as_documented() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);

    let made = home.json("backup create nightly");
    assert_valid("manifest", &made);
    let log = home.json("backup logs nightly");
    let lines = log["items"].as_array().unwrap();
    lines.iter().for_each(|line| assert_valid("log-line", line));
    assert!(lines.iter().any(|line| line["type"] == "v1/configmaps" && line["objects"].is_u64()), "{log}");
    assert_eq!((&made["name"], &made["outcome"]), (&"nightly".into(), &"completed".into()));
    assert_eq!(home.json("backup describe nightly"), made, "the manifest is the result of both");

    let list = home.json("backup get");
    assert_valid("backup-list", &list);
    let item = &list["items"][0];
    for field in ["name", "outcome", "startedAt", "completedAt", "expiresAt"] {
        assert_eq!(item[field], made[field], "{field}");
    }
    assert_eq!(item["objects"], made["counts"]["objects"]);
    assert_eq!(home.json("backup get nightly"), list);

    let restore = "restore create copy --from-backup nightly --namespace-mappings shop:copy";
    let plan = home.json(&format!("{restore} --dry-run"));
    assert_valid("restore-plan", &plan);
    let report = home.json(restore);
    assert_valid("restore-report", &report);
    assert_eq!((&report["name"], &report["backup"]), (&"copy".into(), &"nightly".into()));
    let counts: u64 = report["counts"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    let steps: usize =
        plan["waves"].as_array().unwrap().iter().map(|wave| wave["steps"].as_array().unwrap().len()).sum();
    assert_eq!(counts, steps as u64, "each step has one result");

    assert_eq!(home.json("backup delete nightly --yes"), serde_json::json!({"name": "nightly", "deleted": true}));
    let none = home.json("backup get");
    assert_valid("backup-list", &none);
    assert_eq!(none["items"], serde_json::json!([]));
}

#[test]
fn yaml_is_the_same_document() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    home.ok("backup create nightly");
    for line in [
        "version",
        "backup get",
        "backup describe nightly",
        "restore create x --from-backup nightly --namespace-mappings shop:copy --dry-run",
    ] {
        let mut yaml: Value = serde_saphyr::from_str(&home.ok(&format!("{line} -o yaml"))).expect(line);
        let mut json = home.json(line);
        // Two plans are two plans.
        [&mut yaml, &mut json].into_iter().filter_map(Value::as_object_mut).for_each(|fields| _ = fields.remove("id"));
        assert_eq!(yaml, json, "{line}");
    }
}

#[test]
fn people_get_tables() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    home.ok("backup create nightly");
    let table = home.ok("backup get");
    let header = table.lines().next().unwrap().split_whitespace().collect::<Vec<_>>();
    assert_eq!(header, ["NAME", "OUTCOME", "STARTED", "EXPIRES", "OBJECTS", "ISSUES"]);
    assert!(table.lines().nth(1).unwrap().starts_with("nightly   completed   "), "{table}");
    assert!(home.ok("backup get -o wide").lines().next().unwrap().contains("REVISION"));
    assert_eq!(home.ok("version"), format!("kbackup {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn quiet_is_quiet() {
    let home = Home::new();
    let _sandbox = Sandbox::start(&home);
    let said = home.run("backup create nightly -q");
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
}

#[test]
fn help_is_a_result() {
    let home = Home::new();
    for line in ["--help", "backup --help", "backup create --help", "restore create -h", "--version"] {
        let said = home.run(line);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{line}");
        assert!(said.out.contains("kbackup"), "{line}: {}", said.out);
    }
}
