//! Cluster IPs and node ports of Services: those that somebody asked for stay, those that a server chose go, and those that
//! another Service has are given up.

use serde_json::Value;

use crate::action::json::{annotation, elements, elements_mut, remove, text};
use crate::cluster::{ClusterError, ClusterErrorKind, FieldError};

/// What somebody asked for. Told by what kubectl applied last, or by the managers of the fields: what the server chose
/// belongs to nobody.
#[derive(Debug)]
pub(super) struct Asked {
    applied: Value,
    managed: Vec<Value>,
}

impl Asked {
    pub(super) fn of(service: &Value) -> Self {
        let applied = annotation(service, "kubectl.kubernetes.io/last-applied-configuration")
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        let managed = elements(service, "/metadata/managedFields")
            .filter_map(|entry| entry.pointer("/fieldsV1/f:spec").cloned())
            .collect();
        Self { applied, managed }
    }

    /// Ports are told apart by their names; a Service with one port may leave it without.
    fn applied_port(&self, port: &Value) -> bool {
        let node_port = port["nodePort"].as_u64();
        node_port.is_some()
            && elements(&self.applied, "/spec/ports")
                .any(|asked| asked["name"] == port["name"] && asked["nodePort"].as_u64() == node_port)
    }

    /// `f:ports: {'k:{"port":80,"protocol":"TCP"}': {f:nodePort: {}}}`: the keys are JSON themselves.
    fn managed_port(&self, port: &Value) -> bool {
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        let is_this = |key: &str| {
            let key: Value = key.strip_prefix("k:").and_then(|key| serde_json::from_str(key).ok()).unwrap_or_default();
            key["port"] == port["port"] && key["protocol"].as_str().unwrap_or("TCP") == protocol
        };
        let ports = self.managed.iter().filter_map(|spec| spec["f:ports"].as_object());
        ports.flatten().any(|(key, fields)| fields.get("f:nodePort").is_some() && is_this(key))
    }

    fn manages(&self, field: &str) -> bool {
        self.managed.iter().any(|spec| spec.get(field).is_some())
    }
}

/// Removes the node ports that nobody asked for by number.
pub(super) fn remove_chosen_node_ports(service: &mut Value, asked: &Asked) {
    for port in elements_mut(service, "/spec/ports") {
        if !asked.applied_port(port) && !asked.managed_port(port) {
            remove(port, "", &["nodePort"]);
        }
    }
    if asked.applied.pointer("/spec/healthCheckNodePort").is_none() && !asked.manages("f:healthCheckNodePort") {
        remove(service, "/spec", &["healthCheckNodePort"]);
    }
}

/// Removes the cluster IPs that nobody asked for. "None" is always the user's word, for a headless Service.
pub(super) fn remove_chosen_ips(service: &mut Value, asked: &Asked) {
    let Some(ip) = text(service, "/spec/clusterIP").filter(|ip| *ip != "None") else { return };
    let applied = text(&asked.applied, "/spec/clusterIP") == Some(ip);
    if ip.is_empty() || !(applied || asked.manages("f:clusterIP") || asked.manages("f:clusterIPs")) {
        remove(service, "/spec", &["clusterIP", "clusterIPs"]);
    }
}

/// Gives up what the server could not allocate; it chooses another then. Says what was given up; `None` where the refusal is
/// about something else.
pub(super) fn give_up(service: &mut Value, refusal: &ClusterError) -> Option<String> {
    // A real server reports a health check port that is taken as a failure of its own.
    if !matches!(refusal.kind(), ClusterErrorKind::Invalid | ClusterErrorKind::Unavailable) {
        return None;
    }
    let fields = refusal.fields().iter().filter(|field| is_taken(&field.message));
    let mut given_up: Vec<String> = fields.filter_map(|field| give_up_field(service, field)).collect();
    let message = refusal.to_string();
    if given_up.is_empty() && message.contains("HealthCheck NodePort") && is_taken(&message) {
        given_up
            .extend(take(service, "/spec", "healthCheckNodePort").map(|port| format!("the health check port {port}")));
    }
    let given_up = given_up.join(" and ");
    (!given_up.is_empty()).then(|| format!("{given_up} can't be had in the target: the server chose another"))
}

fn give_up_field(service: &mut Value, refused: &FieldError) -> Option<String> {
    if refused.field.starts_with("spec.clusterIP") {
        let ip = take(service, "/spec", "clusterIP");
        remove(service, "/spec", &["clusterIPs"]);
        return ip.map(|ip| format!("the cluster IP {ip}"));
    }
    if refused.field == "spec.healthCheckNodePort" {
        return take(service, "/spec", "healthCheckNodePort").map(|port| format!("the health check port {port}"));
    }
    let index = refused.field.strip_prefix("spec.ports[")?.strip_suffix("].nodePort")?;
    take(service, &format!("/spec/ports/{index}"), "nodePort").map(|port| format!("the node port {port}"))
}

/// Removes a field of the map at a pointer, and returns its value as text.
fn take(object: &mut Value, pointer: &str, field: &str) -> Option<String> {
    let value = object.pointer_mut(pointer)?.as_object_mut()?.remove(field)?;
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// In the words of Kubernetes' allocators: another has it, or this cluster has other ranges.
fn is_taken(message: &str) -> bool {
    let words = ["already allocated", "not in the valid range", "does not match the current range"];
    words.iter().any(|words| message.contains(words))
}
