//! Filters for single kinds, in the whole cluster or in single namespaces.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Violation;
use crate::model::LabelSelector;

/// Which objects of some kinds are taken. Field names and meanings are those of Velero's filter policies.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ResourceFilter {
    /// The kinds, in all the words that name types; globs too. In a filter for namespaces, none or `*` is every kind that
    /// no other filter of the entry names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// Only objects whose labels match, whatever the selectors of the spec say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<LabelSelector>,
    /// Only objects whose labels match one of these. Not together with `labelSelector`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub or_label_selectors: Vec<LabelSelector>,
    /// Only objects of these names, or globs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// No objects of these names, or globs. They win over `names`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_names: Vec<String>,
}

/// What is taken in some namespaces, in the place of what the spec takes of namespaced types: only objects that one of
/// the filters lets through.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NamespacedFilter {
    /// The namespaces, by name or glob. A namespace belongs to the entry that has its name, otherwise to the first whose
    /// glob fits.
    pub namespaces: Vec<String>,
    /// The filters, each for some kinds.
    pub resource_filters: Vec<ResourceFilter>,
}

impl ResourceFilter {
    /// Whether it is for every kind that no other filter names.
    #[must_use]
    pub fn is_catch_all(&self) -> bool {
        self.kinds.is_empty() || self.kinds == ["*"]
    }
}

/// All that is wrong with the filters of a spec, as far as it can be known without a cluster.
pub(super) fn filter_violations(of_cluster: &[ResourceFilter], of_namespaces: &[NamespacedFilter]) -> Vec<Violation> {
    let mut found = Vec::new();
    let field = "clusterScopedFilters";
    for (number, filter) in (1..).zip(of_cluster) {
        if filter.is_catch_all() {
            found.push(Violation::new(field, format!("filter {number} names no kinds: name those that it is for")));
        }
        found.extend(one_filter(field, &format!("filter {number}"), filter));
    }
    let field = "namespacedFilters";
    for (number, entry) in (1..).zip(of_namespaces) {
        if entry.namespaces.is_empty() {
            found.push(Violation::new(field, format!("entry {number} names no namespaces")));
        }
        found.extend(entry.namespaces.iter().filter_map(|pattern| {
            super::selection::namespace_violation(pattern).map(|why| Violation::new(field, why))
        }));
        found.extend(filters_of_entry(field, number, entry));
    }
    found
        .extend(twice(of_namespaces).map(|name| {
            Violation::new(field, format!("\"{name}\" is in two entries: say in one what is taken there"))
        }));
    found
}

fn filters_of_entry(field: &'static str, number: usize, entry: &NamespacedFilter) -> Vec<Violation> {
    let mut found = Vec::new();
    if entry.resource_filters.iter().filter(|filter| filter.is_catch_all()).count() > 1 {
        found.push(Violation::new(field, format!("entry {number} has two filters for all other kinds")));
    }
    for (filter_number, filter) in (1..).zip(&entry.resource_filters) {
        let place = format!("entry {number}, filter {filter_number}");
        if filter.is_catch_all() && !(filter.names.is_empty() && filter.excluded_names.is_empty()) {
            let rule = "a filter for all other kinds can't choose by name: name the kinds";
            found.push(Violation::new(field, format!("{place}: {rule}")));
        }
        found.extend(one_filter(field, &place, filter));
    }
    found
}

fn one_filter(field: &'static str, place: &str, filter: &ResourceFilter) -> Vec<Violation> {
    let mut found = Vec::new();
    if filter.label_selector.is_some() && !filter.or_label_selectors.is_empty() {
        found.push(format!("{place}: give either one labelSelector or orLabelSelectors, not both"));
    }
    let selectors = filter.label_selector.iter().chain(&filter.or_label_selectors);
    found.extend(selectors.flat_map(LabelSelector::violations).map(|why| format!("{place}: {why}")));
    let names = filter.kinds.iter().chain(&filter.names).chain(&filter.excluded_names);
    if names.clone().any(|name| name.trim().is_empty()) {
        found.push(format!("{place}: there is an empty name in a list"));
    }
    found.into_iter().map(|message| Violation::new(field, message)).collect()
}

/// Names that stand in more than one entry.
fn twice(entries: &[NamespacedFilter]) -> impl Iterator<Item = &String> {
    let mut seen = BTreeSet::new();
    let names = entries.iter().flat_map(|entry| entry.namespaces.iter().collect::<BTreeSet<_>>());
    names.filter(move |name| !seen.insert(*name))
}

#[cfg(test)]
mod tests {
    use crate::spec::BackupSpec;

    fn violations(spec: &str) -> Vec<String> {
        let spec: BackupSpec = serde_json::from_str(spec).expect("a spec");
        spec.validate().err().map(|found| found.0.iter().map(ToString::to_string).collect()).unwrap_or_default()
    }

    #[test]
    fn scopes_and_filters_follow_their_rules() {
        let none: &[&str] = &[];
        for (spec, expect) in [
            (r#"{"includedClusterScopedResources": ["*"], "excludedNamespaceScopedResources": ["*"]}"#, none),
            (
                r#"{"includedResources": ["pods"], "includedClusterScopedResources": ["nodes"]}"#,
                &[
                    "includedResources: includedResources, excludedResources and includeClusterResources can't be used together with the scoped lists of types: choose one way",
                ],
            ),
            (
                r#"{"includeClusterResources": true, "clusterScopedFilters": [{"kinds": ["nodes"]}]}"#,
                &[
                    "includedResources: includedResources, excludedResources and includeClusterResources can't be used together with filters for single kinds: choose one way",
                ],
            ),
            (
                r#"{"includedClusterScopedResources": ["nodes", "*"]}"#,
                &["includedClusterScopedResources: \"*\" takes everything, so it must stand alone"],
            ),
            (
                r#"{"includedClusterScopedResources": ["nodes"], "excludedClusterScopedResources": ["*", "crd"]}"#,
                &[
                    "excludedClusterScopedResources: \"*\" leaves everything out, so it must stand alone",
                    "excludedClusterScopedResources: \"*\" leaves everything out, so nothing can be included in includedClusterScopedResources",
                ],
            ),
            (
                r#"{"includedNamespaceScopedResources": ["po"], "excludedNamespaceScopedResources": ["po"]}"#,
                &["includedNamespaceScopedResources: \"po\" is in excludedNamespaceScopedResources too"],
            ),
            (
                r#"{"clusterScopedFilters": [{"names": ["a"]}]}"#,
                &["clusterScopedFilters: filter 1 names no kinds: name those that it is for"],
            ),
            (
                r#"{"clusterScopedFilters": [{"kinds": ["nodes"], "names": [""], "labelSelector": {}, "orLabelSelectors": [{}]}]}"#,
                &[
                    "clusterScopedFilters: filter 1: give either one labelSelector or orLabelSelectors, not both",
                    "clusterScopedFilters: filter 1: there is an empty name in a list",
                ],
            ),
            (
                r#"{"namespacedFilters": [{"namespaces": ["a", "b"]}, {"namespaces": ["b"], "resourceFilters": [{"names": ["x"]}, {"kinds": ["*"]}]}]}"#,
                &[
                    "namespacedFilters: entry 2 has two filters for all other kinds",
                    "namespacedFilters: entry 2, filter 1: a filter for all other kinds can't choose by name: name the kinds",
                    "namespacedFilters: \"b\" is in two entries: say in one what is taken there",
                ],
            ),
            (
                r#"{"namespacedFilters": [{"resourceFilters": []}]}"#,
                &["namespacedFilters: entry 1 names no namespaces"],
            ),
            (
                r#"{"namespacedFilters": [{"namespaces": ["A"]}]}"#,
                &[
                    "namespacedFilters: \"A\" cannot be a namespace: lower-case letters, digits, \"-\" and the globs *, ? and [a-z] are allowed",
                ],
            ),
        ] {
            assert_eq!(violations(spec), expect, "{spec}");
        }
    }
}
