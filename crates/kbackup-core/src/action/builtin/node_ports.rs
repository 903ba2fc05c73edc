//! Node ports of Services: those that somebody asked for stay, those that a server chose go.

use serde_json::Value;

use crate::action::json::{annotation, elements, elements_mut, remove};

/// Removes the node ports that nobody asked for by number. Who asked is told by what kubectl applied last, or by the
/// managers of the fields: a port that the server chose belongs to nobody.
pub(super) fn remove_chosen_node_ports(service: &mut Value) {
    let applied: Value = annotation(service, "kubectl.kubernetes.io/last-applied-configuration")
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let managed: Vec<Value> = elements(service, "/metadata/managedFields")
        .filter_map(|entry| entry.pointer("/fieldsV1/f:spec").cloned())
        .collect();
    for port in elements_mut(service, "/spec/ports") {
        if !is_applied(port, &applied) && !is_managed(port, &managed) {
            remove(port, "", &["nodePort"]);
        }
    }
    let health_port_asked = applied.pointer("/spec/healthCheckNodePort").is_some()
        || managed.iter().any(|spec| spec.get("f:healthCheckNodePort").is_some());
    if !health_port_asked {
        remove(service, "/spec", &["healthCheckNodePort"]);
    }
}

/// Ports are told apart by their names; a Service with one port may leave it without.
fn is_applied(port: &Value, applied: &Value) -> bool {
    let node_port = port["nodePort"].as_u64();
    node_port.is_some()
        && elements(applied, "/spec/ports")
            .any(|asked| asked["name"] == port["name"] && asked["nodePort"].as_u64() == node_port)
}

/// `f:ports: {'k:{"port":80,"protocol":"TCP"}': {f:nodePort: {}}}`: the keys are JSON themselves.
fn is_managed(port: &Value, managed: &[Value]) -> bool {
    let protocol = port["protocol"].as_str().unwrap_or("TCP");
    let is_this = |key: &str| {
        let key: Value = key.strip_prefix("k:").and_then(|key| serde_json::from_str(key).ok()).unwrap_or_default();
        key["port"] == port["port"] && key["protocol"].as_str().unwrap_or("TCP") == protocol
    };
    let ports = managed.iter().filter_map(|spec| spec["f:ports"].as_object());
    ports.flatten().any(|(key, fields)| fields.get("f:nodePort").is_some() && is_this(key))
}
