//! Filters for single kinds: in the whole cluster, or in the place of all other filters in single namespaces.

use std::collections::{BTreeMap, BTreeSet};

use super::types::{Find, Words};
use crate::model::{Glob, Gvr, LabelSelector};
use crate::spec::{NamespacedFilter, ResourceFilter};

/// The filters of a spec, their words resolved.
#[derive(Debug, Clone, Default)]
pub(super) struct FineRules {
    cluster: Vec<FineRule>,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    names: BTreeSet<String>,
    globs: Vec<Glob>,
    rules: Vec<FineRule>,
}

#[derive(Debug, Clone)]
struct FineRule {
    /// By `plural.group`; `None`: all kinds that no other rule of the entry names.
    types: Option<BTreeSet<String>>,
    selectors: Vec<LabelSelector>,
    names: Vec<Glob>,
    excluded: Vec<Glob>,
}

/// What the filters say of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fine {
    /// Nothing: the other rules decide.
    Silent,
    /// It passes, and its labels were judged.
    Passes,
    /// It passes, and the selectors of the spec judge its labels.
    PassesByName,
    /// It is left out.
    Stopped,
}

impl FineRules {
    /// Resolves the filters of a spec. Gives the words that name no type, too.
    pub(super) fn resolve(
        of_cluster: &[ResourceFilter],
        of_namespaces: &[NamespacedFilter],
        find: &Find<'_>,
        all: &BTreeSet<String>,
    ) -> (Self, BTreeMap<&'static str, Vec<String>>) {
        let mut unknown: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        let mut rules = |field, filters: &[ResourceFilter]| -> Vec<FineRule> {
            filters
                .iter()
                .map(|filter| FineRule::resolve(filter, find, all, unknown.entry(field).or_default()))
                .collect()
        };
        let cluster = rules("clusterScopedFilters", of_cluster);
        let entries = of_namespaces.iter().map(|entry| {
            let (globs, names): (Vec<&String>, Vec<&String>) =
                entry.namespaces.iter().partition(|name| Glob::is_pattern(name));
            Entry {
                names: names.into_iter().cloned().collect(),
                globs: globs.into_iter().map(|glob| Glob::new(glob)).collect(),
                rules: rules("namespacedFilters", &entry.resource_filters),
            }
        });
        (Self { entries: entries.collect(), cluster }, unknown)
    }

    /// What they say of an object.
    pub(super) fn judge(
        &self,
        ty: &Gvr,
        namespace: Option<&str>,
        name: &str,
        labels: &BTreeMap<String, String>,
    ) -> Fine {
        if self.cluster.is_empty() && self.entries.is_empty() {
            return Fine::Silent;
        }
        let ty = ty.group_resource();
        match namespace {
            None => rule_for(&self.cluster, &ty).map_or(Fine::Silent, |rule| rule.judge(name, labels)),
            Some(namespace) => match self.entry(namespace) {
                None => Fine::Silent,
                Some(entry) => rule_for(&entry.rules, &ty).map_or(Fine::Stopped, |rule| rule.judge(name, labels)),
            },
        }
    }

    /// Whether some filter decides by the labels of objects of this type: then the server can't select for all.
    pub(super) fn judges_labels(&self, ty: &str) -> bool {
        let rules = self.cluster.iter().chain(self.entries.iter().flat_map(|entry| &entry.rules));
        rules
            .filter(|rule| rule.types.as_ref().is_none_or(|types| types.contains(ty)))
            .any(|rule| !rule.selectors.is_empty())
    }

    /// Whether a namespace has a filter of its own that lets objects of this type through.
    pub(super) fn admits(&self, ty: &str, namespace: &str) -> bool {
        self.entry(namespace).is_some_and(|entry| rule_for(&entry.rules, ty).is_some())
    }

    /// Whether any filter for namespaces lets objects of this type through.
    pub(super) fn admits_somewhere(&self, ty: &str) -> bool {
        self.entries.iter().any(|entry| rule_for(&entry.rules, ty).is_some())
    }

    fn entry(&self, namespace: &str) -> Option<&Entry> {
        let named = self.entries.iter().find(|entry| entry.names.contains(namespace));
        named.or_else(|| self.entries.iter().find(|entry| entry.globs.iter().any(|glob| glob.matches(namespace))))
    }
}

/// The rule that names the type, otherwise the one for all others.
fn rule_for<'a>(rules: &'a [FineRule], ty: &str) -> Option<&'a FineRule> {
    let names_it = |rule: &&FineRule| rule.types.as_ref().is_some_and(|types| types.contains(ty));
    rules.iter().find(names_it).or_else(|| rules.iter().find(|rule| rule.types.is_none()))
}

impl FineRule {
    fn resolve(filter: &ResourceFilter, find: &Find<'_>, all: &BTreeSet<String>, unknown: &mut Vec<String>) -> Self {
        let globs = |list: &[String]| list.iter().map(|name| Glob::new(name)).collect();
        let types = (!filter.is_catch_all()).then(|| {
            let words = Words::resolve(&filter.kinds, find, all);
            unknown.extend(words.unknown.iter().cloned());
            words.all().cloned().collect()
        });
        Self {
            types,
            selectors: filter.label_selector.iter().chain(&filter.or_label_selectors).cloned().collect(),
            names: globs(&filter.names),
            excluded: globs(&filter.excluded_names),
        }
    }

    fn judge(&self, name: &str, labels: &BTreeMap<String, String>) -> Fine {
        let fits = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(name));
        if fits(&self.excluded) || !(self.names.is_empty() || fits(&self.names)) {
            Fine::Stopped
        } else if self.selectors.is_empty() {
            Fine::PassesByName
        } else if self.selectors.iter().any(|selector| selector.matches(labels)) {
            Fine::Passes
        } else {
            Fine::Stopped
        }
    }
}
