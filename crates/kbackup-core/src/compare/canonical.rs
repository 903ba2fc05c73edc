//! An object in a form that is equal before and after a restore, if the restore was right.

use std::collections::BTreeMap;

use crate::model::{Object, ObjectRef};
use serde_json::Value;

use super::rules::{ALLOCATED_IP, ALLOCATED_PORT, MAKERS, RULES, STATUS};
use super::snapshot::{Snapshot, each};

/// What stands where a field is ignored, so that its presence still counts.
const IGNORED: &str = "(ignored)";

/// The objects of a snapshot by the name under which they are compared. One that a controller made shares it with the
/// others that the same owner has.
pub(super) fn canonical(
    snapshot: &Snapshot,
    ignored: &mut BTreeMap<&'static str, usize>,
) -> BTreeMap<String, Vec<Value>> {
    let names = uids(snapshot);
    let mut all: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (at, object) in &snapshot.objects {
        let mut value = object.to_value();
        ignore(&mut value, at, snapshot, ignored);
        if maker(object).is_some() {
            replace(&mut value, &|text| (text == at.name).then(|| "(made)".to_owned()));
        }
        replace(&mut value, &|text| names.get(text).cloned().or_else(|| token_volume(text)));
        all.entry(name(at, object)).or_default().push(value);
    }
    all.values_mut().for_each(|same| same.sort_by_cached_key(Value::to_string));
    all
}

/// The name under which an object is compared.
fn name(at: &ObjectRef, object: &Object) -> String {
    match (maker(object), &at.namespace) {
        (Some(owner), Some(namespace)) => format!("{}/{namespace} made by {owner}", at.gvr.group_resource()),
        _ => at.to_string(),
    }
}

/// The owner whose controller made the object, where one of Kubernetes' own did.
fn maker(object: &Object) -> Option<String> {
    let owner = object.controller().filter(|owner| MAKERS.contains(&owner.kind.as_str()))?;
    Some(format!("{} {}", owner.kind, owner.name))
}

/// What to write instead of each uid: whose it is.
fn uids(snapshot: &Snapshot) -> BTreeMap<String, String> {
    let whose =
        |(at, object): (&ObjectRef, &Object)| (object.meta().uid.clone(), format!("uid of {}", name(at, object)));
    snapshot.objects.iter().filter(|(_, object)| !object.meta().uid.is_empty()).map(whose).collect()
}

/// The volume that admission adds to each Pod has five random letters in its name.
fn token_volume(text: &str) -> Option<String> {
    let letters = text.strip_prefix("kube-api-access-")?;
    (letters.len() == 5).then(|| "kube-api-access-(random)".to_owned())
}

/// Replaces strings, at any depth.
fn replace(value: &mut Value, with: &impl Fn(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = with(text) {
                *text = new;
            }
        }
        Value::Array(entries) => entries.iter_mut().for_each(|entry| replace(entry, with)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, with)),
        _ => {}
    }
}

fn ignore(value: &mut Value, at: &ObjectRef, snapshot: &Snapshot, ignored: &mut BTreeMap<&'static str, usize>) {
    let ty = at.gvr.group_resource();
    if ty == "services" {
        ignore_allocations(value, ignored);
    }
    let chosen = RULES.iter().filter(|rule| rule.ty == "*" || rule.ty == ty).map(|rule| (rule.field, rule.reason));
    let status = snapshot.with_status.contains(&at.gvr).then_some((&["status"][..], STATUS));
    for (field, reason) in chosen.chain(status) {
        remove(value, field, &mut || *ignored.entry(reason).or_default() += 1);
    }
    // An object without annotations must not differ from one whose last one is ignored.
    if value.pointer("/metadata/annotations").and_then(Value::as_object).is_none_or(serde_json::Map::is_empty) {
        remove(value, &["metadata", "annotations"], &mut || {});
    }
}

/// Removes what a path leads to.
fn remove(value: &mut Value, path: &[&str], removed: &mut impl FnMut()) {
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
fn ignore_allocations(service: &mut Value, ignored: &mut BTreeMap<&'static str, usize>) {
    let chosen = chosen_ports(service);
    let mut mark = |field: &mut Value, reason| {
        *field = IGNORED.into();
        *ignored.entry(reason).or_default() += 1;
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
