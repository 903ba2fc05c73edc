//! An object in a form that is equal before and after a restore, if the restore was right.

use std::collections::BTreeMap;

use crate::model::{Object, ObjectRef};
use serde_json::Value;

use super::normal::{ignore_servers_fields, remove};
use super::rules::{MAKERS, STATUS};
use super::snapshot::Snapshot;

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
    let mut count = |reason| *ignored.entry(reason).or_default() += 1;
    if snapshot.with_status.contains(&at.gvr) {
        remove(value, &["status"], &mut || count(STATUS));
    }
    ignore_servers_fields(value, &at.gvr, &mut count);
}
