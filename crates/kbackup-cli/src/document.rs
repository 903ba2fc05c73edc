//! Files that a command takes, as YAML or JSON.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::Failure;

/// What the file of `flag` says.
///
/// # Errors
/// Where the file can't be read, is not YAML, or does not say what is expected: with the line.
pub(crate) async fn read<T: DeserializeOwned>(flag: &str, path: &Path) -> Result<T, Failure> {
    let failure = || Failure::usage(format!("the file of {flag}, {}, can't be used", path.display()));
    let text = tokio::fs::read_to_string(path).await.map_err(|error| failure().why(error))?;
    from_yaml(&text).map_err(|why| failure().why(why))
}

/// What a text of YAML, or of JSON, says.
///
/// # Errors
/// In one line: what is wrong, and where.
pub(crate) fn from_yaml<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_saphyr::from_str(text).map_err(|error| {
        let message = error.to_string();
        message.lines().next().unwrap_or_default().to_owned()
    })
}

/// A text of YAML as a tree.
///
/// # Errors
/// As [`from_yaml`].
pub(crate) fn tree(text: &str) -> Result<Value, String> {
    from_yaml(text)
}

#[cfg(test)]
mod tests {
    use kbackup_core::modifier::ResourceModifiers;

    use super::*;

    #[test]
    fn yaml_and_json_are_read_and_what_is_wrong_is_said_in_one_line() {
        let rules = "version: v1\nresourceModifierRules:\n- conditions: {groupResource: pods}\n  mergePatches:\n  - patchData: |\n      metadata:\n        labels: {a: b}\n";
        let rules: ResourceModifiers = from_yaml(rules).expect("rules");
        let rules = rules.with_patches_read_by(tree).expect("patches");
        let patch = &rules.resource_modifier_rules[0].merge_patches[0].patch_data;
        assert_eq!(patch, r#"{"metadata":{"labels":{"a":"b"}}}"#);
        assert_eq!(tree(r#"{"a": [1]}"#), Ok(serde_json::json!({"a": [1]})));
        for (text, words) in [
            ("version: v1\nrules: []", "rules"),
            ("version: v1\nversion: v1\nresourceModifierRules: []", "duplicate"),
            ("a: [", ""),
        ] {
            let why = from_yaml::<ResourceModifiers>(text).expect_err(text);
            assert!(why.contains(words) && !why.contains('\n') && !why.is_empty(), "{why}");
        }
    }
}
