//! Services: cluster IPs and node ports (<https://kubernetes.io/docs/concepts/services-networking/service/>).

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::super::addresses::{Addresses, cluster_ips, node_ports};
use super::super::errors::bad_value;
use super::super::tree;
use crate::cluster::FieldError;

/// The defaults of a Service.
pub(super) fn fill_in(service: &mut Value) {
    for (field, default) in [("type", "ClusterIP"), ("sessionAffinity", "None")] {
        tree::set_default(service, &["spec", field], default);
    }
    if type_of(service) != "ExternalName" {
        tree::set_default(service, &["spec", "internalTrafficPolicy"], "Cluster");
        tree::set_default(service, &["spec", "ipFamilies"], json!(["IPv4"]));
        tree::set_default(service, &["spec", "ipFamilyPolicy"], "SingleStack");
    }
    if has_node_ports(service) {
        tree::set_default(service, &["spec", "externalTrafficPolicy"], "Cluster");
    }
    for port in ports_mut(service) {
        tree::set_default(port, &["protocol"], "TCP");
        let number = port.get("port").cloned().unwrap_or_default();
        tree::set_default(port, &["targetPort"], number);
    }
    let first = tree::list(service, &["spec", "clusterIPs"]).first().cloned();
    if let Some(first) = first {
        tree::set_default(service, &["spec", "clusterIP"], first);
    }
}

/// Gives a new Service a cluster IP and node ports of its own where it needs them and brings none.
pub(super) fn create(addresses: &Addresses, service: &mut Value, seed: u64) -> Vec<FieldError> {
    let nothing = Value::Null;
    let mut found = check_ips(addresses, &nothing, service);
    found.extend(check_ports(addresses, &nothing, service));
    if found.is_empty() {
        allocate(addresses, service, seed);
    }
    found
}

/// Checks the new state of a Service, and allocates what its new type or its new ports need.
pub(super) fn update(addresses: &Addresses, old: &Value, new: &mut Value, seed: u64) -> Vec<FieldError> {
    keep_addresses(old, new);
    let mut found = Vec::new();
    let (was, is) = (tree::text(old, &["spec", "clusterIP"]), tree::text(new, &["spec", "clusterIP"]));
    if !was.is_empty() && was != is && !needs_no_ip(old) && !needs_no_ip(new) {
        found.push(bad_value("spec.clusterIPs[0]", &format!("[{is:?}]"), "may not change once set"));
    }
    found.extend(check_ports(addresses, old, new));
    if found.is_empty() {
        found.extend(check_ips(addresses, old, new));
    }
    if found.is_empty() {
        allocate(addresses, new, seed);
    }
    found
}

/// A client that does not know the addresses keeps them.
fn keep_addresses(old: &Value, new: &mut Value) {
    let stays = !needs_no_ip(old) && type_of(new) != "ExternalName";
    if stays && tree::text(new, &["spec", "clusterIP"]).is_empty() {
        for field in ["clusterIP", "clusterIPs"] {
            tree::set(new, &["spec", field], tree::at(old, &["spec", field]).cloned());
        }
    }
    if !has_node_ports(new) {
        return;
    }
    let key = |port: &Value| (port.get("port").cloned(), tree::text(port, &["protocol"]).to_owned());
    let before: Vec<Value> = tree::list(old, &["spec", "ports"]).to_vec();
    for port in ports_mut(new) {
        let had = before.iter().find(|had| key(had) == key(port)).and_then(|had| had.get("nodePort")).cloned();
        if let Some(had) = had {
            tree::set_default(port, &["nodePort"], had);
        }
    }
}

fn check_ips(addresses: &Addresses, old: &Value, new: &Value) -> Vec<FieldError> {
    let had = cluster_ips(old);
    let new_ips = cluster_ips(new).into_iter().filter(|ip| !had.contains(ip));
    new_ips.filter_map(|ip| Some((ip, broken_ip(addresses, ip)?))).map(|(ip, why)| ip_error(ip, &why)).collect()
}

fn broken_ip(addresses: &Addresses, ip: Ipv4Addr) -> Option<String> {
    if !Addresses::in_range(ip) {
        return Some("the provided network does not match the current range".to_owned());
    }
    addresses.is_taken(ip).then(|| "provided IP is already allocated".to_owned())
}

fn ip_error(ip: Ipv4Addr, why: &str) -> FieldError {
    bad_value("spec.clusterIPs", &format!("[\"{ip}\"]"), &format!("failed to allocate IP {ip}: {why}"))
}

fn check_ports(addresses: &Addresses, old: &Value, new: &Value) -> Vec<FieldError> {
    let had = node_ports(old);
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (at, port) in tree::list(new, &["spec", "ports"]).iter().enumerate() {
        let Some(wanted) = port.get("nodePort").and_then(Value::as_u64).filter(|port| *port != 0) else { continue };
        let number = u16::try_from(wanted).unwrap_or(0);
        let protocol = tree::text(port, &["protocol"]).to_owned();
        let why = if !Addresses::port_in_range(number) {
            "provided port is not in the valid range. The range of valid ports is 30000-32767"
        } else if !had.contains(&number) && addresses.is_port_taken(number) || !seen.insert((number, protocol)) {
            "provided port is already allocated"
        } else {
            continue;
        };
        found.push(bad_value(&format!("spec.ports[{at}].nodePort"), &wanted.to_string(), why));
    }
    found
}

fn allocate(addresses: &Addresses, service: &mut Value, seed: u64) {
    if type_of(service) == "ExternalName" {
        return;
    }
    if tree::text(service, &["spec", "clusterIP"]).is_empty()
        && let Some(ip) = addresses.free_ip(seed)
    {
        tree::set(service, &["spec", "clusterIP"], Some(ip.to_string().into()));
    }
    let ip = tree::text(service, &["spec", "clusterIP"]).to_owned();
    tree::set_default(service, &["spec", "clusterIPs"], json!([ip]));
    if !has_node_ports(service) {
        return;
    }
    let mut given = node_ports(service);
    for port in ports_mut(service) {
        let missing = port.get("nodePort").and_then(Value::as_u64).unwrap_or(0) == 0;
        if missing && let Some(free) = addresses.free_port(seed, &given) {
            given.insert(free);
            tree::set(port, &["nodePort"], Some(free.into()));
        }
    }
}

fn type_of(service: &Value) -> &str {
    tree::text(service, &["spec", "type"])
}

fn needs_no_ip(service: &Value) -> bool {
    type_of(service) == "ExternalName" || tree::text(service, &["spec", "clusterIP"]) == "None"
}

fn has_node_ports(service: &Value) -> bool {
    match type_of(service) {
        "NodePort" => true,
        "LoadBalancer" => tree::at(service, &["spec", "allocateLoadBalancerNodePorts"]) != Some(&Value::Bool(false)),
        _ => false,
    }
}

fn ports_mut(service: &mut Value) -> impl Iterator<Item = &mut Value> {
    service.pointer_mut("/spec/ports").and_then(Value::as_array_mut).into_iter().flatten()
}
