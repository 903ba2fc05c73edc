//! The rules on selection that a backup and a restore share.

use std::collections::BTreeSet;

use super::Violation;
use crate::model::LabelSelector;

/// The selecting fields of a spec: (included, excluded) lists and selectors.
pub(super) struct SelectionFields<'a> {
    pub(super) namespaces: (&'a [String], &'a [String]),
    pub(super) resources: (&'a [String], &'a [String]),
    pub(super) selector: Option<&'a LabelSelector>,
    pub(super) or_selectors: &'a [LabelSelector],
}

/// All that is wrong with them, as far as it can be known without a cluster.
pub(super) fn selection_violations(fields: &SelectionFields<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let (included, excluded) = fields.namespaces;
    list_violations(&mut found, "includedNamespaces", "excludedNamespaces", included, excluded);
    for (field, list) in [("includedNamespaces", included), ("excludedNamespaces", excluded)] {
        extend(&mut found, field, list.iter().filter_map(|pattern| namespace_violation(pattern)).collect());
    }
    let (included, excluded) = fields.resources;
    list_violations(&mut found, "includedResources", "excludedResources", included, excluded);
    if let Some(selector) = fields.selector {
        extend(&mut found, "labelSelector", selector.violations());
        if !fields.or_selectors.is_empty() {
            found.push(Violation::new(
                "orLabelSelectors",
                "give either one labelSelector or orLabelSelectors, not both",
            ));
        }
    }
    for selector in fields.or_selectors {
        extend(&mut found, "orLabelSelectors", selector.violations());
    }
    found
}

fn extend(violations: &mut Vec<Violation>, field: &'static str, messages: Vec<String>) {
    violations.extend(messages.into_iter().map(|message| Violation::new(field, message)));
}

/// Velero's rules: `*` stands alone among the included, never among the excluded, and nothing is in both.
pub(super) fn list_violations(
    found: &mut Vec<Violation>,
    included_field: &'static str,
    excluded_field: &'static str,
    included: &[String],
    excluded: &[String],
) {
    if excluded.iter().any(|name| name == "*") {
        found.push(Violation::new(excluded_field, "\"*\" would leave everything out"));
    }
    shared_list_violations(found, (included_field, included), (excluded_field, excluded));
}

/// As [`list_violations`], for the lists of one scope: there `*` may leave out all of it, where nothing is included.
pub(super) fn scope_violations(
    found: &mut Vec<Violation>,
    included: (&'static str, &[String]),
    excluded: (&'static str, &[String]),
) {
    if excluded.1.iter().any(|name| name == "*") {
        if excluded.1.len() > 1 {
            found.push(Violation::new(excluded.0, "\"*\" leaves everything out, so it must stand alone"));
        }
        if !included.1.is_empty() {
            let rule = "\"*\" leaves everything out, so nothing can be included";
            found.push(Violation::new(excluded.0, format!("{rule} in {}", included.0)));
        }
    }
    shared_list_violations(found, included, excluded);
}

fn shared_list_violations(
    found: &mut Vec<Violation>,
    (included_field, included): (&'static str, &[String]),
    (excluded_field, excluded): (&'static str, &[String]),
) {
    if included.len() > 1 && included.iter().any(|name| name == "*") {
        found.push(Violation::new(included_field, "\"*\" takes everything, so it must stand alone"));
    }
    for (field, list) in [(included_field, included), (excluded_field, excluded)] {
        if list.iter().any(|name| name.trim().is_empty()) {
            found.push(Violation::new(field, "there is an empty name in the list"));
        }
    }
    let excluded: BTreeSet<&String> = excluded.iter().collect();
    for name in included.iter().filter(|name| excluded.contains(name)) {
        found.push(Violation::new(included_field, format!("\"{name}\" is in {excluded_field} too")));
    }
}

pub(super) fn namespace_violation(pattern: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '*' | '?' | '[' | ']');
    if pattern.contains("**") {
        return Some(format!("\"{pattern}\": \"**\" means nothing in a namespace; write \"*\""));
    }
    if !pattern.chars().all(allowed) || pattern.len() > 63 {
        return Some(format!(
            "\"{pattern}\" cannot be a namespace: lower-case letters, digits, \"-\" and the globs *, ? and [a-z] are allowed"
        ));
    }
    (!crate::model::Glob::is_balanced(pattern))
        .then(|| format!("\"{pattern}\": a \"[\" needs its \"]\" and something between them"))
}
