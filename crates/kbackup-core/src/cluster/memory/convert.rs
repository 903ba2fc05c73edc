//! The views of one object at several versions of its type, and in another group.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::tree;
use super::types::Served;
use crate::model::Object;

/// The object as this version of its type shows it.
pub(super) fn view(object: &Arc<Object>, served: &Served) -> Object {
    if served.ty.gvr == served.kept_as {
        return Object::clone(object);
    }
    let mut value = object.to_value();
    to_view(&mut value, served);
    // A view has the depth of what it shows, so it can be parsed and the fallback is never taken.
    Object::from_value(&value).unwrap_or_else(|_| Object::clone(object))
}

/// Makes of an object as it is kept what this version of its type shows.
pub(super) fn to_view(value: &mut Value, served: &Served) {
    match (&*served.table, &*served.ty.gvr.group, &*served.ty.gvr.version) {
        ("events", "events.k8s.io", _) => EVENT_FIELDS.iter().for_each(|(kept, seen)| rename(value, kept, seen)),
        ("horizontalpodautoscalers.autoscaling", _, "v1") => autoscaler_to_v1(value),
        _ => {}
    }
    tree::set(value, &["apiVersion"], Some(served.ty.gvr.api_version().into()));
}

/// Makes of an object of this version of its type what is kept.
pub(super) fn to_kept(value: &mut Value, served: &Served) {
    match (&*served.table, &*served.ty.gvr.group, &*served.ty.gvr.version) {
        ("events", "events.k8s.io", _) => EVENT_FIELDS.iter().for_each(|(kept, seen)| rename(value, seen, kept)),
        ("horizontalpodautoscalers.autoscaling", _, "v1") => autoscaler_from_v1(value),
        _ => {}
    }
    tree::set(value, &["apiVersion"], Some(served.kept_as.api_version().into()));
}

/// The fields of an Event, as `v1` and as `events.k8s.io/v1` name them.
const EVENT_FIELDS: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];

fn rename(value: &mut Value, from: &str, to: &str) {
    let fields = tree::object_mut(value, &[]);
    if let Some(field) = fields.remove(from) {
        fields.insert(to.to_owned(), field);
    }
}

/// `autoscaling/v1` has a field for the processor's load; the other metrics travel in an annotation.
fn autoscaler_to_v1(value: &mut Value) {
    let spec = tree::object_mut(value, &["spec"]);
    let Some(Value::Array(metrics)) = spec.remove("metrics") else { return };
    let (cpu, others): (Vec<_>, Vec<_>) = metrics.into_iter().partition(|metric| cpu_load(metric).is_some());
    if let Some(load) = cpu.first().and_then(cpu_load) {
        spec.insert("targetCPUUtilizationPercentage".to_owned(), load.into());
    }
    if !others.is_empty() {
        let text = Value::Array(others).to_string();
        tree::object_mut(value, &["metadata", "annotations"]).insert(METRICS_ANNOTATION.to_owned(), text.into());
    }
}

fn autoscaler_from_v1(value: &mut Value) {
    let load = tree::object_mut(value, &["spec"]).remove("targetCPUUtilizationPercentage");
    let cpu = load.map(|load| {
        let target = json!({"type": "Utilization", "averageUtilization": load});
        json!({"type": "Resource", "resource": {"name": "cpu", "target": target}})
    });
    let annotations = value.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut);
    let carried = annotations.and_then(|annotations: &mut Map<String, Value>| annotations.remove(METRICS_ANNOTATION));
    let others: Vec<Value> = carried.and_then(|text| serde_json::from_str(text.as_str()?).ok()).unwrap_or_default();
    let metrics: Vec<Value> = cpu.into_iter().chain(others).collect();
    if !metrics.is_empty() {
        tree::set(value, &["spec", "metrics"], Some(metrics.into()));
    }
}

const METRICS_ANNOTATION: &str = "autoscaling.alpha.kubernetes.io/metrics";

fn cpu_load(metric: &Value) -> Option<u64> {
    (tree::text(metric, &["resource", "name"]) == "cpu")
        .then(|| tree::at(metric, &["resource", "target", "averageUtilization"])?.as_u64())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::super::types::Types;
    use super::*;
    use crate::model::Gvr;

    fn check(gvr: &Gvr, seen: &Value, kept: &Value) {
        let served = Types::built_in().get(gvr).expect("it is built in");
        let mut value = seen.clone();
        to_kept(&mut value, &served);
        assert_eq!(value, *kept);
        to_view(&mut value, &served);
        assert_eq!(value, *seen);
    }

    #[test]
    fn versions_are_views_of_what_is_kept() {
        check(
            &Gvr::new("autoscaling", "v1", "horizontalpodautoscalers"),
            &json!({"apiVersion": "autoscaling/v1", "spec": {"targetCPUUtilizationPercentage": 80}}),
            &json!({"apiVersion": "autoscaling/v2", "spec": {"metrics": [{"type": "Resource", "resource":
                {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]}}),
        );
        check(
            &Gvr::new("events.k8s.io", "v1", "events"),
            &json!({"apiVersion": "events.k8s.io/v1", "regarding": {"name": "web"}, "note": "started"}),
            &json!({"apiVersion": "v1", "involvedObject": {"name": "web"}, "message": "started"}),
        );
    }
}
