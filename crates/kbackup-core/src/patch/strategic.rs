//! Strategic merge patch: a merge patch that knows which lists are maps
//! (<https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md>).

use serde_json::{Map, Value};

use super::PatchError;
use super::lists::{ListKind, Lists, keys_of};

/// What a strategic merge patch makes of an object of a built-in type.
///
/// Lists that are maps are merged by their key, lists that are sets are united, all others are replaced. The directives
/// `$patch` (`replace`, `delete`, `merge`), `$retainKeys`, `$deleteFromPrimitiveList/…` and `$setElementOrder/…` are obeyed;
/// of the last, elements that it does not name follow those that it names.
///
/// ```
/// use serde_json::json;
///
/// let pod = json!({"spec": {"containers": [{"name": "web", "image": "web:1"}, {"name": "log", "image": "log:1"}]}});
/// let change = json!({"spec": {"containers": [{"name": "web", "image": "web:2"}]}});
/// let patched = kbackup_core::patch::strategic(&pod, &change)?;
/// assert_eq!(patched["spec"]["containers"][0]["image"], "web:2");
/// assert_eq!(patched["spec"]["containers"][1]["image"], "log:1");
/// # Ok::<(), kbackup_core::patch::PatchError>(())
/// ```
///
/// # Errors
/// `Invalid` where the patch is not an object, or a directive is unknown or not of its form.
pub fn strategic(document: &Value, change: &Value) -> Result<Value, PatchError> {
    let Value::Object(change) = change else { return Err(PatchError::invalid("it is not an object")) };
    let document = document.as_object().cloned().unwrap_or_default();
    merge_objects(document, change, "").map(Value::Object)
}

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const REMOVE_VALUES: &str = "$deleteFromPrimitiveList/";
const ORDER: &str = "$setElementOrder/";

/// What a `$patch` says; `merge` where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

/// `here` is the field that holds the object: what its lists are depends on it.
fn merge_objects(
    mut document: Map<String, Value>,
    change: &Map<String, Value>,
    here: &str,
) -> Result<Map<String, Value>, PatchError> {
    match directive(change)? {
        Directive::Replace => return Ok(plain(change)),
        Directive::Delete => return Ok(Map::new()),
        Directive::Merge => {}
    }
    if let Some(kept) = change.get(RETAIN_KEYS) {
        let kept = list(kept, RETAIN_KEYS)?;
        document.retain(|field, _| kept.iter().any(|name| name == field));
    }
    for (field, value) in change {
        if let Some(field) = field.strip_prefix(REMOVE_VALUES) {
            let gone = list(value, REMOVE_VALUES)?;
            if let Some(Value::Array(values)) = document.get_mut(field) {
                values.retain(|value| !gone.contains(value));
            }
        } else if !field.starts_with('$') {
            merge_field(&mut document, field, value, here)?;
        }
    }
    for (field, order) in change.iter().filter_map(|(field, order)| Some((field.strip_prefix(ORDER)?, order))) {
        let order = list(order, ORDER)?;
        if let Some(Value::Array(elements)) = document.get_mut(field) {
            set_order(elements, order, Lists::BuiltIn.kind(here, field, order));
        }
    }
    Ok(document)
}

fn merge_field(document: &mut Map<String, Value>, field: &str, change: &Value, here: &str) -> Result<(), PatchError> {
    let merged = match (document.remove(field), change) {
        (_, Value::Null) => return Ok(()),
        (Some(Value::Object(old)), Value::Object(change)) => Value::Object(merge_objects(old, change, field)?),
        (_, Value::Object(change)) if directive(change)? == Directive::Delete => return Ok(()),
        (_, Value::Object(change)) => Value::Object(merge_objects(Map::new(), change, field)?),
        (Some(Value::Array(old)), Value::Array(change)) => Value::Array(merge_lists(old, change, here, field)?),
        (_, Value::Array(change)) => Value::Array(merge_lists(Vec::new(), change, here, field)?),
        (_, plain) => plain.clone(),
    };
    document.insert(field.to_owned(), merged);
    Ok(())
}

fn merge_lists(old: Vec<Value>, change: &[Value], here: &str, field: &str) -> Result<Vec<Value>, PatchError> {
    let both: Vec<Value> = old.iter().chain(change).cloned().collect();
    match Lists::BuiltIn.kind(here, field, &both) {
        ListKind::Atomic => Ok(change.iter().map(plain_value).collect()),
        ListKind::Set => {
            let mut united = old;
            for value in change {
                if !united.contains(value) {
                    united.push(value.clone());
                }
            }
            Ok(united)
        }
        ListKind::Map(keys) => merge_by_key(old, change, keys[0], field),
    }
}

fn merge_by_key(mut merged: Vec<Value>, change: &[Value], key: &str, field: &str) -> Result<Vec<Value>, PatchError> {
    let only_directive = |element: &&Value| element.get(key).is_none();
    if change.iter().any(|element| only_directive(&element)) {
        merged.clear();
    }
    for element in change.iter().filter(|element| !only_directive(element)) {
        let Value::Object(element) = element else { continue };
        let at = merged.iter().position(|other| other.get(key) == element.get(key));
        match (directive(element)?, at) {
            (Directive::Delete, Some(at)) => _ = merged.remove(at),
            (Directive::Delete, None) => {}
            (Directive::Replace, Some(at)) => merged[at] = Value::Object(plain(element)),
            (_, Some(at)) => {
                let old = merged[at].as_object().cloned().unwrap_or_default();
                merged[at] = Value::Object(merge_objects(old, element, field)?);
            }
            (_, None) => merged.push(Value::Object(merge_objects(Map::new(), element, field)?)),
        }
    }
    Ok(merged)
}

fn set_order(elements: &mut [Value], order: &[Value], kind: ListKind) {
    let name = |element: &Value| match kind {
        ListKind::Map(keys) => keys_of(element, &keys[..1]),
        _ => element.clone(),
    };
    let order: Vec<Value> = order.iter().map(name).collect();
    elements.sort_by_key(|element| {
        let element = name(element);
        order.iter().position(|wanted| *wanted == element).unwrap_or(order.len())
    });
}

fn directive(change: &Map<String, Value>) -> Result<Directive, PatchError> {
    match change.get(DIRECTIVE).map(|directive| directive.as_str().unwrap_or_default()) {
        None | Some("merge") => Ok(Directive::Merge),
        Some("replace") => Ok(Directive::Replace),
        Some("delete") => Ok(Directive::Delete),
        Some(other) => Err(PatchError::invalid(format!("\"{other}\" is not a $patch directive"))),
    }
}

fn list<'a>(value: &'a Value, directive: &str) -> Result<&'a [Value], PatchError> {
    let list = value.as_array().map(Vec::as_slice);
    list.ok_or_else(|| PatchError::invalid(format!("{directive} is not a list")))
}

/// A change without directives and without fields that it removes.
fn plain(change: &Map<String, Value>) -> Map<String, Value> {
    let fields = change.iter().filter(|(field, value)| !field.starts_with('$') && !value.is_null());
    fields.map(|(field, value)| (field.clone(), plain_value(value))).collect()
}

fn plain_value(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(plain(fields)),
        Value::Array(elements) => Value::Array(elements.iter().map(plain_value).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(document: &Value, change: &Value, expect: &Value) {
        assert_eq!(strategic(document, change).as_ref(), Ok(expect), "{change}");
    }

    #[test]
    fn objects_are_merged_as_by_a_merge_patch() {
        let document = json!({"a": {"b": 1, "c": 2}});
        check(&document, &json!({"a": {"b": null, "d": 3}}), &json!({"a": {"c": 2, "d": 3}}));
        check(&document, &json!({"a": {"$patch": "replace", "d": 3}}), &json!({"a": {"d": 3}}));
        check(&document, &json!({"a": {"$patch": "delete"}}), &json!({"a": {}}));
        check(&document, &json!({"a": {"$retainKeys": ["b", "d"], "d": 3}}), &json!({"a": {"b": 1, "d": 3}}));
        check(&document, &json!({"x": {"y": null, "z": [1]}}), &json!({"a": {"b": 1, "c": 2}, "x": {"z": [1]}}));
    }

    #[test]
    fn lists_are_merged_by_their_key() {
        let pod = |containers: Value| json!({"spec": {"containers": containers}});
        let old = pod(json!([{"name": "a", "image": "a:1", "args": ["x", "y"]}, {"name": "b"}]));
        let changed = json!([{"name": "a", "image": "a:2", "args": ["z"]}, {"name": "b"}]);
        check(&old, &pod(json!([{"name": "a", "image": "a:2", "args": ["z"]}])), &pod(changed));
        check(&old, &pod(json!([{"name": "a", "$patch": "delete"}])), &pod(json!([{"name": "b"}])));
        check(&old, &pod(json!([{"$patch": "replace"}, {"name": "c"}])), &pod(json!([{"name": "c"}])));
        check(&old, &pod(json!([{"name": "a", "$patch": "replace"}])), &pod(json!([{"name": "a"}, {"name": "b"}])));
        let ordered = json!({"spec": {"$setElementOrder/containers": [{"name": "c"}, {"name": "b"}], "containers": [{"name": "c"}]}});
        let expect = json!([{"name": "c"}, {"name": "b"}, {"name": "a", "image": "a:1", "args": ["x", "y"]}]);
        check(&old, &ordered, &pod(expect));
    }

    #[test]
    fn sets_are_united() {
        let document = json!({"metadata": {"finalizers": ["a", "b"]}});
        let change = json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["b", "c"]}});
        check(&document, &change, &json!({"metadata": {"finalizers": ["b", "c"]}}));
    }

    #[test]
    fn what_is_no_patch_is_refused() {
        for change in [json!([]), json!({"$patch": "burn"}), json!({"a": {"$retainKeys": 1}})] {
            assert!(strategic(&json!({"a": {}}), &change).is_err(), "{change}");
        }
    }
}
