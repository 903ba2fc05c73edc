//! The JSON schemas in docs/schema are those of the code. (That results are valid by them is a test of the command line.)
//!
//! `KBACKUP_UPDATE_SCHEMAS=1 cargo test -p kbackup-core --test engine schemas` writes them anew.

#![allow(clippy::disallowed_methods, reason = "the documentation is in files")]

use std::path::PathBuf;

use kbackup_core::backup::Preview;
use kbackup_core::event::LogLine;
use kbackup_core::format::Manifest;
use kbackup_core::report::RestoreReport;
use kbackup_core::restore::RestorePlan;
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use schemars::{Schema, schema_for};

#[test]
fn those_in_the_docs_are_those_of_the_code() {
    let mut stale = Vec::new();
    for (name, schema) in of_the_code() {
        let text = format!("{}\n", serde_json::to_string_pretty(&schema).expect("a schema is JSON"));
        if std::env::var_os("KBACKUP_UPDATE_SCHEMAS").is_some_and(|value| value == "1") {
            std::fs::write(path(name), &text).expect("docs/schema can be written");
        }
        if std::fs::read_to_string(path(name)).ok().as_ref() != Some(&text) {
            stale.push(name);
        }
    }
    assert!(
        stale.is_empty(),
        "docs/schema is not up to date with the code for {stale:?}: \
         run KBACKUP_UPDATE_SCHEMAS=1 cargo test -p kbackup-core --test engine schemas, and look at what changed"
    );
}

fn of_the_code() -> [(&'static str, Schema); 7] {
    [
        ("backup-preview", schema_for!(Preview)),
        ("backup-spec", schema_for!(BackupSpec)),
        ("log-line", schema_for!(LogLine)),
        ("manifest", schema_for!(Manifest)),
        ("restore-plan", schema_for!(RestorePlan)),
        ("restore-report", schema_for!(RestoreReport)),
        ("restore-spec", schema_for!(RestoreSpec)),
    ]
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/schema/{name}.schema.json"))
}
