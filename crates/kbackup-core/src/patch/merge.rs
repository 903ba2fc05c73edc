//! JSON merge patch (RFC 7386).

use serde_json::Value;

/// What a merge patch makes of a document: objects are merged, `null` removes a field, everything else replaces.
///
/// ```
/// use serde_json::json;
///
/// let merged = kbackup_core::patch::merge(&json!({"a": {"b": 1, "c": 2}}), &json!({"a": {"b": null}, "d": [3]}));
/// assert_eq!(merged, json!({"a": {"c": 2}, "d": [3]}));
/// ```
#[must_use]
pub fn merge(document: &Value, change: &Value) -> Value {
    let mut merged = document.clone();
    json_patch::merge(&mut merged, change);
    merged
}
