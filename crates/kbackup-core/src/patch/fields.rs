//! Sets of fields, and their form in `metadata.managedFields` (`FieldsV1`).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::lists::{ListKind, Lists, keys_of};

/// The way to a field: from the root, step by step.
pub(super) type Path = Vec<Step>;

/// A set of fields.
pub(super) type FieldSet = BTreeSet<Path>;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// A field of an object.
    Field(String),
    /// The element of a list that has these keys, as JSON.
    Item(String),
    /// The element of a list that is this value, as JSON.
    Element(String),
}

/// The fields that everybody writes and nobody owns.
const UNOWNED: &[&[&str]] = &[
    &["apiVersion"],
    &["kind"],
    &["metadata", "name"],
    &["metadata", "namespace"],
    &["metadata", "creationTimestamp"],
    &["metadata", "deletionTimestamp"],
    &["metadata", "deletionGracePeriodSeconds"],
    &["metadata", "selfLink"],
    &["metadata", "uid"],
    &["metadata", "generation"],
    &["metadata", "managedFields"],
    &["metadata", "resourceVersion"],
];

/// All fields of an object that somebody can own: values, whole lists, and the elements of lists that are maps or sets.
pub(super) fn fields_of(object: &Value, lists: Lists) -> FieldSet {
    let mut fields = FieldSet::new();
    collect(object, "", lists, &mut Vec::new(), &mut fields);
    fields.retain(|path| !UNOWNED.iter().any(|unowned| begins_with(path, unowned)));
    fields
}

/// The value at the end of a path.
pub(super) fn value_at<'a>(object: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(object, |here, step| match step {
        Step::Field(field) => here.get(field),
        Step::Item(_) | Step::Element(_) => here.as_array()?.iter().find(|element| is_element(element, step)),
    })
}

/// Removes the value at the end of a path, and the objects that this leaves empty.
pub(super) fn remove_at(object: &mut Value, path: &[Step]) {
    let Some((step, rest)) = path.split_first() else { return };
    match (object, step) {
        (Value::Object(fields), Step::Field(field)) => {
            if !rest.is_empty()
                && let Some(inner) = fields.get_mut(field)
            {
                remove_at(inner, rest);
            }
            if rest.is_empty() || fields.get(field).is_some_and(is_empty) {
                fields.remove(field);
            }
        }
        (Value::Array(elements), step) => {
            let Some(at) = elements.iter().position(|element| is_element(element, step)) else { return };
            match rest {
                [] => _ = elements.remove(at),
                // Without its key an element could not be found again: the key goes with the element.
                [Step::Field(field)] if is_key(step, field) => {}
                _ => remove_at(&mut elements[at], rest),
            }
        }
        _ => {}
    }
}

/// Reads a `fieldsV1`.
pub(super) fn parse(fields: &Value) -> FieldSet {
    let mut set = FieldSet::new();
    if let Value::Object(fields) = fields {
        parse_into(fields, &mut Vec::new(), &mut set);
    }
    set
}

/// Writes a `fieldsV1`.
pub(super) fn to_json(set: &FieldSet) -> Value {
    let mut root = Map::new();
    for path in set {
        insert(&mut root, path);
    }
    shorten(&mut root);
    Value::Object(root)
}

/// A path as Kubernetes shows it: `.spec.containers[name="web"].image`.
pub(super) fn show(path: &[Step]) -> String {
    let mut shown = String::new();
    for step in path {
        // Writing to text does not fail.
        _ = match step {
            Step::Field(field) => write!(shown, ".{field}"),
            Step::Item(keys) => write!(shown, "[{}]", show_keys(keys)),
            Step::Element(value) => write!(shown, "[={value}]"),
        };
    }
    shown
}

impl Step {
    fn to_key(&self) -> String {
        match self {
            Self::Field(field) => format!("f:{field}"),
            Self::Item(keys) => format!("k:{keys}"),
            Self::Element(value) => format!("v:{value}"),
        }
    }

    fn parse(key: &str) -> Option<Self> {
        let (kind, rest) = key.split_once(':')?;
        // Read and written again, so that spaces and the order of keys make no difference.
        let json = || serde_json::from_str::<Value>(rest).ok().map(|value| value.to_string());
        match kind {
            "f" => Some(Self::Field(rest.to_owned())),
            "k" => json().map(Self::Item),
            "v" => json().map(Self::Element),
            _ => None,
        }
    }
}

fn collect(value: &Value, here: &str, lists: Lists, path: &mut Path, fields: &mut FieldSet) {
    match value {
        Value::Object(inner) if !inner.is_empty() => {
            for (field, value) in inner {
                path.push(Step::Field(field.clone()));
                match value {
                    Value::Array(elements) => collect_list(elements, here, field, lists, path, fields),
                    _ => collect(value, field, lists, path, fields),
                }
                path.pop();
            }
        }
        _ => _ = fields.insert(path.clone()),
    }
}

fn collect_list(elements: &[Value], here: &str, field: &str, lists: Lists, path: &mut Path, fields: &mut FieldSet) {
    let kind = lists.kind(here, field, elements);
    if kind == ListKind::Atomic || elements.is_empty() {
        fields.insert(path.clone());
        return;
    }
    for element in elements {
        path.push(match kind {
            ListKind::Map(keys) => Step::Item(keys_of(element, keys).to_string()),
            _ => Step::Element(element.to_string()),
        });
        fields.insert(path.clone());
        if matches!(kind, ListKind::Map(_)) {
            collect(element, field, lists, path, fields);
        }
        path.pop();
    }
}

fn begins_with(path: &[Step], names: &[&str]) -> bool {
    path.len() >= names.len()
        && path.iter().zip(names).all(|(step, name)| matches!(step, Step::Field(field) if field == name))
}

fn is_element(element: &Value, step: &Step) -> bool {
    match step {
        Step::Field(_) => false,
        Step::Element(value) => serde_json::from_str::<Value>(value).is_ok_and(|value| value == *element),
        Step::Item(keys) => match serde_json::from_str::<Map<String, Value>>(keys) {
            Ok(keys) => {
                let names: Vec<&str> = keys.keys().map(String::as_str).collect();
                keys_of(element, &names) == Value::Object(keys.clone())
            }
            Err(_) => false,
        },
    }
}

fn is_key(step: &Step, field: &str) -> bool {
    let Step::Item(keys) = step else { return false };
    serde_json::from_str::<Map<String, Value>>(keys).is_ok_and(|keys| keys.contains_key(field))
}

fn is_empty(value: &Value) -> bool {
    matches!(value, Value::Object(fields) if fields.is_empty())
        || matches!(value, Value::Array(elements) if elements.is_empty())
}

fn parse_into(fields: &Map<String, Value>, path: &mut Path, set: &mut FieldSet) {
    for (key, inner) in fields {
        if key == "." {
            set.insert(path.clone());
            continue;
        }
        let (Some(step), Value::Object(inner)) = (Step::parse(key), inner) else { continue };
        path.push(step);
        if inner.is_empty() {
            set.insert(path.clone());
        }
        parse_into(inner, path, set);
        path.pop();
    }
}

fn insert(fields: &mut Map<String, Value>, path: &[Step]) {
    let Some((step, rest)) = path.split_first() else {
        fields.insert(".".to_owned(), Value::Object(Map::new()));
        return;
    };
    let inner = fields.entry(step.to_key()).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(inner) = inner {
        insert(inner, rest);
    }
}

/// A field that has nothing in it is written without the dot that says that it is owned itself.
fn shorten(fields: &mut Map<String, Value>) {
    for inner in fields.values_mut() {
        let Value::Object(inner) = inner else { continue };
        if inner.len() == 1 {
            inner.remove(".");
        }
        shorten(inner);
    }
}

fn show_keys(keys: &str) -> String {
    let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
    keys.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample() -> Value {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "web", "labels": {"app": "web"}, "finalizers": ["a/b"]},
            "spec": {"containers": [{"name": "web", "args": ["-v"], "ports": [{"containerPort": 80}]}]},
        })
    }

    #[test]
    fn fields_are_written_as_kubernetes_does() {
        let set = fields_of(&sample(), Lists::BuiltIn);
        let expect = json!({
            "f:metadata": {"f:labels": {"f:app": {}}, "f:finalizers": {"v:\"a/b\"": {}}},
            "f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {
                ".": {}, "f:name": {}, "f:args": {},
                "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}},
            }}},
        });
        assert_eq!(to_json(&set), expect);
        assert_eq!(parse(&expect), set);
    }

    #[test]
    fn every_field_of_a_set_is_found_shown_and_removed() {
        let set = fields_of(&sample(), Lists::BuiltIn);
        let mut object = sample();
        for path in &set {
            assert!(value_at(&sample(), path).is_some(), "{}", show(path));
        }
        for path in set.iter().rev() {
            remove_at(&mut object, path);
        }
        assert_eq!(object, json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}}));
        assert!(set.iter().any(|path| show(path) == ".spec.containers[name=\"web\"].args"));
    }
}
