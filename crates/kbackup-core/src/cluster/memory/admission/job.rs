//! Jobs: a selector and labels of their own uid, unless they bring their own
//! (<https://kubernetes.io/docs/concepts/workloads/controllers/job/#specifying-your-own-pod-selector>).

use serde_json::{Value, json};

use super::super::errors::bad_value;
use super::super::tree;
use crate::cluster::FieldError;

/// The label by which a Job finds its Pods, and its older name.
const UID_LABEL: &str = "batch.kubernetes.io/controller-uid";
const UID_LABEL_LEGACY: &str = "controller-uid";

/// The defaults of a Job.
pub(super) fn fill_in(job: &mut Value) {
    for (field, default) in
        [("completions", json!(1)), ("parallelism", json!(1)), ("backoffLimit", json!(6)), ("suspend", json!(false))]
    {
        tree::set_default(job, &["spec", field], default);
    }
}

/// Gives a new Job its selector, and checks the one that it brings.
pub(super) fn create(job: &mut Value) -> Vec<FieldError> {
    if tree::at(job, &["spec", "manualSelector"]) == Some(&Value::Bool(true)) {
        return Vec::new();
    }
    generate(job);
    check_generated(job)
}

fn generate(job: &mut Value) {
    let uid = tree::text(job, &["metadata", "uid"]).to_owned();
    let name = tree::text(job, &["metadata", "name"]).to_owned();
    let labels =
        [(UID_LABEL, &uid), (UID_LABEL_LEGACY, &uid), ("batch.kubernetes.io/job-name", &name), ("job-name", &name)];
    for (label, value) in labels {
        tree::set_default(job, &["spec", "template", "metadata", "labels", label], value.as_str());
    }
    tree::set_default(job, &["spec", "selector", "matchLabels", UID_LABEL], uid);
}

/// What a Job brings from elsewhere has the uid of the Job that it was.
fn check_generated(job: &Value) -> Vec<FieldError> {
    let uid = tree::text(job, &["metadata", "uid"]);
    let mut found = Vec::new();
    if tree::text(job, &["spec", "template", "metadata", "labels", UID_LABEL]) != uid {
        let why = format!("must be '{uid}'");
        found.push(bad_value("spec.template.metadata.labels", "the given labels", &why));
    }
    if tree::text(job, &["spec", "selector", "matchLabels", UID_LABEL]) != uid {
        found.push(bad_value("spec.selector", "the given selector", "`selector` not auto-generated"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_selects_by_its_own_uid() {
        let mut job = json!({"metadata": {"name": "import", "uid": "u1"}, "spec": {"template": {}}});
        assert_eq!(create(&mut job), []);
        assert_eq!(tree::text(&job, &["spec", "selector", "matchLabels", UID_LABEL]), "u1");
        tree::set(&mut job, &["metadata", "uid"], Some(json!("u2")));
        let fields: Vec<String> = create(&mut job).into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["spec.template.metadata.labels", "spec.selector"], "it was copied with its labels");
    }

    #[test]
    fn a_manual_selector_is_kept() {
        let mut job = json!({"metadata": {"name": "import", "uid": "u1"},
            "spec": {"manualSelector": true, "selector": {"matchLabels": {"a": "b"}}, "template": {}}});
        assert_eq!(create(&mut job), []);
        assert_eq!(tree::at(&job, &["spec", "selector"]), Some(&json!({"matchLabels": {"a": "b"}})));
    }
}
