//! The JSON schemas in docs/schema are those of the code, and results are valid by them.
//!
//! `KBACKUP_UPDATE_SCHEMAS=1 cargo test -p kbackup-cli --test cli schemas` writes them anew.

use std::path::PathBuf;

use kbackup_core::format::Manifest;
use kbackup_core::report::RestoreReport;
use kbackup_core::restore::RestorePlan;
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use schemars::{Schema, schema_for};
use serde_json::Value;

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
         run KBACKUP_UPDATE_SCHEMAS=1 cargo test -p kbackup-cli --test cli schemas, and look at what changed"
    );
}

/// The list of backups is put together by the command line, so its schema is written by hand.
fn of_the_code() -> [(&'static str, Schema); 5] {
    [
        ("backup-spec", schema_for!(BackupSpec)),
        ("manifest", schema_for!(Manifest)),
        ("restore-plan", schema_for!(RestorePlan)),
        ("restore-report", schema_for!(RestoreReport)),
        ("restore-spec", schema_for!(RestoreSpec)),
    ]
}

/// Checks a document by a schema of the docs.
pub(crate) fn assert_valid(name: &str, document: &Value) {
    let text = std::fs::read_to_string(path(name)).expect("the schema is in docs/schema");
    let schema = serde_json::from_str(&text).expect("a schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    let found: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(found.is_empty(), "{name}: {found:#?}");
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/schema/{name}.schema.json"))
}
