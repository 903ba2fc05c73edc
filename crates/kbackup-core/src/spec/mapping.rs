//! Mappings of names: storage classes and images.

use std::collections::BTreeMap;

use super::Violation;

/// What is wrong with the names of storage classes.
pub(super) fn storage_class_violations(mapping: &BTreeMap<String, String>) -> Vec<Violation> {
    let names = mapping.iter().flat_map(|(from, to)| [from, to]);
    let broken = names.filter(|name| !is_class_name(name));
    let rule = "at most 253 lower-case letters, digits, \"-\" and \".\" are allowed";
    let message = |name: &String| format!("\"{name}\" cannot be a storage class: {rule}");
    broken.map(|name| Violation::new("storageClassMapping", message(name))).collect()
}

/// What is wrong with the texts of images.
pub(super) fn image_violations(mapping: &BTreeMap<String, String>) -> Vec<Violation> {
    let blank = |text: &str| text.is_empty() || text.contains(char::is_whitespace);
    let broken = mapping.iter().filter(|(from, to)| blank(from) || blank(to));
    let rule = "neither may be empty or hold spaces";
    let message = |from: &str, to: &str| format!("\"{from}\" to \"{to}\" cannot be parts of an image's name: {rule}");
    broken.map(|(from, to)| Violation::new("imageMapping", message(from, to))).collect()
}

/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names>
fn is_class_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    name.len() <= 253 && name.chars().all(allowed) && edge(name.chars().next()) && edge(name.chars().last())
}
