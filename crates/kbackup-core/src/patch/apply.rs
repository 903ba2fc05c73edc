//! Server-side apply (<https://kubernetes.io/docs/reference/using-api/server-side-apply/>).

use serde_json::{Map, Value, json};

use super::fields::{FieldSet, Path, Step, fields_of, parse, remove_at, show, to_json, value_at};
use super::lists::{ListKind, Lists, keys_of};
use super::{PatchError, last_applied};

/// Who applies, and how.
#[derive(Debug, Clone, Copy)]
pub struct Applier<'a> {
    /// The name of the field manager.
    pub manager: &'a str,
    /// Whether fields of other managers are taken over.
    pub force: bool,
    /// The time that is written with the fields (RFC 3339).
    pub now: &'a str,
    /// What the lists of the object's type are.
    pub lists: Lists,
}

/// What applying makes of an object; `live` is `Null` where there is none yet.
///
/// The manager owns what it applies. What it owned before and no longer applies is removed, unless another one owns it
/// too. An object without any record of managers counts as owned by `before-first-apply`, as in a real server; what its
/// annotation of client-side apply has, by `kubectl-client-side-apply`, from which `kubectl` takes over without force.
///
/// ```
/// use kbackup_core::patch::{Applier, Lists, apply};
/// use serde_json::{Value, json};
///
/// let applier = Applier { manager: "ci", force: false, now: "2026-11-23T00:00:00Z", lists: Lists::BuiltIn };
/// let config = |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web"}, "data": data});
/// let first = apply(&Value::Null, &config(json!({"a": "1", "b": "2"})), &applier)?;
/// let second = apply(&first, &config(json!({"a": "1"})), &applier)?;
/// assert_eq!(second["data"], json!({"a": "1"}));
/// # Ok::<(), kbackup_core::patch::PatchError>(())
/// ```
///
/// # Errors
/// `Invalid` where the body is no object or brings `managedFields`; `Conflict` where it would change what others own and
/// does not force it.
pub fn apply(live: &Value, body: &Value, applier: &Applier<'_>) -> Result<Value, PatchError> {
    if !body.is_object() {
        return Err(PatchError::invalid("it is not an object"));
    }
    if body.pointer("/metadata/managedFields").is_some_and(|managers| !managers.is_null()) {
        return Err(PatchError::invalid("metadata.managedFields must be nil"));
    }
    let body = without_nulls(body);
    let applied = fields_of(&body, applier.lists);
    let mut managers = managers_of(live, applier.lists);
    let own = managers.iter().position(|manager| manager.is(applier.manager, "Apply")).map(|at| managers.remove(at));

    let conflicts = conflicts(live, &body, &applied, &managers);
    refuse(&conflicts, live, applier)?;
    for manager in &mut managers {
        manager.fields.retain(|path| !conflicts.iter().any(|(taken, name)| taken == path && *name == manager.name));
    }
    let mut merged = merge(live, &body, "", applier.lists);
    if let Some(own) = &own {
        prune(&mut merged, &own.fields, &applied, &managers);
    }
    let time = own.as_ref().filter(|own| own.fields == applied).map(|own| own.time.clone());
    managers.push(Manager {
        name: applier.manager.to_owned(),
        operation: "Apply".to_owned(),
        api_version: body["apiVersion"].as_str().unwrap_or_default().to_owned(),
        time: time.unwrap_or_else(|| applier.now.to_owned()),
        subresource: None,
        fields: applied,
    });
    record(&mut merged, &managers);
    last_applied::follow(&mut merged, applier.manager, &body);
    Ok(merged)
}

/// Refuses to change what others own, unless it is forced or comes from client-side apply.
fn refuse(conflicts: &[(Path, String)], live: &Value, applier: &Applier<'_>) -> Result<(), PatchError> {
    if applier.force || conflicts.is_empty() {
        return Ok(());
    }
    let free = last_applied::free_for(applier.manager, live, applier.lists);
    let taken = conflicts.iter().filter(|(path, _)| !free.contains(path));
    let fields: Vec<_> = taken.map(|(path, manager)| (show(path), manager.clone())).collect();
    if fields.is_empty() { Ok(()) } else { Err(PatchError::Conflict { fields }) }
}

/// One entry of `metadata.managedFields`.
#[derive(Debug, Clone)]
struct Manager {
    name: String,
    operation: String,
    api_version: String,
    time: String,
    subresource: Option<String>,
    fields: FieldSet,
}

impl Manager {
    fn is(&self, name: &str, operation: &str) -> bool {
        self.name == name && self.operation == operation && self.subresource.is_none()
    }

    fn parse(entry: &Value) -> Self {
        let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self {
            name: text("manager"),
            operation: text("operation"),
            api_version: text("apiVersion"),
            time: text("time"),
            subresource: Some(text("subresource")).filter(|name| !name.is_empty()),
            fields: parse(&entry["fieldsV1"]),
        }
    }

    fn to_json(&self) -> Value {
        let mut entry = json!({
            "manager": self.name, "operation": self.operation, "apiVersion": self.api_version,
            "time": self.time, "fieldsType": "FieldsV1", "fieldsV1": to_json(&self.fields),
        });
        if let Some(subresource) = &self.subresource {
            entry["subresource"] = subresource.as_str().into();
        }
        entry
    }
}

fn managers_of(live: &Value, lists: Lists) -> Vec<Manager> {
    let recorded = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    match recorded.filter(|recorded| !recorded.is_empty()) {
        Some(recorded) => recorded.iter().map(Manager::parse).collect(),
        None if live.is_null() => Vec::new(),
        None => unrecorded(live, lists),
    }
}

/// Who must have written an object that has no record of managers.
fn unrecorded(live: &Value, lists: Lists) -> Vec<Manager> {
    let text = |path: &str| live.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let writer = |name: &str, fields: FieldSet| Manager {
        name: name.to_owned(),
        operation: "Update".to_owned(),
        api_version: text("/apiVersion"),
        time: text("/metadata/creationTimestamp"),
        subresource: None,
        fields,
    };
    let (all, applied) = (fields_of(live, lists), last_applied::fields(live, lists));
    vec![
        writer("kubectl-client-side-apply", all.intersection(&applied).cloned().collect()),
        writer("before-first-apply", all.difference(&applied).cloned().collect()),
    ]
}

/// The applied fields that would change and that others own, with the owner's name.
fn conflicts(live: &Value, body: &Value, applied: &FieldSet, others: &[Manager]) -> Vec<(Path, String)> {
    let changes = |path: &&Path| {
        // An element that is a map is changed by its fields, not by being there.
        let is_item = matches!(path.last(), Some(Step::Item(_)));
        !is_item && value_at(live, path) != value_at(body, path)
    };
    let owners = |path: &Path| {
        let path = path.clone();
        let owning = others.iter().filter(move |manager| manager.fields.contains(&path));
        owning.map(|manager| manager.name.clone()).collect::<Vec<_>>()
    };
    let changed = applied.iter().filter(changes);
    changed.flat_map(|path| owners(path).into_iter().map(|owner| (path.clone(), owner))).collect()
}

fn merge(live: &Value, body: &Value, field: &str, lists: Lists) -> Value {
    match (live, body) {
        (Value::Object(live), Value::Object(body)) => {
            let mut merged = live.clone();
            for (name, change) in body {
                let value = match (merged.get(name), change) {
                    (Some(Value::Array(old)), Value::Array(new)) => merge_lists(old, new, field, name, lists),
                    (Some(old), _) => merge(old, change, name, lists),
                    (None, _) => change.clone(),
                };
                merged.insert(name.clone(), value);
            }
            Value::Object(merged)
        }
        _ => body.clone(),
    }
}

fn merge_lists(old: &[Value], new: &[Value], parent: &str, field: &str, lists: Lists) -> Value {
    let both: Vec<Value> = old.iter().chain(new).cloned().collect();
    let mut merged = old.to_vec();
    match lists.kind(parent, field, &both) {
        ListKind::Atomic => return new.into(),
        ListKind::Set => merged.extend(new.iter().filter(|value| !old.contains(value)).cloned()),
        ListKind::Map(keys) => {
            for element in new {
                let same = |other: &Value| keys_of(other, keys) == keys_of(element, keys);
                match merged.iter().position(same) {
                    Some(at) => merged[at] = merge(&merged[at], element, field, lists),
                    None => merged.push(element.clone()),
                }
            }
        }
    }
    merged.into()
}

/// Removes what the manager owned and no longer applies, unless it, or something in it, is someone else's.
fn prune(merged: &mut Value, before: &FieldSet, applied: &FieldSet, others: &[Manager]) {
    let is_within =
        |set: &FieldSet, path: &Path| set.range(path.clone()..).next().is_some_and(|next| next.starts_with(path));
    // The deepest first: an element goes after its fields.
    for path in before.difference(applied).collect::<Vec<_>>().into_iter().rev() {
        let kept = is_within(applied, path) || others.iter().any(|manager| is_within(&manager.fields, path));
        if !kept {
            remove_at(merged, path);
        }
    }
}

fn record(object: &mut Value, managers: &[Manager]) {
    let owning = managers.iter().filter(|manager| !manager.fields.is_empty());
    let entries: Vec<Value> = owning.map(Manager::to_json).collect();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("managedFields".to_owned(), entries.into());
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let given = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(given.map(|(field, value)| (field.clone(), without_nulls(value))).collect::<Map<_, _>>())
        }
        Value::Array(elements) => elements.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applier(manager: &str, force: bool) -> Applier<'_> {
        Applier { manager, force, now: "2026-11-23T00:00:00Z", lists: Lists::BuiltIn }
    }

    fn deployment(spec: Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec})
    }

    fn owners(object: &Value) -> Vec<String> {
        let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
        entries
            .iter()
            .map(|entry| format!("{}: {}", entry["manager"].as_str().unwrap_or(""), entry["fieldsV1"]))
            .collect()
    }

    #[test]
    fn two_managers_share_an_object() {
        let first = apply(&Value::Null, &deployment(json!({"replicas": 1, "paused": true})), &applier("a", false));
        let first = first.expect("nobody else is there");
        let second =
            apply(&first, &deployment(json!({"minReadySeconds": 3})), &applier("b", false)).expect("no conflict");
        assert_eq!(second["spec"], json!({"replicas": 1, "paused": true, "minReadySeconds": 3}));
        assert_eq!(
            owners(&second),
            ["a: {\"f:spec\":{\"f:paused\":{},\"f:replicas\":{}}}", "b: {\"f:spec\":{\"f:minReadySeconds\":{}}}",]
        );
        let third = apply(&second, &deployment(json!({"replicas": 1})), &applier("a", false)).expect("it is a's own");
        assert_eq!(third["spec"], json!({"replicas": 1, "minReadySeconds": 3}), "what a no longer applies goes");
    }

    #[test]
    fn a_conflict_is_told_and_can_be_forced() {
        let first = apply(&Value::Null, &deployment(json!({"replicas": 1})), &applier("a", false)).expect("it is new");
        let change = deployment(json!({"replicas": 2}));
        let refused = apply(&first, &change, &applier("b", false)).expect_err("a owns it");
        assert_eq!(refused.to_string(), "Apply failed with 1 conflict: conflict with \"a\": .spec.replicas");
        let agreed = apply(&first, &deployment(json!({"replicas": 1})), &applier("b", false)).expect("they agree");
        assert_eq!(owners(&agreed).len(), 2);
        let forced = apply(&first, &change, &applier("b", true)).expect("it is forced");
        assert_eq!(forced["spec"]["replicas"], 2);
        assert_eq!(owners(&forced), ["b: {\"f:spec\":{\"f:replicas\":{}}}"]);
    }

    #[test]
    fn what_was_there_before_belongs_to_somebody() {
        let live = deployment(json!({"replicas": 1, "paused": true}));
        let refused = apply(&live, &deployment(json!({"replicas": 2})), &applier("a", false));
        assert!(refused.expect_err("it was there").to_string().contains("before-first-apply"));
        let forced = apply(&live, &deployment(json!({"replicas": 2})), &applier("a", true)).expect("it is forced");
        assert_eq!(forced["spec"], json!({"replicas": 2, "paused": true}));
    }

    #[test]
    fn elements_of_a_list_have_owners_of_their_own() {
        let containers = |containers: Value| deployment(json!({"template": {"spec": {"containers": containers}}}));
        let both = json!([{"name": "web", "image": "web:1"}, {"name": "log", "image": "log:1"}]);
        let first = apply(&Value::Null, &containers(both), &applier("a", false)).expect("it is new");
        let env = json!([{"name": "log", "env": [{"name": "X", "value": "1"}]}]);
        let second = apply(&first, &containers(env), &applier("b", false)).expect("no conflict");
        let left = json!([{"name": "web", "image": "web:2"}]);
        let third = apply(&second, &containers(left), &applier("a", false)).expect("its own");
        let expect = json!([{"name": "web", "image": "web:2"}, {"name": "log", "env": [{"name": "X", "value": "1"}]}]);
        assert_eq!(third["spec"]["template"]["spec"]["containers"], expect, "b still owns a container");
        let gone = apply(&third, &containers(json!([])), &applier("b", false)).expect("its own");
        assert_eq!(gone["spec"]["template"]["spec"]["containers"], json!([{"name": "web", "image": "web:2"}]));
    }

    #[test]
    fn applying_the_same_again_changes_nothing() {
        let body = deployment(json!({"replicas": 1, "selector": {"matchLabels": {"app": "web"}}}));
        let first = apply(&Value::Null, &body, &applier("a", false)).expect("it is new");
        let later = Applier { now: "2027-01-01T00:00:00Z", ..applier("a", false) };
        assert_eq!(apply(&first, &body, &later), Ok(first));
    }

    #[test]
    fn a_body_with_managers_is_refused() {
        let body = json!({"metadata": {"managedFields": []}});
        assert!(apply(&Value::Null, &body, &applier("a", false)).is_err());
    }
}
