//! The rules for one object.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::fine::{Fine, FineRules};
use super::names::NamespaceRules;
use super::never::NeverRestored;
use super::types::Chosen;
use crate::model::{Glob, Gvr, LabelSelector, ObjectMeta, ResourceType};

/// What a spec came to: which objects are chosen. Cheap to ask once an object.
#[derive(Debug, Clone)]
pub struct Rules {
    pub(super) types: HashMap<Gvr, TypeRule>,
    pub(super) namespaces: NamespaceRules,
    /// An object needs one of these; none: any labels will do.
    pub(super) selectors: Vec<LabelSelector>,
    /// With one of these labels at `true`, an object is left out.
    pub(super) marks: &'static [&'static str],
    /// Filters for single kinds.
    pub(super) fine: FineRules,
    /// Whether what only its labels leave out comes with an object that needs it.
    pub(super) related: bool,
    /// Only these objects; none: all.
    pub(super) names: Vec<NameRule>,
}

/// Objects that are asked for by name.
#[derive(Debug, Clone)]
pub(super) struct NameRule {
    /// As it was written.
    pub(super) word: String,
    /// Their types, as `plural.group`.
    pub(super) types: Vec<String>,
    /// Only those in namespaces of such a name.
    pub(super) namespace: Option<Glob>,
    pub(super) name: Glob,
}

/// Whether an object is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Take,
    /// Only where an object that is taken needs it: a Namespace for what lives in it, a PersistentVolume for its claim, a
    /// CustomResourceDefinition for its custom resources.
    IfNeeded,
    /// It is not.
    Leave(Reason),
}

/// Why an object is not chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Its type is excluded.
    TypeExcluded,
    /// There is a list of included types, and its type is not in it.
    TypeNotIncluded,
    /// Objects of the cluster are not asked for.
    ClusterScoped,
    /// Its namespace is excluded.
    NamespaceExcluded,
    /// There is a list of included namespaces, and its namespace is not in it.
    NamespaceNotIncluded,
    /// Its namespace has the label that leaves it out of backups.
    NamespaceLabel,
    /// It has the label that leaves it out of backups itself.
    ExcludeLabel,
    /// No label selector matches it.
    Labels,
    /// A filter for its kind does not let it through.
    Filter,
    /// Objects are asked for by name, and it is not among them.
    NotNamed,
    /// No restore brings it back.
    NeverRestored(&'static NeverRestored),
}

/// What there is to say of a whole type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TypeRule {
    /// The Namespace objects. `included`: they are among the chosen types themselves.
    Namespaces { included: bool },
    /// Objects in the chosen namespaces, but for those of one namespace. `elsewhere`: only in namespaces with a filter of
    /// their own that lets them through; in others they are left out, for this reason.
    InNamespaces { but: Option<&'static NeverRestored>, elsewhere: Option<Reason> },
    /// All objects of the cluster.
    OfCluster,
    /// Objects of the cluster that a chosen one needs.
    IfNeeded,
    /// None.
    Leave(Reason),
}

/// Which objects of the cluster are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClusterObjects {
    /// All of the chosen types.
    All,
    /// Those of types that are included by name, and what other objects need.
    NamedOrNeeded,
    /// None.
    Nothing,
}

impl Rules {
    /// Whether the object `name` of type `ty`, in `namespace`, with these labels, is chosen. A type that was not there when
    /// the rules were made is not.
    #[must_use]
    pub fn verdict(&self, ty: &Gvr, namespace: Option<&str>, name: &str, labels: &BTreeMap<String, String>) -> Verdict {
        match self.regardless_of_names(ty, namespace, name, labels) {
            Verdict::Take if !self.is_named(ty, namespace, name) => match is_namespace(ty) {
                true => Verdict::IfNeeded,
                false => Verdict::Leave(Reason::NotNamed),
            },
            verdict => verdict,
        }
    }

    fn regardless_of_names(
        &self,
        ty: &Gvr,
        namespace: Option<&str>,
        name: &str,
        labels: &BTreeMap<String, String>,
    ) -> Verdict {
        let rule = self.types.get(ty).copied().unwrap_or(TypeRule::Leave(Reason::TypeNotIncluded));
        let fine = || self.fine.judge(ty, namespace, name, labels);
        match rule {
            TypeRule::Leave(reason) => Verdict::Leave(reason),
            _ if self.is_marked(labels) => Verdict::Leave(Reason::ExcludeLabel),
            TypeRule::Namespaces { included } => self.namespace_object(name, labels, included),
            TypeRule::IfNeeded if fine() == Fine::Stopped => Verdict::Leave(Reason::Filter),
            TypeRule::IfNeeded => Verdict::IfNeeded,
            TypeRule::OfCluster => self.judge(fine(), None, labels),
            TypeRule::InNamespaces { but, elsewhere } => match self.in_namespace(namespace, but) {
                Err(reason) => Verdict::Leave(reason),
                Ok(()) => self.judge(fine(), elsewhere, labels),
            },
        }
    }

    /// What is left to decide, where type and namespace are chosen.
    fn judge(&self, fine: Fine, elsewhere: Option<Reason>, labels: &BTreeMap<String, String>) -> Verdict {
        match (fine, elsewhere) {
            (Fine::Stopped, _) => Verdict::Leave(Reason::Filter),
            (Fine::Silent, Some(reason)) => Verdict::Leave(reason),
            (Fine::Passes, _) => Verdict::Take,
            (Fine::Silent | Fine::PassesByName, _) => match self.select(labels) {
                Ok(()) => Verdict::Take,
                Err(_) if self.related => Verdict::IfNeeded,
                Err(reason) => Verdict::Leave(reason),
            },
        }
    }

    /// [`Rules::verdict`] for the parsed metadata of an object.
    #[must_use]
    pub fn verdict_of(&self, ty: &ResourceType, object: &ObjectMeta) -> Verdict {
        self.verdict(&ty.gvr, object.namespace.as_deref(), &object.name, &object.labels)
    }

    /// Whether objects of this namespace are chosen, as far as the namespace decides it.
    #[must_use]
    pub fn takes_namespace(&self, name: &str) -> bool {
        self.namespaces.choose(name).is_ok()
    }

    /// A namespace that is asked for by name is taken even where it is empty. In a selection by label or type alone, only
    /// those that match themselves, or that hold something, are wanted.
    fn namespace_object(&self, name: &str, labels: &BTreeMap<String, String>, included: bool) -> Verdict {
        if let Err(reason) = self.namespaces.choose(name) {
            return Verdict::Leave(reason);
        }
        let asked_by_name = !self.namespaces.includes_every_name();
        if asked_by_name || (included && self.select(labels).is_ok()) { Verdict::Take } else { Verdict::IfNeeded }
    }

    fn in_namespace(&self, namespace: Option<&str>, but: Option<&'static NeverRestored>) -> Result<(), Reason> {
        let namespace = namespace.unwrap_or_default();
        match but {
            Some(row) if row.namespace == Some(namespace) => Err(Reason::NeverRestored(row)),
            _ => self.namespaces.choose(namespace),
        }
    }

    /// The words of a list of names that fit none of these objects.
    pub(crate) fn unmatched_names<'a>(
        &self,
        objects: &(impl Iterator<Item = (&'a Gvr, Option<&'a str>, &'a str)> + Clone),
    ) -> Vec<&str> {
        let fits = |rule: &&NameRule| objects.clone().any(|(ty, namespace, name)| rule.fits(ty, namespace, name));
        self.names.iter().filter(|rule| !fits(rule)).map(|rule| rule.word.as_str()).collect()
    }

    /// Whether the object is among those that are asked for by name, where any are.
    fn is_named(&self, ty: &Gvr, namespace: Option<&str>, name: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|rule| rule.fits(ty, namespace, name))
    }

    fn is_marked(&self, labels: &BTreeMap<String, String>) -> bool {
        self.marks.iter().any(|mark| labels.get(*mark).is_some_and(|value| value == "true"))
    }

    fn select(&self, labels: &BTreeMap<String, String>) -> Result<(), Reason> {
        let matched = self.selectors.is_empty() || self.selectors.iter().any(|selector| selector.matches(labels));
        matched.then_some(()).ok_or(Reason::Labels)
    }
}

impl NameRule {
    fn fits(&self, ty: &Gvr, namespace: Option<&str>, name: &str) -> bool {
        let in_namespace = |wanted: &Glob| namespace.is_some_and(|namespace| wanted.matches(namespace));
        self.name.matches(name)
            && self.namespace.as_ref().is_none_or(in_namespace)
            && self.types.iter().any(|wanted| *wanted == ty.group_resource())
    }
}

impl ClusterObjects {
    /// What `includeClusterResources` means: not given, all in a run over every namespace, else what is named or needed.
    pub(super) fn new(include_cluster_resources: Option<bool>, takes_all_namespaces: bool) -> Self {
        match include_cluster_resources {
            Some(true) => Self::All,
            Some(false) => Self::Nothing,
            None if takes_all_namespaces => Self::All,
            None => Self::NamedOrNeeded,
        }
    }
}

impl TypeRule {
    pub(super) fn new(ty: &Gvr, namespaced: bool, chosen: Chosen, cluster: ClusterObjects) -> Self {
        // What lives in a namespace needs its Namespace object, whatever the types and the scope that were asked for.
        let namespaces = is_namespace(ty);
        match (chosen, cluster) {
            (Chosen::Excluded, _) => Self::Leave(Reason::TypeExcluded),
            _ if namespaces => Self::Namespaces { included: chosen != Chosen::NotIncluded },
            // Whoever asks for custom resources alone cannot restore them without their definitions.
            (Chosen::NotIncluded, ClusterObjects::All | ClusterObjects::NamedOrNeeded) if is_definition(ty) => {
                Self::IfNeeded
            }
            (Chosen::NotIncluded, _) => Self::Leave(Reason::TypeNotIncluded),
            _ if namespaced => Self::InNamespaces { but: None, elsewhere: None },
            (_, ClusterObjects::All) | (Chosen::Named, ClusterObjects::NamedOrNeeded) => Self::OfCluster,
            (_, ClusterObjects::NamedOrNeeded) => Self::IfNeeded,
            (_, ClusterObjects::Nothing) => Self::Leave(Reason::ClusterScoped),
        }
    }
}

/// Whether objects of the type are namespaces.
pub(super) fn is_namespace(ty: &Gvr) -> bool {
    ty.plural == "namespaces" && ty.group.is_empty()
}

/// Whether objects of the type define types themselves.
pub(super) fn is_definition(ty: &Gvr) -> bool {
    ty.plural == "customresourcedefinitions" && ty.group == "apiextensions.k8s.io"
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TypeExcluded => "its type is excluded",
            Self::TypeNotIncluded => "its type is not among the included ones",
            Self::ClusterScoped => "objects of the cluster are not asked for",
            Self::NamespaceExcluded => "its namespace is excluded",
            Self::NamespaceNotIncluded => "its namespace is not among the included ones",
            Self::NamespaceLabel => "its namespace is labelled to be left out of backups",
            Self::ExcludeLabel => "it is labelled to be left out of backups",
            Self::Labels => "no label selector matches it",
            Self::Filter => "a filter for its kind leaves it out",
            Self::NotNamed => "it is not among the objects that are asked for by name",
            Self::NeverRestored(row) => row.why,
        })
    }
}
