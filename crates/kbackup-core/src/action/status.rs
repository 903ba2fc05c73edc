//! Whether the status of an object is restored.

use serde_json::Value;

use super::json::annotation;

/// Say `true` or `false` for one object, whatever was asked for its type. Velero's is honoured.
const ANNOTATIONS: [&str; 2] = ["kbackup.dev/restore-status", "velero.io/restore-status"];

/// The status that an object of a backup gets back. `listed` says whether that was asked for its type; an annotation
/// `kbackup.dev/restore-status` (or Velero's `velero.io/restore-status`) of the object wins.
///
/// ```
/// use kbackup_core::action::wanted_status;
/// use serde_json::json;
///
/// let mut object = json!({"metadata": {"name": "w"}, "status": {"ready": true}});
/// assert_eq!(wanted_status(&object, false), None);
/// object["metadata"]["annotations"] = json!({"kbackup.dev/restore-status": "true"});
/// assert_eq!(wanted_status(&object, false), Some(&json!({"ready": true})));
/// ```
#[must_use]
pub fn wanted_status(object: &Value, listed: bool) -> Option<&Value> {
    let said = ANNOTATIONS.iter().find_map(|key| annotation(object, key)?.parse::<bool>().ok());
    let status = object.get("status").filter(|status| status.as_object().is_some_and(|fields| !fields.is_empty()));
    status.filter(|_| said.unwrap_or(listed))
}
