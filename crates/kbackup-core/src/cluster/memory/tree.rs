//! Reading and writing single fields of a JSON tree.

use serde_json::{Map, Value};

/// The value at this path of field names.
pub(super) fn at<'a>(tree: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(tree, |tree, field| tree.get(field))
}

/// The text at this path; empty where there is none.
pub(super) fn text<'a>(tree: &'a Value, path: &[&str]) -> &'a str {
    at(tree, path).and_then(Value::as_str).unwrap_or_default()
}

/// The list at this path; empty where there is none.
pub(super) fn list<'a>(tree: &'a Value, path: &[&str]) -> &'a [Value] {
    at(tree, path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The object at this path. What is missing on the way, or is no object, becomes one.
pub(super) fn object_mut<'a>(tree: &'a mut Value, path: &[&str]) -> &'a mut Map<String, Value> {
    let mut here = as_object_mut(tree);
    for field in path {
        here = as_object_mut(here.entry(*field).or_insert(Value::Null));
    }
    here
}

/// Writes one field, or removes it where `value` is `None`.
pub(super) fn set(tree: &mut Value, path: &[&str], value: Option<Value>) {
    let Some((last, parents)) = path.split_last() else { return };
    match value {
        Some(value) => _ = object_mut(tree, parents).insert((*last).to_owned(), value),
        None => remove(tree, parents, last),
    }
}

/// Writes one field unless it has a value.
pub(super) fn set_default(tree: &mut Value, path: &[&str], value: impl Into<Value>) {
    if at(tree, path).is_none_or(Value::is_null) {
        set(tree, path, Some(value.into()));
    }
}

fn remove(tree: &mut Value, parents: &[&str], last: &str) {
    let parent = parents.iter().try_fold(tree, |tree, field| tree.get_mut(field));
    if let Some(Value::Object(fields)) = parent {
        fields.remove(last);
    }
}

fn as_object_mut(tree: &mut Value) -> &mut Map<String, Value> {
    if !tree.is_object() {
        *tree = Value::Object(Map::new());
    }
    match tree {
        Value::Object(fields) => fields,
        _ => unreachable!("it was made an object above"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_read_and_written_by_path() {
        let mut tree = json!({"metadata": {"name": "web", "labels": null}});
        assert_eq!(text(&tree, &["metadata", "name"]), "web");
        assert_eq!(text(&tree, &["spec", "name"]), "");
        set(&mut tree, &["metadata", "labels", "app"], Some(json!("web")));
        set(&mut tree, &["metadata", "name"], None);
        set(&mut tree, &["status", "phase"], None);
        set_default(&mut tree, &["spec", "type"], "ClusterIP");
        set_default(&mut tree, &["spec", "type"], "NodePort");
        assert_eq!(tree, json!({"metadata": {"labels": {"app": "web"}}, "spec": {"type": "ClusterIP"}}));
    }
}
