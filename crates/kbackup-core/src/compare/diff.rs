//! What differs between two snapshots, in words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use super::canonical::canonical;
use super::snapshot::Snapshot;

/// How many differing fields of one object are told.
const FIELDS_MAX: usize = 8;
/// How many characters of a value are told.
const VALUE_CHARS_MAX: usize = 160;

/// The result of a comparison.
#[derive(Debug, Default)]
pub struct Comparison {
    /// How many objects were compared.
    pub objects: usize,
    /// What differs.
    pub differences: Vec<Difference>,
    /// How many fields were ignored, by the reason.
    pub ignored: BTreeMap<&'static str, usize>,
}

/// An object that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Of these objects there were more before.
    Missing(String, usize),
    /// Of these objects there were fewer before.
    Unexpected(String, usize),
    /// Fields of an object that are not as they were: the path, the value before, the value after.
    Changed(String, Vec<(String, Value, Value)>),
}

/// Compares two snapshots: see [the module](super).
#[must_use]
pub fn compare(before: &Snapshot, after: &Snapshot) -> Comparison {
    let mut ignored = BTreeMap::new();
    let (old, new) = (canonical(before, &mut ignored), canonical(after, &mut BTreeMap::new()));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let none = Vec::new();
    let differences = names
        .into_iter()
        .flat_map(|name| differ(name, old.get(name).unwrap_or(&none), new.get(name).unwrap_or(&none)))
        .collect();
    Comparison { objects: before.objects.len(), differences, ignored }
}

fn differ(name: &str, old: &[Value], new: &[Value]) -> Vec<Difference> {
    if old.len() > new.len() {
        return vec![Difference::Missing(name.to_owned(), old.len() - new.len())];
    }
    if old.len() < new.len() {
        return vec![Difference::Unexpected(name.to_owned(), new.len() - old.len())];
    }
    let changed = |(old, new): (&Value, &Value)| {
        let mut fields = Vec::new();
        walk("", old, new, &mut fields);
        (!fields.is_empty()).then(|| Difference::Changed(name.to_owned(), fields))
    };
    old.iter().zip(new).filter_map(changed).collect()
}

fn walk(path: &str, old: &Value, new: &Value, found: &mut Vec<(String, Value, Value)>) {
    match (old, new) {
        (Value::Object(a), Value::Object(b)) => {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                walk(&format!("{path}/{name}"), &old[name.as_str()], &new[name.as_str()], found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (old, new)) in a.iter().zip(b).enumerate() {
                walk(&format!("{path}/{index}"), old, new, found);
            }
        }
        _ if old != new => found.push((path.to_owned(), old.clone(), new.clone())),
        _ => {}
    }
}

impl Comparison {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.differences.is_empty()
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} objects compared, {} differ", self.objects, self.differences.len())?;
        self.differences.iter().try_for_each(|difference| writeln!(f, "{difference}"))?;
        self.ignored.iter().try_for_each(|(reason, fields)| writeln!(f, "ignored {fields}×: {reason}"))
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name, count) => write!(f, "missing: {name} ({count})"),
            Self::Unexpected(name, count) => write!(f, "unexpected: {name} ({count})"),
            Self::Changed(name, fields) => {
                write!(f, "changed: {name}")?;
                for (path, old, new) in fields.iter().take(FIELDS_MAX) {
                    match is_secret(name) {
                        true => write!(f, "\n    {path} (its values are not shown)")?,
                        false => write!(f, "\n    {path}: {} -> {}", short(old), short(new))?,
                    }
                }
                let more = fields.len().saturating_sub(FIELDS_MAX);
                if more > 0 { write!(f, "\n    and {more} more fields") } else { Ok(()) }
            }
        }
    }
}

/// Whether the values of an object are nobody's business.
fn is_secret(name: &str) -> bool {
    name.starts_with("secrets/")
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
