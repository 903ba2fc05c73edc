//! Each rule is one row: a spec, what there is, what comes of it.

mod backup;
mod laws;
mod restore;
mod scopes;

use std::collections::BTreeMap;

use super::{NamespaceInfo, Rules, Verdict};
use crate::issue::Issue;
use crate::model::{BrokenGroup, Discovery, Gvr, ResourceType, Verb};

/// `plural.group`, kind, short name, whether namespaced; a `*` marks a type that can only be read.
const TYPES: &[(&str, &str, &str, bool)] = &[
    ("namespaces", "Namespace", "ns", false),
    ("pods", "Pod", "po", true),
    ("configmaps", "ConfigMap", "cm", true),
    ("secrets", "Secret", "", true),
    ("nodes", "Node", "no", false),
    ("persistentvolumes", "PersistentVolume", "pv", false),
    ("events", "Event", "ev", true),
    ("events.events.k8s.io", "Event", "ev", true),
    ("deployments.apps", "Deployment", "deploy", true),
    ("leases.coordination.k8s.io", "Lease", "", true),
    ("clusterroles.rbac.authorization.k8s.io", "ClusterRole", "", false),
    ("widgets.example.com", "Widget", "", true),
    ("gadgets.example.com", "Gadget", "", false),
    ("componentstatuses*", "ComponentStatus", "cs", false),
    ("pods.metrics.k8s.io*", "PodMetrics", "", true),
    ("customresourcedefinitions.apiextensions.k8s.io", "CustomResourceDefinition", "crd", false),
    ("tokenreviews.authentication.k8s.io", "TokenReview", "", false),
];

fn gvr(group_resource: &str) -> Gvr {
    let (plural, group) = group_resource.split_once('.').unwrap_or((group_resource, ""));
    Gvr::new(group, "v1", plural)
}

/// A cluster that serves [`TYPES`], an old version of Deployments, and groups that do not answer.
fn discovery(broken: &[&str]) -> Discovery {
    let ty = |(name, kind, short, namespaced): &(&str, &str, &str, bool)| ResourceType {
        gvr: gvr(name.trim_end_matches('*')),
        kind: (*kind).to_owned(),
        singular: kind.to_lowercase(),
        short_names: Some((*short).to_owned()).filter(|short| !short.is_empty()).into_iter().collect(),
        categories: Vec::new(),
        namespaced: *namespaced,
        verbs: if name.ends_with('*') {
            vec![Verb::Get, Verb::List]
        } else {
            vec![Verb::Create, Verb::Delete, Verb::Get, Verb::List]
        },
        has_status: false,
        preferred: true,
    };
    let mut types: Vec<ResourceType> = TYPES.iter().map(ty).collect();
    types.push(ResourceType { gvr: Gvr::new("apps", "v1beta1", "deployments"), preferred: false, ..types[8].clone() });
    let group = |name: &&str| BrokenGroup { group_version: format!("{name}/v1"), message: "503".to_owned() };
    Discovery::new(types, broken.iter().map(group).collect())
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn namespace(name: &str, pairs: &[(&str, &str)]) -> NamespaceInfo {
    NamespaceInfo { name: name.to_owned(), labels: labels(pairs) }
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The verdict on `type/name` or `type/namespace/name`.
fn verdict(rules: &Rules, object: &str, pairs: &[(&str, &str)]) -> Verdict {
    let (ty, rest) = object.split_once('/').expect("a type and a name");
    let (namespace, name) = rest.split_once('/').map_or((None, rest), |(namespace, name)| (Some(namespace), name));
    rules.verdict(&gvr(ty), namespace, name, &labels(pairs))
}

fn messages(issues: &[Issue]) -> Vec<String> {
    issues.iter().map(Issue::to_string).collect()
}
