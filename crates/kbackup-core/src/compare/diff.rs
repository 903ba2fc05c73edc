//! What differs between two snapshots, in words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use super::canonical::canonical;
use super::changes::{Change, changes};
use super::snapshot::Snapshot;

/// How many differing fields of one object are told.
const FIELDS_MAX: usize = 8;
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
    /// Fields of an object that are not as they were.
    Changed(String, Vec<Change>),
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
        let fields = changes(old, new);
        (!fields.is_empty()).then(|| Difference::Changed(name.to_owned(), fields))
    };
    old.iter().zip(new).filter_map(changed).collect()
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
                for change in fields.iter().take(FIELDS_MAX) {
                    match is_secret(name) {
                        true => write!(f, "\n    {}", change.clone().without_values())?,
                        false => write!(f, "\n    {change}")?,
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
