//! The fields in which two objects differ.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many characters of a value are told.
const VALUE_CHARS_MAX: usize = 160;

/// A field that has another value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Where it is: a JSON pointer (RFC 6901).
    pub path: String,
    /// Its value before; not given where it is not there, or where it is nobody's business.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub before: Value,
    /// Its value after, likewise.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub after: Value,
}

/// Every field in which two objects differ, in the order of their paths. Lists of the same length are compared element by
/// element, others as a whole.
///
/// ```
/// use kbackup_core::compare::changes;
/// use serde_json::json;
///
/// let found = changes(&json!({ "data": { "a": "1" } }), &json!({ "data": { "a": "2" } }));
/// assert_eq!(found[0].to_string(), "/data/a: \"1\" -> \"2\"");
/// ```
#[must_use]
pub fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    walk("", before, after, &mut found);
    found
}

impl Change {
    /// The same without the values.
    #[must_use]
    pub fn without_values(self) -> Self {
        Self { path: self.path, before: Value::Null, after: Value::Null }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.before.is_null() && self.after.is_null() {
            return write!(f, "{} (its values are not shown)", self.path);
        }
        let told = |value: &Value| if value.is_null() { "(none)".to_owned() } else { short(value) };
        write!(f, "{}: {} -> {}", self.path, told(&self.before), told(&self.after))
    }
}

fn walk(path: &str, old: &Value, new: &Value, found: &mut Vec<Change>) {
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                let escaped = name.replace('~', "~0").replace('/', "~1");
                walk(&format!("{path}/{escaped}"), &old[name.as_str()], &new[name.as_str()], found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (old, new)) in a.iter().zip(b).enumerate() {
                walk(&format!("{path}/{index}"), old, new, found);
            }
        }
        _ if old != new => {
            found.push(Change { path: path.to_owned(), before: old.clone(), after: new.clone() });
        }
        _ => {}
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
