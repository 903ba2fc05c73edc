//! What a restore brings back of a backup.

use std::collections::{BTreeMap, BTreeSet};

use super::fine::FineRules;
use super::names::{NamespaceRules, did_you_mean, unmatched};
use super::never::never_restored_rows;
use super::rules::{ClusterObjects, NameRule, Reason, Rules, TypeRule};
use super::types::{Chosen, TypeChoice};
use crate::issue::{Code, Issue, Stage};
use crate::model::{Discovery, Glob, Gvr, nearest};
use crate::spec::{RestoreSpec, Violation, Violations};

/// What a [`RestoreSpec`] comes to for one backup.
///
/// ```
/// use kbackup_core::filter::{ArchivedType, RestoreSelection, Verdict};
/// use kbackup_core::model::{Discovery, Gvr};
/// use kbackup_core::spec::RestoreSpec;
///
/// let pods = Gvr::new("", "v1", "pods");
/// let types = [ArchivedType { gvr: pods.clone(), namespaced: true }];
/// let spec = RestoreSpec::from_backup("nightly".parse().unwrap()).namespaces(["shop"]);
/// let selection = RestoreSelection::resolve(&spec, &types, &["shop".to_owned()], &Discovery::default())?;
/// assert_eq!(selection.rules.verdict(&pods, Some("shop"), "web", &[].into()), Verdict::Take);
/// # Ok::<(), kbackup_core::spec::Violations>(())
/// ```
#[derive(Debug, Clone)]
pub struct RestoreSelection {
    /// Which objects are chosen, by their type, namespace and name in the backup.
    pub rules: Rules,
    /// The chosen namespaces of the backup, in the order they were given in.
    pub namespaces: Vec<String>,
    /// The types whose status is restored, by `plural.group`.
    pub status: BTreeSet<String>,
    /// What was asked for and is not in the backup.
    pub issues: Vec<Issue>,
}

/// A type that the backup holds objects of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedType {
    /// Group, version and plural, as they were read.
    pub gvr: Gvr,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

impl RestoreSelection {
    /// Resolves a spec against the types and namespaces of a backup. The target cluster lends its words: with it, a type
    /// can be named by its kind or short name too.
    ///
    /// # Errors
    /// With every word that names no type, every type named that is never restored, and every two namespaces that would
    /// become one.
    pub fn resolve(
        spec: &RestoreSpec,
        types: &[ArchivedType],
        namespaces: &[String],
        target: &Discovery,
    ) -> Result<Self, Violations> {
        let held: BTreeSet<String> = types.iter().map(|ty| ty.gvr.group_resource()).collect();
        let find = |word: &str| find(word, types, target);
        let included = included_types(spec);
        let choice = TypeChoice::resolve((&included, &spec.excluded_resources), &find, &held);
        let names = spec.names.iter().filter_map(|word| name_rule(word, &find)).collect();
        let rules = Rules { names, ..make_rules(spec, types, namespaces, &choice) };
        let chosen: Vec<String> = namespaces.iter().filter(|name| rules.takes_namespace(name)).cloned().collect();

        let lists = ("includedResources", "excludedResources");
        let mut violations = unknown_violations(&choice, lists, &held, target);
        let status = status_choice(spec, &find, &held);
        let lists = ("restoreStatus.includedResources", "restoreStatus.excludedResources");
        violations.extend(status.iter().flat_map(|choice| unknown_violations(choice, lists, &held, target)));
        violations.extend(never_violations(spec, &find));
        violations.extend(merging_violations(spec, &chosen));
        Violations::check(violations)?;

        let existing: Vec<&str> = namespaces.iter().map(String::as_str).collect();
        let mut issues = unmatched(&spec.included_namespaces, &existing, Stage::Plan, "backup");
        issues.extend(absent_issues(&choice, &held));
        issues.extend(unmapped_issues(spec, &chosen));
        let has_status =
            |choice: &TypeChoice, name: &String| !matches!(choice.of(name), Chosen::NotIncluded | Chosen::Excluded);
        let status = status.map_or_else(BTreeSet::new, |choice| {
            held.iter().filter(|name| has_status(&choice, name)).cloned().collect()
        });
        Ok(Self { rules, namespaces: chosen, status, issues })
    }
}

/// The types that a word names: in the backup by `plural`, `plural.group` or `plural.version.group`, and by all the words
/// of the target cluster, whether or not the backup holds any.
fn find(word: &str, types: &[ArchivedType], target: &Discovery) -> Vec<String> {
    let lower = word.to_ascii_lowercase();
    let is_named = |ty: &&ArchivedType| {
        let Gvr { group, version, plural } = &ty.gvr;
        [plural.clone(), ty.gvr.group_resource(), format!("{plural}.{version}.{group}")].contains(&lower)
    };
    let held = types.iter().filter(is_named).map(|ty| ty.gvr.group_resource());
    let served = target.find(word).into_iter().map(|ty| ty.gvr.group_resource());
    held.chain(served).collect()
}

/// The types to choose from: who names objects need not name their types again.
fn included_types(spec: &RestoreSpec) -> Vec<String> {
    if !spec.included_resources.is_empty() {
        return spec.included_resources.clone();
    }
    let types: BTreeSet<&str> = spec.names.iter().filter_map(|word| word.split('/').next()).collect();
    types.into_iter().map(str::to_owned).collect()
}

/// `type/name` or `type/namespace/name`.
fn name_rule(word: &str, find: &dyn Fn(&str) -> Vec<String>) -> Option<NameRule> {
    let (ty, place) = word.split_once('/')?;
    let (namespace, name) = match place.split_once('/') {
        Some((namespace, name)) => (Some(Glob::new(namespace)), name),
        None => (None, place),
    };
    Some(NameRule { word: word.to_owned(), types: find(ty), namespace, name: Glob::new(name) })
}

fn make_rules(spec: &RestoreSpec, types: &[ArchivedType], namespaces: &[String], choice: &TypeChoice) -> Rules {
    let existing: Vec<&str> = namespaces.iter().map(String::as_str).collect();
    let cluster = ClusterObjects::new(spec.include_cluster_resources, spec.takes_all_namespaces());
    let rule = |ty: &ArchivedType| type_rule(ty, choice.of(&ty.gvr.group_resource()), cluster);
    Rules {
        types: types.iter().map(|ty| (ty.gvr.clone(), rule(ty))).collect(),
        namespaces: NamespaceRules::new((&spec.included_namespaces, &spec.excluded_namespaces), &existing, Vec::new()),
        selectors: spec.label_selector.iter().chain(&spec.or_label_selectors).cloned().collect(),
        marks: &[],
        fine: FineRules::default(),
        related: false,
        names: Vec::new(),
    }
}

fn type_rule(ty: &ArchivedType, chosen: Chosen, cluster: ClusterObjects) -> TypeRule {
    let name = ty.gvr.group_resource();
    if let Some(row) = never_restored_rows(&name).find(|row| row.namespace.is_none()) {
        return TypeRule::Leave(Reason::NeverRestored(row));
    }
    match TypeRule::new(&ty.gvr, ty.namespaced, chosen, cluster) {
        TypeRule::InNamespaces { elsewhere, .. } => {
            TypeRule::InNamespaces { but: never_restored_rows(&name).next(), elsewhere }
        }
        other => other,
    }
}

/// The types whose status was asked for; `None` where that was not done at all.
fn status_choice(
    spec: &RestoreSpec,
    find: &dyn Fn(&str) -> Vec<String>,
    held: &BTreeSet<String>,
) -> Option<TypeChoice> {
    let asked = spec.restore_status.as_ref()?;
    Some(TypeChoice::resolve((&asked.included_resources, &asked.excluded_resources), find, held))
}

fn unknown_violations(
    choice: &TypeChoice,
    (included, excluded): (&'static str, &'static str),
    held: &BTreeSet<String>,
    target: &Discovery,
) -> Vec<Violation> {
    let lists = [(included, &choice.included), (excluded, &choice.excluded)];
    let violation = |field, word: &String| {
        let mut near = nearest(word, held.iter().map(String::as_str));
        if near.is_empty() {
            near = target.nearest(word);
        }
        let near = did_you_mean(&near);
        Violation::new(field, format!("neither the backup nor the cluster has a type \"{word}\"{near}"))
    };
    lists.into_iter().flat_map(|(field, words)| words.unknown.iter().map(move |word| violation(field, word))).collect()
}

/// A word that names nothing but types which are never restored.
fn never_violations(spec: &RestoreSpec, find: &dyn Fn(&str) -> Vec<String>) -> Vec<Violation> {
    let why = |name: &String| never_restored_rows(name).find(|row| row.namespace.is_none());
    let violation = |word: &String| {
        let found = find(word);
        let row = found.first().and_then(why).filter(|_| found.iter().all(|name| why(name).is_some()))?;
        let message = format!("{} are never restored: {}", row.group_resource, row.why);
        Some(Violation::new("includedResources", message))
    };
    spec.included_resources.iter().filter_map(violation).collect()
}

/// The mapping alone cannot tell (and does not) that a namespace takes the name of another one that keeps its own.
fn merging_violations(spec: &RestoreSpec, chosen: &[String]) -> Vec<Violation> {
    let mut sources: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for from in chosen {
        sources.entry(spec.target_namespace(from)).or_default().push(from);
    }
    let keeps_its_name = |to: &str| !spec.namespace_mapping.contains_key(to);
    sources
        .into_iter()
        .filter(|(to, from)| from.len() > 1 && keeps_its_name(to))
        .map(|(to, from)| {
            let names = from.join(" and ");
            let message = format!("{names} would both become \"{to}\"; map \"{to}\" to another name or exclude it");
            Violation::new("namespaceMapping", message)
        })
        .collect()
}

fn absent_issues(choice: &TypeChoice, held: &BTreeSet<String>) -> Vec<Issue> {
    let named = choice.included.named().filter(|name| !held.contains(*name));
    let message = |word: &String| format!("the backup holds no {word}: nothing is restored for it");
    named.chain(&choice.included.idle).map(|word| Issue::warning(Stage::Plan, Code::NotFound, message(word))).collect()
}

fn unmapped_issues(spec: &RestoreSpec, chosen: &[String]) -> Vec<Issue> {
    let unused = spec.namespace_mapping.iter().filter(|(from, _)| !chosen.contains(from));
    let message = |(from, to): (&String, &String)| {
        format!("the namespace \"{from}\" is mapped to \"{to}\", but is not among those that are restored")
    };
    unused.map(|pair| Issue::warning(Stage::Plan, Code::NotFound, message(pair))).collect()
}
