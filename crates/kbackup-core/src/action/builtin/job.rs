//! Jobs: they get a uid of their own to select their Pods by, and those that ended do not run again.

use serde_json::Value;

use super::is;
use crate::action::json::{elements, remove, remove_entries, text};
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::model::Gvr;

/// Set by the server from the Job's uid (<https://kubernetes.io/docs/concepts/workloads/controllers/job/#specifying-your-own-pod-selector>).
const UID_LABELS: &[&str] = &["controller-uid", "batch.kubernetes.io/controller-uid"];

#[derive(Debug)]
pub(super) struct Job;

impl RestoreTransform for Job {
    fn name(&self) -> &'static str {
        "job"
    }

    fn applies_to(&self, ty: &Gvr) -> bool {
        is(ty, "jobs", "batch")
    }

    fn transform(&self, object: &mut Value, _: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        if has_ended(object) {
            return Ok(Decision::skip("it had run to its end: restored, it would run again"));
        }
        if object.pointer("/spec/manualSelector") != Some(&Value::Bool(true)) {
            // A Job without labels of its own was given those of its template, and is given the new ones again.
            if object.pointer("/metadata/labels") == object.pointer("/spec/template/metadata/labels") {
                remove(object, "/metadata", &["labels"]);
            }
            remove_entries(object, "/metadata", "labels", UID_LABELS);
            remove_entries(object, "/spec/selector", "matchLabels", UID_LABELS);
            remove_entries(object, "/spec/template/metadata", "labels", UID_LABELS);
        }
        Ok(Decision::Keep)
    }
}

fn has_ended(job: &Value) -> bool {
    let is_end = |condition: &Value| {
        matches!(condition["type"].as_str(), Some("Complete" | "Failed")) && condition["status"] == "True"
    };
    text(job, "/status/completionTime").is_some() || elements(job, "/status/conditions").any(is_end)
}
