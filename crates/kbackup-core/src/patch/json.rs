//! JSON patch (RFC 6902).

use serde_json::Value;

use super::PatchError;

/// What the operations make of a document, all or none of them.
///
/// ```
/// use serde_json::json;
///
/// let operations = json!([{"op": "replace", "path": "/spec/replicas", "value": 2}]);
/// let scaled = kbackup_core::patch::json(&json!({"spec": {"replicas": 1}}), &operations)?;
/// assert_eq!(scaled, json!({"spec": {"replicas": 2}}));
/// # Ok::<(), kbackup_core::patch::PatchError>(())
/// ```
///
/// # Errors
/// `Invalid` where the operations are not a JSON patch, or where a path does not exist; `TestFailed` where a `test` finds
/// another value.
pub fn json(document: &Value, operations: &Value) -> Result<Value, PatchError> {
    let operations: json_patch::Patch =
        serde_json::from_value(operations.clone()).map_err(|error| PatchError::invalid(error.to_string()))?;
    let mut patched = document.clone();
    json_patch::patch(&mut patched, &operations).map_err(|error| match error.kind {
        json_patch::PatchErrorKind::TestFailed => PatchError::TestFailed,
        _ => PatchError::invalid(error.to_string()),
    })?;
    Ok(patched)
}
