//! What a backup asks of the cluster.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Needs;
use super::chosen::{ChosenTypes, takable};
use super::lists::list_each_namespace;
use super::names::{NamespaceRules, unmatched};
use super::rules::{Rules, TypeRule};
use super::server_side::one_selector;
use crate::issue::{Code, Issue, Severity, Stage};
use crate::model::{Discovery, LabelSelector, ObjectMeta, ResourceType};
use crate::spec::{BackupSpec, Violation, Violations};

/// An object or namespace with one of these labels at `true` is left out of every backup.
const EXCLUDE_LABELS: &[&str] = &["kbackup.dev/exclude-from-backup", "velero.io/exclude-from-backup"];

/// Up to this many objects of a type that others need are read one by one, each in a list of its own name: a few small
/// requests, however many objects the cluster has.
const NAMED_FEW: usize = 16;

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
    /// Which objects are chosen.
    pub rules: Rules,
    /// The chosen namespaces that exist, in the order they were given in.
    pub namespaces: Vec<String>,
    /// What was asked for and is not there.
    pub issues: Vec<Issue>,
    /// The types of which objects may come only with those that need them.
    may_be_needed: Vec<Arc<ResourceType>>,
    /// The namespaces to list one by one; `None` once: all in one list.
    places: Vec<Option<String>>,
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
        let choice = ChosenTypes::resolve(spec, discovery, &types);
        Violations::check(choice.violations(discovery))?;

        let existing: Vec<&str> = namespaces.iter().map(|namespace| namespace.name.as_str()).collect();
        let mut issues = unmatched(&spec.included_namespaces, &existing, Stage::Select, "cluster");
        issues.extend(choice.issues(spec, discovery));
        let rules = make_rules(spec, &types, choice, namespaces);
        let chosen: Vec<String> =
            existing.iter().filter(|name| rules.takes_namespace(name)).map(|name| (*name).to_owned()).collect();

        // Where only some are left out, all are listed: nearly everything is wanted.
        let each = !rules.namespaces.includes_every_name() && list_each_namespace(chosen.len(), existing.len());
        let places: Vec<_> = if each { chosen.iter().cloned().map(Some).collect() } else { vec![None] };
        let may_be_needed = types.iter().filter(|ty| may_be_needed(ty, &rules)).cloned().collect();
        let mut selection = Self { queries: Vec::new(), rules, namespaces: chosen, issues, may_be_needed, places };
        selection.queries = types.iter().flat_map(|ty| selection.queries_of(ty)).collect();
        Ok(selection)
    }

    /// The lists of what comes only with what needs it, as far as `needs` asks for what `asked` did not: to be read when
    /// the objects that need it are known, and again while these bring new needs. Of what they give, take what the rules
    /// call [`IfNeeded`](super::Verdict::IfNeeded) and `needs` wants, and `asked` did not.
    #[must_use]
    pub fn queries_if_needed(&self, needs: &Needs, asked: &Needs) -> Vec<Query> {
        self.may_be_needed.iter().flat_map(|ty| self.queries_of_needed(ty, needs, asked)).collect()
    }

    /// The types, as `plural.group`, of which objects may come only with those that need them.
    pub fn types_if_needed(&self) -> impl Iterator<Item = String> {
        self.may_be_needed.iter().map(|ty| ty.gvr.group_resource())
    }

    /// The types that are listed, each once, in the server's order.
    pub fn types(&self) -> impl Iterator<Item = &Arc<ResourceType>> {
        let mut before = None;
        // The lists of one type follow each other.
        self.queries.iter().map(|query| &query.ty).filter(move |ty| before.replace(&ty.gvr) != Some(&ty.gvr))
    }

    /// Whether anything is left to take; a glob that fits nothing today is no mistake, and leaves an empty backup.
    ///
    /// # Errors
    /// Where no namespace and no type of the cluster is chosen, and namespaces were named that don't exist: with each, and
    /// what may have been meant.
    pub fn check_not_empty(&self) -> Result<(), Violations> {
        let of_cluster = self.rules.types.values().any(|rule| matches!(rule, TypeRule::OfCluster));
        if of_cluster || !self.namespaces.is_empty() || self.rules.namespaces.includes_every_name() {
            return Ok(());
        }
        let is_missing = |issue: &&Issue| issue.severity == Severity::Error && issue.code == Code::NotFound;
        let violation = |issue: &Issue| Violation::new("includedNamespaces", issue.message.clone());
        Violations::check(self.issues.iter().filter(is_missing).map(violation).collect())
    }

    /// How many lists are of the whole cluster, and how many of single namespaces.
    #[must_use]
    pub fn lists(&self) -> (usize, usize) {
        let single = self.queries.iter().filter(|query| query.namespace.is_some()).count();
        (self.queries.len() - single, single)
    }

    /// The lists of one type; none where its objects are left out, or come only with those that need them.
    fn queries_of(&self, ty: &Arc<ResourceType>) -> Vec<Query> {
        let labels = if self.rules.fine.judges_labels(&ty.gvr.group_resource()) {
            LabelSelector::default()
        } else {
            one_selector(&self.rules.selectors)
        };
        match self.rules.types.get(&ty.gvr) {
            // A namespace may be wanted for what lives in it, whatever its own labels.
            Some(TypeRule::Namespaces { .. }) => vec![Query::all(ty)],
            Some(TypeRule::OfCluster) => vec![Query { labels, ..Query::all(ty) }],
            Some(TypeRule::InNamespaces { .. }) => {
                let places = self.places_of(ty).into_iter();
                places.map(|namespace| Query { namespace, labels: labels.clone(), ..Query::all(ty) }).collect()
            }
            Some(TypeRule::IfNeeded | TypeRule::Leave(_)) | None => Vec::new(),
        }
    }

    fn queries_of_needed(&self, ty: &Arc<ResourceType>, needs: &Needs, asked: &Needs) -> Vec<Query> {
        let name = ty.gvr.group_resource();
        let more_mentions =
            needs.mentions(&name).is_some_and(|now| asked.mentions(&name).is_none_or(|then| now != then));
        let before = asked.places(&ty.gvr);
        let in_reach =
            |namespace: &Option<String>| namespace.as_deref().is_none_or(|name| self.rules.takes_namespace(name));
        let mut more: Vec<_> = needs.places(&ty.gvr).into_iter().filter(|place| !before.contains(place)).collect();
        more.retain(|(namespace, _)| namespace.is_some() == ty.namespaced && in_reach(namespace));
        if more_mentions || more.len() > NAMED_FEW {
            let places = if ty.namespaced { self.places_of(ty) } else { vec![None] };
            return places.into_iter().map(|namespace| Query { namespace, ..Query::all(ty) }).collect();
        }
        more.into_iter().map(|(namespace, name)| Query { namespace, name: Some(name), ..Query::all(ty) }).collect()
    }

    /// Where to list a type that lives in namespaces.
    fn places_of(&self, ty: &ResourceType) -> Vec<Option<String>> {
        match self.rules.types.get(&ty.gvr) {
            Some(TypeRule::InNamespaces { elsewhere: Some(_), .. }) => {
                let name = ty.gvr.group_resource();
                let admitted = self.namespaces.iter().filter(|namespace| self.rules.fine.admits(&name, namespace));
                let admitted: Vec<_> = admitted.cloned().map(Some).collect();
                if admitted.len() > NAMED_FEW { vec![None] } else { admitted }
            }
            _ => self.places.clone(),
        }
    }
}

impl Query {
    /// Every object of a type.
    fn all(ty: &Arc<ResourceType>) -> Self {
        Self { ty: Arc::clone(ty), namespace: None, labels: LabelSelector::default(), name: None }
    }
}

fn make_rules(
    spec: &BackupSpec,
    types: &[Arc<ResourceType>],
    choice: ChosenTypes,
    namespaces: &[NamespaceInfo],
) -> Rules {
    let existing: Vec<&str> = namespaces.iter().map(|namespace| namespace.name.as_str()).collect();
    let is_marked = |namespace: &&NamespaceInfo| {
        EXCLUDE_LABELS.iter().any(|mark| namespace.labels.get(*mark).is_some_and(|value| value == "true"))
    };
    let marked = namespaces.iter().filter(is_marked).map(|namespace| namespace.name.clone()).collect();
    Rules {
        types: types.iter().map(|ty| (ty.gvr.clone(), choice.rule(ty))).collect::<HashMap<_, _>>(),
        namespaces: NamespaceRules::new((&spec.included_namespaces, &spec.excluded_namespaces), &existing, marked),
        selectors: spec.label_selector.iter().chain(&spec.or_label_selectors).cloned().collect(),
        marks: EXCLUDE_LABELS,
        fine: choice.fine,
        related: true,
        names: Vec::new(),
    }
}

/// Whether objects of the type may come only with what needs them.
fn may_be_needed(ty: &ResourceType, rules: &Rules) -> bool {
    let selected = !rules.selectors.is_empty();
    match rules.types.get(&ty.gvr) {
        Some(TypeRule::Namespaces { included }) => rules.namespaces.includes_every_name() && (!included || selected),
        Some(TypeRule::IfNeeded) => true,
        Some(TypeRule::OfCluster | TypeRule::InNamespaces { .. }) => selected,
        Some(TypeRule::Leave(_)) | None => false,
    }
}
