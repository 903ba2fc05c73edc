//! Laying one object over another: what a restore makes of an object that exists.

use serde_json::{Map, Value};

use super::fields::{FieldSet, parse, remove_at, value_at};
use super::lists::{ListKind, Lists, keys_of};

/// Fields of the metadata that a user writes; all others are the server's.
const USERS_METADATA: [&str; 3] = ["labels", "annotations", "finalizers"];

/// What kubectl applied last, as JSON.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// `live` with all that `wanted` says. What only `live` has stays: fields, elements of lists that are maps or sets. Lists
/// that are one value are those of `wanted`.
///
/// ```
/// use kbackup_core::patch::{Lists, overlay};
/// use serde_json::json;
///
/// let live = json!({ "data": { "a": "2", "mine": "x" } });
/// let wanted = json!({ "data": { "a": "1" } });
/// assert_eq!(overlay(live, &wanted, Lists::Custom), json!({ "data": { "a": "1", "mine": "x" } }));
/// ```
#[must_use]
pub fn overlay(mut live: Value, wanted: &Value, lists: Lists) -> Value {
    lay(&mut live, wanted, ("", ""), lists);
    live
}

/// Removes from `live` what its user had written and `wanted` no longer has, as far as the objects tell: fields of what
/// kubectl applied last, and fields that a manager has applied to `live` and had not applied to `wanted`.
pub fn forget(live: &mut Value, wanted: &Value, lists: Lists) {
    let applied = live["metadata"]["annotations"][LAST_APPLIED].as_str();
    if let Some(mut applied) = applied.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        keep_users_fields(&mut applied);
        forget_fields(live, &applied, wanted, ("", ""), lists);
    }
    for path in newly_applied(live, wanted).iter().filter(|path| value_at(wanted, path).is_none()) {
        remove_at(live, path);
    }
}

/// `object` without the fields that `other` has too: what only `object` has. Lists are compared as a whole.
#[must_use]
pub fn beyond(object: &Value, other: &Value) -> Value {
    let (Value::Object(fields), Value::Object(others)) = (object, other) else { return Value::Null };
    let mut rest = Map::new();
    for (name, field) in fields {
        match others.get(name) {
            None => _ = rest.insert(name.clone(), field.clone()),
            Some(same) => match beyond(field, same) {
                Value::Object(inner) if !inner.is_empty() => _ = rest.insert(name.clone(), Value::Object(inner)),
                _ => {}
            },
        }
    }
    Value::Object(rest)
}

fn lay(live: &mut Value, wanted: &Value, (parent, field): (&str, &str), lists: Lists) {
    match (live, wanted) {
        (Value::Object(fields), Value::Object(wanted)) => {
            for (name, value) in wanted {
                match fields.get_mut(name) {
                    Some(inner) => lay(inner, value, (field, name), lists),
                    None => _ = fields.insert(name.clone(), value.clone()),
                }
            }
        }
        (Value::Array(elements), Value::Array(wanted)) => match kind(lists, (parent, field), elements, wanted) {
            ListKind::Map(keys) => lay_map(elements, wanted, keys, field, lists),
            ListKind::Set => {
                let missing: Vec<Value> = wanted.iter().filter(|value| !elements.contains(value)).cloned().collect();
                elements.extend(missing);
            }
            ListKind::Atomic => elements.clone_from(wanted),
        },
        (live, wanted) => live.clone_from(wanted),
    }
}

/// What the list is, given the elements that it has on both sides.
fn kind(lists: Lists, (parent, field): (&str, &str), live: &[Value], wanted: &[Value]) -> ListKind {
    match lists.kind(parent, field, live) {
        ListKind::Map(_) => lists.kind(parent, field, wanted),
        other => other,
    }
}

/// The order is that of the live list where it has all that is wanted; otherwise that of the wanted one, and what only the
/// live one has comes last.
fn lay_map(live: &mut Vec<Value>, wanted: &[Value], keys: &[&str], field: &str, lists: Lists) {
    let place = |elements: &[Value], element: &Value| {
        elements.iter().position(|other| keys_of(other, keys) == keys_of(element, keys))
    };
    if wanted.iter().any(|element| place(live, element).is_none()) {
        let mut rest = std::mem::take(live);
        for element in wanted {
            live.push(place(&rest, element).map_or_else(|| element.clone(), |at| rest.remove(at)));
        }
        live.append(&mut rest);
    }
    for element in wanted {
        if let Some(at) = place(live, element) {
            lay(&mut live[at], element, (field, ""), lists);
        }
    }
}

fn keep_users_fields(applied: &mut Value) {
    if let Some(fields) = applied.as_object_mut() {
        fields.retain(|name, _| !["apiVersion", "kind", "status"].contains(&name.as_str()));
    }
    if let Some(metadata) = applied.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|name, _| USERS_METADATA.contains(&name.as_str()));
    }
}

/// Removes from `live` what `applied` has and `wanted` has not.
fn forget_fields(live: &mut Value, applied: &Value, wanted: &Value, (parent, field): (&str, &str), lists: Lists) {
    match (live, applied, wanted) {
        (Value::Object(live), Value::Object(applied), Value::Object(wanted)) => {
            for (name, inner) in applied {
                match (live.get_mut(name), wanted.get(name)) {
                    (Some(_), None) => _ = live.remove(name),
                    (Some(live), Some(wanted)) => forget_fields(live, inner, wanted, (field, name), lists),
                    (None, _) => {}
                }
            }
        }
        (Value::Array(live), Value::Array(applied), Value::Array(wanted)) => {
            let ListKind::Map(keys) = kind(lists, (parent, field), live, wanted) else { return };
            let has = |elements: &[Value], element: &Value| {
                elements.iter().any(|other| keys_of(other, keys) == keys_of(element, keys))
            };
            live.retain(|element| has(wanted, element) || !has(applied, element));
        }
        _ => {}
    }
}

/// The fields that a manager has applied to `live`, but had not to `wanted`, which it knew too.
fn newly_applied(live: &Value, wanted: &Value) -> FieldSet {
    let mut fields = FieldSet::new();
    let managers = |object: &Value| applied_by(object).map(|(name, set)| (name.to_owned(), set)).collect::<Vec<_>>();
    let before = managers(wanted);
    for (name, set) in applied_by(live) {
        if let Some((_, known)) = before.iter().find(|(known, _)| known == name) {
            fields.extend(set.difference(known).cloned());
        }
    }
    let others = live["metadata"]["managedFields"].as_array().into_iter().flatten().filter(|entry| !is_apply(entry));
    let owned: Vec<FieldSet> = others.map(|entry| parse(&entry["fieldsV1"])).collect();
    fields.retain(|path| !owned.iter().any(|set| set.contains(path)));
    fields
}

fn applied_by(object: &Value) -> impl Iterator<Item = (&str, FieldSet)> {
    let entries = object["metadata"]["managedFields"].as_array().into_iter().flatten().filter(|entry| is_apply(entry));
    entries.map(|entry| (entry["manager"].as_str().unwrap_or_default(), parse(&entry["fieldsV1"])))
}

/// Whether the entry is of a server-side apply to the object itself.
fn is_apply(entry: &Value) -> bool {
    entry["operation"] == "Apply" && entry["subresource"].as_str().unwrap_or_default().is_empty()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_only_the_live_object_has_stays() {
        for (live, wanted, expect) in [
            (json!({"a": 1, "b": {"c": 2}}), json!({"b": {"d": 3}}), json!({"a": 1, "b": {"c": 2, "d": 3}})),
            (json!({"list": [1, 2]}), json!({"list": [3]}), json!({"list": [3]})),
            (
                json!({"metadata": {"finalizers": ["live"]}}),
                json!({"metadata": {"finalizers": ["wanted", "live"]}}),
                json!({"metadata": {"finalizers": ["live", "wanted"]}}),
            ),
            (
                json!({"spec": {"containers": [{"name": "sidecar"}, {"name": "web", "image": "2", "tty": true}]}}),
                json!({"spec": {"containers": [{"name": "web", "image": "1"}]}}),
                json!({"spec": {"containers": [{"name": "sidecar"}, {"name": "web", "image": "1", "tty": true}]}}),
            ),
            (
                json!({"spec": {"initContainers": [{"name": "b"}, {"name": "live"}]}}),
                json!({"spec": {"initContainers": [{"name": "a"}, {"name": "b"}]}}),
                json!({"spec": {"initContainers": [{"name": "a"}, {"name": "b"}, {"name": "live"}]}}),
            ),
            (json!({"a": {"b": 1}}), json!({"a": "text"}), json!({"a": "text"})),
        ] {
            assert_eq!(overlay(live.clone(), &wanted, Lists::BuiltIn), expect, "{live} {wanted}");
        }
        let custom = overlay(
            json!({"spec": {"containers": [{"name": "a"}]}}),
            &json!({"spec": {"containers": [{"name": "b"}]}}),
            Lists::Custom,
        );
        assert_eq!(custom, json!({"spec": {"containers": [{"name": "b"}]}}), "a list of a custom type is one value");
    }

    #[test]
    fn what_kubectl_applied_after_the_backup_goes() {
        let applied = json!({"metadata": {"name": "x", "annotations": {"new": "1"}}, "data": {"a": "1", "new": "1"},
            "spec": {"containers": [{"name": "new"}, {"name": "web"}]}});
        let mut live = json!({"metadata": {"name": "x", "annotations": {LAST_APPLIED: applied.to_string(), "new": "1"}},
            "data": {"a": "1", "new": "1", "by-a-controller": "1"},
            "spec": {"containers": [{"name": "web"}, {"name": "new"}, {"name": "injected"}]}});
        let wanted =
            json!({"metadata": {"annotations": {}}, "data": {"a": "0"}, "spec": {"containers": [{"name": "web"}]}});
        forget(&mut live, &wanted, Lists::BuiltIn);
        assert_eq!(live["data"], json!({"a": "1", "by-a-controller": "1"}));
        assert_eq!(live["spec"]["containers"], json!([{"name": "web"}, {"name": "injected"}]));
        assert_eq!(live["metadata"]["annotations"]["new"], json!(null));
        assert_eq!(live["metadata"]["name"], "x");
    }

    #[test]
    fn what_a_manager_applied_after_the_backup_goes() {
        let entry = |manager: &str, operation: &str, fields: &[&str]| {
            let fields: Map<String, Value> = fields.iter().map(|name| (format!("f:{name}"), json!({}))).collect();
            json!({"manager": manager, "operation": operation, "fieldsV1": {"f:data": fields}})
        };
        let mut live = json!({"data": {"a": "1", "new": "1", "shared": "1", "theirs": "1"}, "metadata": {"managedFields": [
            entry("ops", "Apply", &["a", "new", "shared"]), entry("stranger", "Apply", &["theirs"]),
            entry("controller", "Update", &["shared"])]}});
        let wanted = json!({"data": {"a": "0"}, "metadata": {"managedFields": [entry("ops", "Apply", &["a"])]}});
        forget(&mut live, &wanted, Lists::Custom);
        assert_eq!(live["data"], json!({"a": "1", "shared": "1", "theirs": "1"}));
    }

    #[test]
    fn what_is_beyond_another_object() {
        let object = json!({"a": 1, "b": {"c": 2, "d": 3}, "l": [1]});
        assert_eq!(beyond(&object, &json!({"b": {"c": 9}, "l": []})), json!({"a": 1, "b": {"d": 3}}));
        assert_eq!(beyond(&object, &object), json!({}));
    }
}
