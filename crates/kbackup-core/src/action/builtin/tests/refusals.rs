//! What is given up of an object that the server refused.

use serde_json::json;

use super::*;
use crate::cluster::{ClusterError, ClusterErrorKind, FieldError};

fn refusal(kind: ClusterErrorKind, fields: &[(&str, &str)]) -> ClusterError {
    let fields = fields.iter().map(|(field, message)| FieldError {
        field: (*field).to_owned(),
        reason: "FieldValueInvalid".to_owned(),
        message: (*message).to_owned(),
    });
    ClusterError::new(kind, "Service \"web\" is invalid").with_fields(fields.collect())
}

/// The object and the message after a refusal; `None` where nothing was given up.
fn after(ty: &str, mut object: Value, refusal: &ClusterError) -> Option<(Value, String)> {
    let source = source(ty, &object);
    let issue = Transforms::builtin().on_refusal((&source, &source), &mut object, refusal)?;
    Some((object, issue.message))
}

#[test]
fn what_another_service_has_is_given_up() {
    let ports = |first: Value| json!([first, {"name": "b", "port": 81, "nodePort": 30081}]);
    let service = || {
        let first = json!({"name": "a", "port": 80, "nodePort": 30080});
        let spec = json!({
            "clusterIP": "10.96.0.5", "clusterIPs": ["10.96.0.5"], "healthCheckNodePort": 32000, "ports": ports(first),
        });
        in_shop("web", "spec", spec)
    };
    let (invalid, taken) = (ClusterErrorKind::Invalid, "Invalid value: 30080: provided port is already allocated");
    let range = "Invalid value: 30080: provided port is not in the valid range. The range of valid ports is 1-2";
    for (fields, gone, words) in [
        (vec![("spec.ports[0].nodePort", taken)], vec!["/spec/ports/0/nodePort"], "the node port 30080 can't"),
        (vec![("spec.ports[1].nodePort", range)], vec!["/spec/ports/1/nodePort"], "the node port 30081 can't"),
        (
            vec![("spec.ports[0].nodePort", taken), ("spec.ports[1].nodePort", taken)],
            vec!["/spec/ports/0/nodePort", "/spec/ports/1/nodePort"],
            "the node port 30080 and the node port 30081 can't",
        ),
        (
            vec![("spec.clusterIPs", "failed to allocate IP 10.96.0.5: provided IP is already allocated")],
            vec!["/spec/clusterIP", "/spec/clusterIPs"],
            "the cluster IP 10.96.0.5 can't",
        ),
        (
            vec![("spec.clusterIPs", "the provided network does not match the current range")],
            vec!["/spec/clusterIP", "/spec/clusterIPs"],
            "the cluster IP 10.96.0.5 can't",
        ),
        (
            vec![("spec.healthCheckNodePort", "provided port is already allocated")],
            vec!["/spec/healthCheckNodePort"],
            "the health check port 32000 can't",
        ),
    ] {
        let (made, message) = after("v1/services", service(), &refusal(invalid, &fields)).expect("it is given up");
        for path in [
            "/spec/ports/0/nodePort",
            "/spec/ports/1/nodePort",
            "/spec/clusterIP",
            "/spec/clusterIPs",
            "/spec/healthCheckNodePort",
        ] {
            assert_eq!(made.pointer(path).is_none(), gone.contains(&path), "{path} after {fields:?}");
        }
        assert!(message.contains(words), "{message}");
    }
    let internal = "failed to allocate requested HealthCheck NodePort 32000: provided port is already allocated";
    let refused = ClusterError::new(ClusterErrorKind::Unavailable, internal);
    let (made, _) = after("v1/services", service(), &refused).expect("it is given up");
    assert!(made.pointer("/spec/healthCheckNodePort").is_none());
}

#[test]
fn what_a_server_would_not_choose_is_not_given_up() {
    let service = json!({"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80, "nodePort": 30080}]}});
    let taken = "provided port is already allocated";
    for (ty, kind, field, message) in [
        ("v1/services", ClusterErrorKind::Invalid, "spec.ports[0].port", taken),
        ("v1/services", ClusterErrorKind::Invalid, "spec.ports[7].nodePort", taken),
        ("v1/services", ClusterErrorKind::Invalid, "spec.ports[0].nodePort", "Duplicate value: 30080"),
        ("v1/services", ClusterErrorKind::Forbidden, "spec.ports[0].nodePort", taken),
        ("v1/pods", ClusterErrorKind::Invalid, "spec.ports[0].nodePort", taken),
    ] {
        assert_eq!(after(ty, service.clone(), &refusal(kind, &[(field, message)])), None, "{ty} {field} {message}");
    }
}
