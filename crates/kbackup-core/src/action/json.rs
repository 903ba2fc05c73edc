//! Reading and changing fields of an object's JSON. What is not there, or of another shape, is left alone.

use serde_json::Value;

use super::transform::TransformContext;

/// The text at a JSON pointer (RFC 6901).
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer)?.as_str()
}

/// The value of an annotation.
pub(super) fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object["metadata"]["annotations"][key].as_str()
}

/// The value of a label.
pub(super) fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object["metadata"]["labels"][key].as_str()
}

/// The elements of the array at a pointer.
pub(super) fn elements<'a>(object: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    object.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// The elements of the array at a pointer, to change.
pub(super) fn elements_mut<'a>(object: &'a mut Value, pointer: &str) -> impl Iterator<Item = &'a mut Value> {
    object.pointer_mut(pointer).and_then(Value::as_array_mut).into_iter().flatten()
}

/// Removes fields of the map at a pointer.
pub(super) fn remove(object: &mut Value, pointer: &str, keys: &[&str]) {
    if let Some(map) = object.pointer_mut(pointer).and_then(Value::as_object_mut) {
        for key in keys {
            map.remove(*key);
        }
    }
}

/// Removes entries of the map `field` of the map at a pointer, and the map itself where that empties it: an object that
/// never had annotations must not differ from one that lost its last.
pub(super) fn remove_entries(object: &mut Value, pointer: &str, field: &str, keys: &[&str]) {
    let Some(parent) = object.pointer_mut(pointer).and_then(Value::as_object_mut) else { return };
    let Some(map) = parent.get_mut(field).and_then(Value::as_object_mut) else { return };
    let before = map.len();
    for key in keys {
        map.remove(*key);
    }
    if map.is_empty() && before > 0 {
        parent.remove(field);
    }
}

/// Removes annotations.
pub(super) fn remove_annotations(object: &mut Value, keys: &[&str]) {
    remove_entries(object, "/metadata", "annotations", keys);
}

/// Keeps the elements of the array `field` of the map at a pointer that pass, and removes the array where none do.
pub(super) fn retain(object: &mut Value, pointer: &str, field: &str, keep: impl Fn(&Value) -> bool) {
    let Some(parent) = object.pointer_mut(pointer).and_then(Value::as_object_mut) else { return };
    let Some(list) = parent.get_mut(field).and_then(Value::as_array_mut) else { return };
    let before = list.len();
    list.retain(keep);
    if list.is_empty() && before > 0 {
        parent.remove(field);
    }
}

/// Replaces the name of a namespace at a pointer by its name in the target.
pub(super) fn map_namespace(object: &mut Value, pointer: &str, context: &TransformContext<'_>) {
    if let Some(value) = object.pointer_mut(pointer)
        && let Some(namespace) = value.as_str()
    {
        *value = context.spec.target_namespace(namespace).into();
    }
}
