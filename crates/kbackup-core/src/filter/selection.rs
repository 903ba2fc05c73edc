//! What a backup asks of the cluster.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::lists::list_each_namespace;
use super::names::{NamespaceRules, did_you_mean, unmatched};
use super::never::{is_measurement, never_taken, twin};
use super::rules::{ClusterObjects, Rules, TypeRule, is_definition};
use super::types::TypeChoice;
use crate::issue::{Code, Issue, Stage};
use crate::model::{BrokenGroup, Discovery, Glob, LabelSelector, ObjectMeta, ResourceType};
use crate::spec::{BackupSpec, Violation, Violations};

/// An object or namespace with one of these labels at `true` is left out of every backup.
const EXCLUDE_LABELS: &[&str] = &["kbackup.dev/exclude-from-backup", "velero.io/exclude-from-backup"];

/// What a [`BackupSpec`] comes to in one cluster.
///
/// ```
/// use kbackup_core::filter::{NamespaceInfo, Selection};
/// use kbackup_core::model::Discovery;
/// use kbackup_core::spec::BackupSpec;
///
/// let namespaces = ["shop", "web"].map(|name| NamespaceInfo { name: name.to_owned(), labels: [].into() });
/// let selection = Selection::resolve(&BackupSpec::default().namespaces(["s*"]), &Discovery::default(), &namespaces)?;
/// assert_eq!(selection.namespaces, ["shop"]);
/// # Ok::<(), kbackup_core::spec::Violations>(())
/// ```
#[derive(Debug, Clone)]
pub struct Selection {
    /// The lists that give every object that may be chosen, each object once. They give others too: ask the rules.
    pub queries: Vec<Query>,
    /// The lists of what comes only with what needs it (Namespaces, CustomResourceDefinitions): to be read when all else
    /// is known. Of these, take what the rules call [`IfNeeded`](super::Verdict::IfNeeded) and [`Needs`](super::Needs) has.
    pub queries_if_needed: Vec<Query>,
    /// Which objects are chosen.
    pub rules: Rules,
    /// The chosen namespaces that exist, in the order they were given in.
    pub namespaces: Vec<String>,
    /// What was asked for and is not there.
    pub issues: Vec<Issue>,
}

/// One list to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The type, in the version that the server prefers.
    pub ty: Arc<ResourceType>,
    /// Only in this namespace; `None`: in the whole cluster.
    pub namespace: Option<String>,
    /// What the server is to select; empty where it cannot select what is wanted in one list.
    pub labels: LabelSelector,
    /// Only the object of this name.
    pub name: Option<String>,
}

/// A namespace of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceInfo {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

impl From<&ObjectMeta> for NamespaceInfo {
    fn from(namespace: &ObjectMeta) -> Self {
        Self { name: namespace.name.clone(), labels: namespace.labels.clone() }
    }
}

impl Selection {
    /// Resolves a spec against what a cluster serves and which namespaces it has. A type is taken in its preferred
    /// version, once, and only where its objects can be read and made again.
    ///
    /// Read the namespaces at the revision that the objects will be read at: where a few of them are chosen by glob, only
    /// those given here are listed.
    ///
    /// # Errors
    /// With every word that names no type, or none that a backup can hold.
    pub fn resolve(spec: &BackupSpec, discovery: &Discovery, namespaces: &[NamespaceInfo]) -> Result<Self, Violations> {
        let types = takable(discovery);
        let choice = choose_types(spec, discovery, &types);
        Violations::check(type_violations(&choice, discovery))?;

        let existing: Vec<&str> = namespaces.iter().map(|namespace| namespace.name.as_str()).collect();
        let rules = make_rules(spec, &types, &choice, namespaces);
        let chosen: Vec<String> =
            existing.iter().filter(|name| rules.takes_namespace(name)).map(|name| (*name).to_owned()).collect();

        let mut issues = unmatched(&spec.included_namespaces, &existing, Stage::Select, "cluster");
        issues.extend(idle_issues(&choice));
        issues.extend(discovery.broken().iter().filter_map(|group| broken_issue(spec, &choice, group)));
        // Where only some are left out, all are listed: nearly everything is wanted.
        let each = !rules.namespaces.includes_every_name() && list_each_namespace(chosen.len(), existing.len());
        let places = if each { chosen.iter().cloned().map(Some).collect() } else { vec![None] };
        let queries = types.iter().flat_map(|ty| queries(ty, &rules, &places)).collect();
        let queries_if_needed = types.iter().filter(|ty| may_be_needed(ty, &rules)).map(query_all).collect();
        Ok(Self { queries, queries_if_needed, rules, namespaces: chosen, issues })
    }

    /// The types that are listed, each once, in the server's order.
    pub fn types(&self) -> impl Iterator<Item = &Arc<ResourceType>> {
        let mut before = None;
        // The lists of one type follow each other.
        self.queries.iter().map(|query| &query.ty).filter(move |ty| before.replace(&ty.gvr) != Some(&ty.gvr))
    }
}

/// The types that a backup can hold: the preferred version of each, no type whose twin is served.
fn takable(discovery: &Discovery) -> Vec<Arc<ResourceType>> {
    let served: BTreeSet<String> = discovery.preferred().map(|ty| ty.gvr.group_resource()).collect();
    let has_twin = |ty: &ResourceType| twin(&ty.gvr.group_resource()).is_some_and(|twin| served.contains(twin));
    discovery.preferred().filter(|ty| never_taken(ty).is_none() && !has_twin(ty)).cloned().collect()
}

fn choose_types(spec: &BackupSpec, discovery: &Discovery, types: &[Arc<ResourceType>]) -> TypeChoice {
    let all: BTreeSet<String> = types.iter().map(|ty| ty.gvr.group_resource()).collect();
    let own_or_twin = |ty: &Arc<ResourceType>| {
        let name = ty.gvr.group_resource();
        twin(&name).filter(|twin| all.contains(*twin)).map_or(name, str::to_owned)
    };
    let find = |word: &str| {
        let (mut found, others): (Vec<String>, Vec<String>) =
            discovery.find(word).into_iter().map(own_or_twin).partition(|name| all.contains(name));
        // "pods" names what metrics.k8s.io serves under that name too. A word that names nothing else is kept: whoever
        // asks for such a type shall learn why it is not in the backup.
        if found.is_empty() {
            found = others;
        }
        found
    };
    TypeChoice::resolve((&spec.included_resources, &spec.excluded_resources), &find, &all)
}

fn type_violations(choice: &TypeChoice, discovery: &Discovery) -> Vec<Violation> {
    let lists = [("includedResources", &choice.included), ("excludedResources", &choice.excluded)];
    // Nobody knows what a group serves that does not answer: that is an issue of its own.
    let is_broken = |word: &String| discovery.broken().iter().any(|broken| covers(word, group_of(broken)));
    let unknown = lists.into_iter().flat_map(|(field, words)| {
        words.unknown.iter().filter(|word| !is_broken(word)).map(move |word| {
            let near = did_you_mean(&discovery.nearest(word));
            Violation::new(field, format!("the cluster serves no type \"{word}\"{near}"))
        })
    });
    let untakable = discovery.preferred().filter_map(|ty| {
        let named = choice.included.names(&ty.gvr.group_resource());
        let why = never_taken(ty).filter(|_| named)?;
        Some(Violation::new("includedResources", format!("\"{ty}\" cannot be in a backup: it {why}")))
    });
    unknown.chain(untakable).collect()
}

fn make_rules(
    spec: &BackupSpec,
    types: &[Arc<ResourceType>],
    choice: &TypeChoice,
    namespaces: &[NamespaceInfo],
) -> Rules {
    let existing: Vec<&str> = namespaces.iter().map(|namespace| namespace.name.as_str()).collect();
    let is_marked = |namespace: &&NamespaceInfo| {
        EXCLUDE_LABELS.iter().any(|mark| namespace.labels.get(*mark).is_some_and(|value| value == "true"))
    };
    let marked = namespaces.iter().filter(is_marked).map(|namespace| namespace.name.clone()).collect();
    let cluster = ClusterObjects::new(spec.include_cluster_resources, spec.takes_all_namespaces());
    let rule = |ty: &ResourceType| TypeRule::new(&ty.gvr, ty.namespaced, choice.of(&ty.gvr.group_resource()), cluster);
    Rules {
        types: types.iter().map(|ty| (ty.gvr.clone(), rule(ty))).collect::<HashMap<_, _>>(),
        namespaces: NamespaceRules::new((&spec.included_namespaces, &spec.excluded_namespaces), &existing, marked),
        selectors: spec.label_selector.iter().chain(&spec.or_label_selectors).cloned().collect(),
        marks: EXCLUDE_LABELS,
    }
}

/// The lists of one type; none where its objects are left out, or come with those that need them. `places` are the
/// namespaces to list one by one, or `None` for all at once.
fn queries(ty: &Arc<ResourceType>, rules: &Rules, places: &[Option<String>]) -> Vec<Query> {
    // One list carries one selector. Of several, an object may match two and would be listed twice: the rules select.
    let labels = match &rules.selectors[..] {
        [one] => one.clone(),
        _ => LabelSelector::default(),
    };
    let query = |namespace: Option<String>, labels| Query { ty: Arc::clone(ty), namespace, labels, name: None };
    match rules.types.get(&ty.gvr) {
        // A namespace may be wanted for what lives in it, whatever its own labels.
        Some(TypeRule::Namespaces { .. }) => vec![query_all(ty)],
        Some(TypeRule::OfCluster) => vec![query(None, labels)],
        Some(TypeRule::InNamespaces { .. }) => {
            places.iter().map(|place| query(place.clone(), labels.clone())).collect()
        }
        Some(TypeRule::IfNeeded | TypeRule::Leave(_)) | None => Vec::new(),
    }
}

/// Every object of a type.
fn query_all(ty: &Arc<ResourceType>) -> Query {
    Query { ty: Arc::clone(ty), namespace: None, labels: LabelSelector::default(), name: None }
}

/// Whether objects of the type may come only with what needs them, in a way that a list can answer.
fn may_be_needed(ty: &ResourceType, rules: &Rules) -> bool {
    match rules.types.get(&ty.gvr) {
        Some(TypeRule::Namespaces { included }) => {
            rules.namespaces.includes_every_name() && (!included || !rules.selectors.is_empty())
        }
        Some(TypeRule::IfNeeded) => is_definition(&ty.gvr),
        _ => false,
    }
}

fn idle_issues(choice: &TypeChoice) -> impl Iterator<Item = Issue> {
    choice.included.idle.iter().map(|pattern| {
        let message = format!("no type of the cluster fits \"{pattern}\": nothing is taken for it");
        Issue::warning(Stage::Select, Code::NotFound, message)
    })
}

/// An error where types of the group were asked for and may be missing from the backup; only a warning for measurements,
/// which no backup holds; nothing where the group was not asked for.
fn broken_issue(spec: &BackupSpec, choice: &TypeChoice, broken: &BrokenGroup) -> Option<Issue> {
    let group = group_of(broken);
    let any_covers = |list: &[String]| list.iter().any(|word| covers(word, group));
    let asked = choice.includes_everything() || any_covers(&spec.included_resources);
    if !asked || any_covers(&spec.excluded_resources) {
        return None;
    }
    let what = format!("the API group {} does not answer", broken.group_version);
    let why = &broken.message;
    Some(if is_measurement(group) {
        let message = format!("{what}: {why}; no backup holds its objects");
        Issue::warning(Stage::Discover, Code::BrokenApiGroup, message)
    } else {
        let message = format!("{what}, so its types are not in the backup: {why}; exclude \"*.{group}\" to do without");
        Issue::error(Stage::Discover, Code::BrokenApiGroup, message)
    })
}

fn group_of(broken: &BrokenGroup) -> &str {
    broken.group_version.split('/').next().unwrap_or_default()
}

/// Whether a word of a list of types may name one of the group.
fn covers(word: &str, group: &str) -> bool {
    let suffix = word.split_once('.').map_or("", |(_, suffix)| suffix);
    suffix == group || (Glob::is_pattern(word) && Glob::new(word).matches(&format!("x.{group}")))
}
