//! One object without what a server sets.

use serde_json::Value;

use super::rules::{ALLOCATED_IP, ALLOCATED_PORT, RULES};
use super::snapshot::each;
use crate::model::Gvr;

/// What stands where a field is ignored, so that its presence still counts.
const IGNORED: &str = "(ignored)";

/// Takes what a server sets out of an object: the fields of [`RULES`], and marks in place of addresses and ports that it
/// chose. `ignored` is called with the reason for each.
pub fn ignore_servers_fields(value: &mut Value, ty: &Gvr, ignored: &mut dyn FnMut(&'static str)) {
    let ty = ty.group_resource();
    if ty == "services" {
        ignore_allocations(value, ignored);
    }
    for rule in RULES.iter().filter(|rule| rule.ty == "*" || rule.ty == ty) {
        remove(value, rule.field, &mut || ignored(rule.reason));
    }
    // An object without annotations must not differ from one whose last one is ignored.
    if value.pointer("/metadata/annotations").and_then(Value::as_object).is_none_or(serde_json::Map::is_empty) {
        remove(value, &["metadata", "annotations"], &mut || {});
    }
}

/// Removes what a path leads to.
pub(super) fn remove(value: &mut Value, path: &[&str], removed: &mut impl FnMut()) {
    let Some((last, parents)) = path.split_last() else { return };
    each(value, parents, &mut |parent| {
        if let Some(fields) = parent.as_object_mut()
            && fields.remove(*last).is_some()
        {
            removed();
        }
    });
}

/// Puts a mark in place of addresses and ports that the server chose.
fn ignore_allocations(service: &mut Value, ignored: &mut dyn FnMut(&'static str)) {
    let chosen = chosen_ports(service);
    let mut mark = |field: &mut Value, reason| {
        *field = IGNORED.into();
        ignored(reason);
    };
    for path in [&["spec", "clusterIP"][..], &["spec", "clusterIPs", "*"]] {
        each(service, path, &mut |field| {
            if field.as_str().is_some_and(|address| address != "None" && !address.is_empty()) {
                mark(field, ALLOCATED_IP);
            }
        });
    }
    each(service, &["spec", "ports", "*", "nodePort"], &mut |field| {
        if !chosen.contains(field) {
            mark(field, ALLOCATED_PORT);
        }
    });
}

/// The node ports that somebody wrote: the server's record of who wrote which field has them.
fn chosen_ports(service: &Value) -> Vec<Value> {
    let managers = service["metadata"]["managedFields"].as_array();
    let records: Vec<&Value> =
        managers.into_iter().flatten().map(|entry| &entry["fieldsV1"]["f:spec"]["f:ports"]).collect();
    let ports = service["spec"]["ports"].as_array();
    let is_chosen = |port: &&Value| {
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        let key = format!(r#"k:{{"port":{},"protocol":"{protocol}"}}"#, port["port"]);
        records.iter().any(|record| !record[&key]["f:nodePort"].is_null())
    };
    ports.into_iter().flatten().filter(is_chosen).map(|port| port["nodePort"].clone()).collect()
}
