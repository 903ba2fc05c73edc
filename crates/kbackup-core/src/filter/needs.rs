//! What objects that are taken need of others.

use std::collections::{BTreeMap, BTreeSet};

use super::rules::{is_definition, is_namespace};
use crate::action::Related;
use crate::model::Gvr;

/// What the taken objects need: what [`Verdict::IfNeeded`](super::Verdict) is settled by, once they are known.
///
/// Namespaces and CustomResourceDefinitions follow from the objects' namespaces and types. Other objects are named, or
/// they are needed because they mention something.
///
/// ```
/// use kbackup_core::filter::Needs;
/// use kbackup_core::model::Gvr;
///
/// let mut needs = Needs::default();
/// needs.add(&Gvr::new("example.com", "v1", "widgets"), Some("shop"));
/// assert!(needs.contains(&Gvr::new("", "v1", "namespaces"), None, "shop"));
/// let definitions = Gvr::new("apiextensions.k8s.io", "v1", "customresourcedefinitions");
/// assert!(needs.contains(&definitions, None, "widgets.example.com"));
///
/// needs.require("persistentvolumes", None, "disk-1");
/// assert!(needs.contains(&Gvr::new("", "v1", "persistentvolumes"), None, "disk-1"));
/// assert!(!needs.contains(&Gvr::new("", "v1", "persistentvolumes"), None, "disk-2"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    namespaces: BTreeSet<String>,
    types: BTreeSet<Gvr>,
    /// By `plural.group`: namespace and name.
    objects: BTreeMap<String, BTreeSet<Place>>,
    /// By `plural.group`: what an object has to mention.
    mentions: BTreeMap<String, BTreeSet<String>>,
}

/// The namespace of an object (`None` for one of the cluster) and its name.
pub(super) type Place = (Option<String>, String);

impl Needs {
    /// An object of this type in this namespace (`None` for an object of the cluster) is taken.
    pub fn add(&mut self, ty: &Gvr, namespace: Option<&str>) {
        if !self.types.contains(ty) {
            self.types.insert(ty.clone());
        }
        if let Some(namespace) = namespace.filter(|namespace| !self.namespaces.contains(*namespace)) {
            self.namespaces.insert(namespace.to_owned());
        }
    }

    /// The object of this type (`plural.group`), namespace and name is needed.
    pub fn require(&mut self, ty: &str, namespace: Option<&str>, name: &str) {
        entry(&mut self.objects, ty).insert((namespace.map(str::to_owned), name.to_owned()));
    }

    /// Every object of this type (`plural.group`) that mentions `what` is needed.
    pub fn require_mention(&mut self, ty: &str, what: &str) {
        entry(&mut self.mentions, ty).insert(what.to_owned());
    }

    /// All that an object needs is needed.
    pub(crate) fn require_all(&mut self, related: &Related) {
        related.objects().for_each(|(ty, namespace, name)| self.require(ty, namespace, name));
        related.needed_mentions().for_each(|(ty, what)| self.require_mention(ty, what));
    }

    /// Whether the object of this type, namespace and name is needed by what it is.
    #[must_use]
    pub fn contains(&self, ty: &Gvr, namespace: Option<&str>, name: &str) -> bool {
        if is_definition(ty) && self.types.iter().any(|ty| ty.group_resource() == name) {
            // A definition is named after the type that it defines.
            return true;
        }
        if is_namespace(ty) && self.namespaces.contains(name) {
            return true;
        }
        let place = || (namespace.map(str::to_owned), name.to_owned());
        self.objects.get(&ty.group_resource()).is_some_and(|places| places.contains(&place()))
    }

    /// What objects of this type (`plural.group`) must mention to be needed.
    #[must_use]
    pub fn mentions(&self, ty: &str) -> Option<&BTreeSet<String>> {
        self.mentions.get(ty)
    }

    /// The places of the needed objects of a type, those of definitions and namespaces included.
    pub(super) fn places(&self, ty: &Gvr) -> BTreeSet<Place> {
        let mut places = self.objects.get(&ty.group_resource()).cloned().unwrap_or_default();
        if is_definition(ty) {
            // Types of the core and of groups without a dot are built in.
            let custom = self.types.iter().filter(|ty| ty.group.contains('.'));
            places.extend(custom.map(|ty| (None, ty.group_resource())));
        }
        if is_namespace(ty) {
            places.extend(self.namespaces.iter().map(|name| (None, name.clone())));
        }
        places
    }
}

fn entry<'a, T: Default>(map: &'a mut BTreeMap<String, T>, ty: &str) -> &'a mut T {
    map.entry(ty.to_owned()).or_default()
}
