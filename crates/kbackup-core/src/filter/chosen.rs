//! Which types a backup takes: from the words of its spec, of either style, to a rule for each type.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::fine::FineRules;
use super::names::{did_you_mean, takes_every_name};
use super::never::{is_measurement, never_taken, twin};
use super::rules::{ClusterObjects, Reason, TypeRule, is_namespace};
use super::types::{Chosen, Find, TypeChoice, Words};
use crate::issue::{Code, Issue, Stage};
use crate::model::{BrokenGroup, Discovery, Glob, ResourceType};
use crate::spec::{BackupSpec, Violation};

/// What a spec says of types.
#[derive(Debug)]
pub(super) struct ChosenTypes {
    style: Style,
    pub(super) fine: FineRules,
    /// Words that name nothing, by the field that they are in.
    unknown: Vec<(&'static str, String)>,
    /// Words of a scoped list that name types of the other scope.
    misplaced: Vec<Violation>,
}

#[derive(Debug)]
enum Style {
    /// One pair of lists for all types.
    OfAll { choice: TypeChoice, cluster: ClusterObjects },
    /// A pair of lists for each scope.
    Scoped { cluster: TypeChoice, namespaced: TypeChoice, takes_all: bool },
}

impl ChosenTypes {
    /// Resolves the words of a spec on what a cluster serves. `types` are those that a backup can hold.
    pub(super) fn resolve(spec: &BackupSpec, discovery: &Discovery, types: &[Arc<ResourceType>]) -> Self {
        let all: BTreeSet<String> = types.iter().map(|ty| ty.gvr.group_resource()).collect();
        let find = |word: &str| find(word, discovery, &all);
        let (fine, unknown) = FineRules::resolve(&spec.cluster_scoped_filters, &spec.namespaced_filters, &find, &all);
        let unknown = unknown.into_iter().flat_map(|(field, words)| words.into_iter().map(move |word| (field, word)));
        let mut chosen = Self {
            style: Style::OfAll {
                choice: TypeChoice::resolve((&spec.included_resources, &spec.excluded_resources), &find, &all),
                cluster: ClusterObjects::new(spec.include_cluster_resources, spec.takes_all_namespaces()),
            },
            fine,
            unknown: unknown.collect(),
            misplaced: Vec::new(),
        };
        if spec.is_scoped() {
            chosen.style = scoped(spec, types, &find);
            chosen.misplaced = misplaced(spec, types, &find);
        }
        for (field, words) in chosen.style.lists() {
            chosen.unknown.extend(words.unknown.iter().map(|word| (field, word.clone())));
        }
        chosen
    }

    /// What the spec says of one type.
    pub(super) fn rule(&self, ty: &ResourceType) -> TypeRule {
        let name = ty.gvr.group_resource();
        let rule = match &self.style {
            Style::OfAll { choice, cluster } => TypeRule::new(&ty.gvr, ty.namespaced, choice.of(&name), *cluster),
            Style::Scoped { namespaced, .. } if ty.namespaced => {
                TypeRule::new(&ty.gvr, true, namespaced.of(&name), ClusterObjects::All)
            }
            Style::Scoped { cluster, takes_all, .. } => scoped_rule(ty, cluster.of(&name), *takes_all),
        };
        match rule {
            // A filter for namespaces of its own replaces what the lists include; what they exclude stays out.
            TypeRule::Leave(Reason::TypeNotIncluded) if ty.namespaced && self.fine.admits_somewhere(&name) => {
                TypeRule::InNamespaces { but: None, elsewhere: Some(Reason::TypeNotIncluded) }
            }
            other => other,
        }
    }

    /// Every word that names no type, or none that a backup can hold, or one of another scope than its list.
    pub(super) fn violations(&self, discovery: &Discovery) -> Vec<Violation> {
        // Nobody knows what a group serves that does not answer: that is an issue of its own.
        let is_broken = |word: &String| discovery.broken().iter().any(|broken| covers(word, group_of(broken)));
        let unknown = self.unknown.iter().filter(|(_, word)| !is_broken(word)).map(|(field, word)| {
            let near = did_you_mean(&discovery.nearest(word));
            Violation::new(field, format!("the cluster serves no type \"{word}\"{near}"))
        });
        let untakable = discovery.preferred().filter_map(|ty| {
            let why = never_taken(ty)?;
            let name = ty.gvr.group_resource();
            let (field, _) = self.style.included().into_iter().find(|(_, words)| words.names(&name))?;
            Some(Violation::new(field, format!("\"{ty}\" cannot be in a backup: it {why}")))
        });
        unknown.chain(untakable).chain(self.misplaced.iter().cloned()).collect()
    }

    /// What was asked for and fits nothing today, and groups that do not answer.
    pub(super) fn issues(&self, spec: &BackupSpec, discovery: &Discovery) -> Vec<Issue> {
        let idle = self.style.included().into_iter().flat_map(|(_, words)| &words.idle).map(|pattern| {
            let message = format!("no type of the cluster fits \"{pattern}\": nothing is taken for it");
            Issue::warning(Stage::Select, Code::NotFound, message)
        });
        idle.chain(discovery.broken().iter().filter_map(|group| self.broken_issue(spec, group))).collect()
    }

    /// An error where types of the group were asked for and may be missing from the backup; only a warning for
    /// measurements, which no backup holds; nothing where the group was not asked for.
    fn broken_issue(&self, spec: &BackupSpec, broken: &BrokenGroup) -> Option<Issue> {
        let group = group_of(broken);
        let any_covers = |list: &[String]| list.iter().any(|word| covers(word, group));
        let included = [
            &spec.included_resources,
            &spec.included_cluster_scoped_resources,
            &spec.included_namespace_scoped_resources,
        ];
        let asked = self.style.includes_everything() || included.into_iter().any(|list| any_covers(list));
        // What is left out in one scope alone may still be asked for in the other.
        let (of_cluster, of_namespaces) =
            (&spec.excluded_cluster_scoped_resources, &spec.excluded_namespace_scoped_resources);
        let left_out = any_covers(&spec.excluded_resources) || (any_covers(of_cluster) && any_covers(of_namespaces));
        if !asked || left_out {
            return None;
        }
        let what = format!("the API group {} does not answer", broken.group_version);
        let why = &broken.message;
        Some(if is_measurement(group) {
            let message = format!("{what}: {why}; no backup holds its objects");
            Issue::warning(Stage::Discover, Code::BrokenApiGroup, message)
        } else {
            let message =
                format!("{what}, so its types are not in the backup: {why}; exclude \"*.{group}\" to do without");
            Issue::error(Stage::Discover, Code::BrokenApiGroup, message)
        })
    }
}

impl Style {
    /// The lists, each with its field.
    fn lists(&self) -> Vec<(&'static str, &Words)> {
        match self {
            Self::OfAll { choice, .. } => {
                vec![("includedResources", &choice.included), ("excludedResources", &choice.excluded)]
            }
            Self::Scoped { cluster, namespaced, .. } => vec![
                ("includedClusterScopedResources", &cluster.included),
                ("excludedClusterScopedResources", &cluster.excluded),
                ("includedNamespaceScopedResources", &namespaced.included),
                ("excludedNamespaceScopedResources", &namespaced.excluded),
            ],
        }
    }

    fn included(&self) -> Vec<(&'static str, &Words)> {
        self.lists().into_iter().filter(|(field, _)| field.starts_with("included")).collect()
    }

    fn includes_everything(&self) -> bool {
        match self {
            Self::OfAll { choice, .. } => choice.includes_everything(),
            Self::Scoped { namespaced, .. } => namespaced.includes_everything(),
        }
    }
}

/// The types that a backup can hold: the preferred version of each, no type whose twin is served.
pub(super) fn takable(discovery: &Discovery) -> Vec<Arc<ResourceType>> {
    let served: BTreeSet<String> = discovery.preferred().map(|ty| ty.gvr.group_resource()).collect();
    let has_twin = |ty: &ResourceType| twin(&ty.gvr.group_resource()).is_some_and(|twin| served.contains(twin));
    discovery.preferred().filter(|ty| never_taken(ty).is_none() && !has_twin(ty)).cloned().collect()
}

/// The types that a word names, by `plural.group`.
fn find(word: &str, discovery: &Discovery, all: &BTreeSet<String>) -> Vec<String> {
    let own_or_twin = |ty: &Arc<ResourceType>| {
        let name = ty.gvr.group_resource();
        twin(&name).filter(|twin| all.contains(*twin)).map_or(name, str::to_owned)
    };
    let (mut found, others): (Vec<String>, Vec<String>) =
        discovery.find(word).into_iter().map(own_or_twin).partition(|name| all.contains(name));
    // "pods" names what metrics.k8s.io serves under that name too. A word that names nothing else is kept: whoever asks
    // for such a type shall learn why it is not in the backup.
    if found.is_empty() {
        found = others;
    }
    found
}

fn scoped(spec: &BackupSpec, types: &[Arc<ResourceType>], find: &Find<'_>) -> Style {
    let of_scope = |namespaced: bool| -> BTreeSet<String> {
        types.iter().filter(|ty| ty.namespaced == namespaced).map(|ty| ty.gvr.group_resource()).collect()
    };
    let (cluster, namespaced) = (
        (&spec.included_cluster_scoped_resources[..], &spec.excluded_cluster_scoped_resources[..]),
        (&spec.included_namespace_scoped_resources[..], &spec.excluded_namespace_scoped_resources[..]),
    );
    Style::Scoped {
        // A backup of all namespaces with all that is in them, and no word on the cluster's own types: of everything.
        takes_all: cluster.0 == ["*"]
            || (spec.takes_all_namespaces()
                && cluster.0.is_empty()
                && takes_every_name(namespaced.0)
                && namespaced.1.is_empty()),
        cluster: TypeChoice::resolve(cluster, find, &of_scope(false)),
        namespaced: TypeChoice::resolve(namespaced, find, &of_scope(true)),
    }
}

/// A type of the cluster is taken where it is listed, or with everything. Otherwise its objects come with those that need
/// them, unless it is excluded.
fn scoped_rule(ty: &ResourceType, chosen: Chosen, takes_all: bool) -> TypeRule {
    match chosen {
        Chosen::Excluded => TypeRule::Leave(Reason::TypeExcluded),
        _ if is_namespace(&ty.gvr) => TypeRule::Namespaces { included: true },
        Chosen::Named | Chosen::Fitted => TypeRule::OfCluster,
        Chosen::Taken if takes_all => TypeRule::OfCluster,
        Chosen::Taken | Chosen::NotIncluded => TypeRule::IfNeeded,
    }
}

/// Words that name types of the other scope only: nothing would be taken, or left out, for them.
fn misplaced(spec: &BackupSpec, types: &[Arc<ResourceType>], find: &Find<'_>) -> Vec<Violation> {
    let namespaced: BTreeMap<String, bool> = types.iter().map(|ty| (ty.gvr.group_resource(), ty.namespaced)).collect();
    let lists = [
        ("includedClusterScopedResources", &spec.included_cluster_scoped_resources, false),
        ("excludedClusterScopedResources", &spec.excluded_cluster_scoped_resources, false),
        ("includedNamespaceScopedResources", &spec.included_namespace_scoped_resources, true),
        ("excludedNamespaceScopedResources", &spec.excluded_namespace_scoped_resources, true),
    ];
    let mut found = Vec::new();
    for (field, list, expected) in lists {
        for word in list.iter().filter(|word| !Glob::is_pattern(word)) {
            let scopes: BTreeSet<bool> = find(word).iter().filter_map(|name| namespaced.get(name)).copied().collect();
            if !scopes.is_empty() && !scopes.contains(&expected) {
                let (is, other) = if expected { ("of the cluster", "Cluster") } else { ("in namespaces", "Namespace") };
                let other = format!("{}{other}ScopedResources", &field[..8]);
                found.push(Violation::new(field, format!("the objects of \"{word}\" are {is}: put it into {other}")));
            }
        }
    }
    found
}

fn group_of(broken: &BrokenGroup) -> &str {
    broken.group_version.split('/').next().unwrap_or_default()
}

/// Whether a word of a list of types may name one of the group.
fn covers(word: &str, group: &str) -> bool {
    let suffix = word.split_once('.').map_or("", |(_, suffix)| suffix);
    suffix == group || (Glob::is_pattern(word) && Glob::new(word).matches(&format!("x.{group}")))
}
