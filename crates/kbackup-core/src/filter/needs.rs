//! What objects that are taken need of others, as far as their types and namespaces tell it.

use std::collections::BTreeSet;

use super::rules::{is_definition, is_namespace};
use crate::model::Gvr;

/// Which Namespaces and CustomResourceDefinitions the taken objects need: what [`Verdict::IfNeeded`](super::Verdict) is
/// settled by, once all that is taken is known.
///
/// ```
/// use kbackup_core::filter::Needs;
/// use kbackup_core::model::Gvr;
///
/// let mut needs = Needs::default();
/// needs.add(&Gvr::new("example.com", "v1", "widgets"), Some("shop"));
/// assert!(needs.contains(&Gvr::new("", "v1", "namespaces"), "shop"));
/// assert!(needs.contains(&Gvr::new("apiextensions.k8s.io", "v1", "customresourcedefinitions"), "widgets.example.com"));
/// assert!(!needs.contains(&Gvr::new("", "v1", "namespaces"), "web"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Needs {
    namespaces: BTreeSet<String>,
    types: BTreeSet<Gvr>,
}

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

    /// All that is needed here or there.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.namespaces.extend(other.namespaces);
        self.types.extend(other.types);
        self
    }

    /// Whether an object that was added needs the object `name` of type `ty`.
    #[must_use]
    pub fn contains(&self, ty: &Gvr, name: &str) -> bool {
        if is_definition(ty) {
            // A definition is named after the type that it defines.
            return self.types.iter().any(|ty| ty.group_resource() == name);
        }
        is_namespace(ty) && self.namespaces.contains(name)
    }
}
