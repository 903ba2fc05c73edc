//! What is printed is valid by the JSON schemas in docs/schema. (That these are those of the code is a test of the core; the
//! list of backups is put together by the command line, so its schema is written by hand.)

use std::path::PathBuf;

use serde_json::Value;

/// Checks a document by a schema of the docs.
pub(crate) fn assert_valid(name: &str, document: &Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/schema/{name}.schema.json"));
    let text = std::fs::read_to_string(path).expect("the schema is in docs/schema");
    let schema = serde_json::from_str(&text).expect("a schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    let found: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(found.is_empty(), "{name}: {found:#?}");
}
