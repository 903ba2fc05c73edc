//! From client-side to server-side apply: what `kubectl apply` wrote down in an annotation counts as its own.
//!
//! A real server does two things for the manager `kubectl`, and so do we: fields that the annotation has are taken over
//! without a conflict, and the annotation follows what is applied, so that both kinds of apply can take turns.

use serde_json::Value;

use super::fields::{FieldSet, Path, Step, fields_of};
use super::lists::Lists;

/// The annotation of client-side apply.
const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The manager that may take over what client-side apply wrote.
const MANAGER: &str = "kubectl";

/// The fields that client-side apply has written, its annotation among them; none where it has written nothing.
pub(super) fn fields(live: &Value, lists: Lists) -> FieldSet {
    let Some(applied) = annotation(live).and_then(|text| serde_json::from_str(text).ok()) else {
        return FieldSet::new();
    };
    let mut fields = fields_of(&without_annotation(applied), lists);
    fields.insert(path());
    fields
}

/// The fields that this manager takes over without being told to.
pub(super) fn free_for(manager: &str, live: &Value, lists: Lists) -> FieldSet {
    if manager == MANAGER { fields(live, lists) } else { FieldSet::new() }
}

/// Writes down what the manager has applied, where client-side apply has written something down.
pub(super) fn follow(merged: &mut Value, manager: &str, body: &Value) {
    if manager != MANAGER || annotation(merged).is_none() {
        return;
    }
    // Client-side apply ends the text with a line break.
    let text = format!("{}\n", without_annotation(body.clone()));
    if let Some(annotations) = merged.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.insert(ANNOTATION.to_owned(), text.into());
    }
}

fn annotation(object: &Value) -> Option<&str> {
    object.get("metadata")?.get("annotations")?.get(ANNOTATION)?.as_str()
}

fn path() -> Path {
    ["metadata", "annotations", ANNOTATION].map(|field| Step::Field(field.to_owned())).to_vec()
}

fn without_annotation(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations = metadata.get_mut("annotations").and_then(Value::as_object_mut);
        if annotations.is_some_and(|annotations| annotations.remove(ANNOTATION).is_some() && annotations.is_empty()) {
            metadata.remove("annotations");
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Applier, Lists, apply};
    use super::*;

    fn config_map(data: Value) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "annotations": {"a": "b"}}, "data": data})
    }

    /// What `kubectl apply` leaves behind on a server that records no managers.
    fn client_side(data: Value) -> Value {
        let mut live = config_map(data);
        live["metadata"]["annotations"][ANNOTATION] = format!("{live}\n").into();
        live
    }

    fn by(manager: &str) -> Applier<'_> {
        Applier { manager, force: false, now: "2026-11-23T00:00:00Z", lists: Lists::BuiltIn }
    }

    #[test]
    fn kubectl_takes_over_what_it_wrote_and_nothing_else() {
        let mut live = client_side(json!({"a": "1", "b": "1"}));
        live["data"]["others"] = "1".into();
        let own = apply(&live, &config_map(json!({"a": "2"})), &by("kubectl")).expect("it is kubectl's own");
        assert_eq!(own["data"], json!({"a": "2", "b": "1", "others": "1"}));
        let written = own["metadata"]["annotations"][ANNOTATION].as_str().expect("it is kept");
        assert_eq!(serde_json::from_str::<Value>(written).expect("JSON"), config_map(json!({"a": "2"})));

        let foreign = apply(&live, &config_map(json!({"a": "2", "others": "2"})), &by("kubectl"));
        let told = foreign.expect_err("somebody else wrote it").to_string();
        assert_eq!(told, "Apply failed with 1 conflict: conflict with \"before-first-apply\": .data.others");
        let other = apply(&live, &config_map(json!({"a": "2"})), &by("ci")).expect_err("only kubectl may");
        assert!(other.to_string().contains("kubectl-client-side-apply"), "{other}");
    }

    #[test]
    fn what_can_not_be_read_frees_nothing() {
        for text in ["", "{", "[]", "7"] {
            let mut live = config_map(json!({"a": "1"}));
            live["metadata"]["annotations"][ANNOTATION] = text.into();
            assert!(apply(&live, &config_map(json!({"a": "2"})), &by("kubectl")).is_err(), "{text}");
        }
    }
}
