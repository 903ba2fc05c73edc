//! Which types are served now: the built-in ones, and those of CustomResourceDefinitions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::builtin::{self, BUILT_IN};
use super::errors;
use crate::cluster::{ClusterError, ClusterErrorKind, ClusterResult};
use crate::model::{BrokenGroup, Discovery, Gvr, ResourceType, Verb};

/// The group and plural under which objects are kept: `deployments.apps`.
pub(super) type TableName = Arc<str>;

/// One version of one type that is served.
#[derive(Debug, Clone)]
pub(super) struct Served {
    pub(super) ty: Arc<ResourceType>,
    /// Where its objects are kept.
    pub(super) table: TableName,
    /// The version and kind under which they are kept; other versions are views of it.
    pub(super) kept_as: Gvr,
    /// Whether a CustomResourceDefinition made it.
    pub(super) custom: bool,
    pub(super) has_generation: bool,
}

/// All types that are served.
#[derive(Debug)]
pub(super) struct Types {
    served: BTreeMap<Gvr, Arc<Served>>,
    /// The order in which discovery tells them.
    order: Vec<Gvr>,
    broken: BTreeMap<String, String>,
}

impl Types {
    /// The built-in types.
    pub(super) fn built_in() -> Self {
        let mut types = Self { served: BTreeMap::new(), order: Vec::new(), broken: BTreeMap::new() };
        for row in BUILT_IN {
            let ty = Arc::new(row.resource_type());
            let kept_as = kept_as(row);
            let table = kept_as.group_resource().into();
            types.add(Served { ty, table, kept_as, custom: false, has_generation: row.has_generation });
        }
        types
    }

    /// The type at this version.
    ///
    /// # Errors
    /// `NotFound` where it is not served, `Unavailable` where its group is broken.
    pub(super) fn get(&self, gvr: &Gvr) -> ClusterResult<Arc<Served>> {
        if self.is_broken(gvr) {
            return Err(ClusterError::new(ClusterErrorKind::Unavailable, "service unavailable"));
        }
        self.served.get(gvr).cloned().ok_or_else(errors::no_such_type)
    }

    /// The type at this version, which must be able to do `verb`.
    ///
    /// # Errors
    /// As [`Types::get`]; `Unsupported` where it can't.
    pub(super) fn get_for(&self, gvr: &Gvr, verb: Verb) -> ClusterResult<Arc<Served>> {
        let served = self.get(gvr)?;
        if served.ty.can(verb) { Ok(served) } else { Err(errors::not_allowed()) }
    }

    /// The type whose objects name themselves so.
    pub(super) fn by_kind(&self, api_version: &str, kind: &str) -> Option<Arc<Served>> {
        self.served
            .values()
            .find(|served| served.ty.kind == kind && served.ty.gvr.api_version() == api_version)
            .cloned()
    }

    /// Replaces the versions of one custom type by these.
    pub(super) fn replace_custom(&mut self, table: &str, versions: Vec<Served>) {
        let gone: BTreeSet<Gvr> =
            self.served.values().filter(|served| &*served.table == table).map(|served| served.ty.gvr.clone()).collect();
        self.served.retain(|gvr, _| !gone.contains(gvr));
        self.order.retain(|gvr| !gone.contains(gvr));
        for served in versions {
            self.add(served);
        }
    }

    /// Makes an API group, or one version of it, fail; no message mends it.
    pub(super) fn set_broken(&mut self, group_version: &str, message: Option<&str>) {
        match message {
            Some(message) => _ = self.broken.insert(group_version.to_owned(), message.to_owned()),
            None => _ = self.broken.remove(group_version),
        }
    }

    /// Whether any group is broken.
    pub(super) fn any_broken(&self) -> bool {
        !self.broken.is_empty()
    }

    /// What discovery tells.
    pub(super) fn discovery(&self) -> Discovery {
        let types = self.order.iter().filter(|gvr| !self.is_broken(gvr)).filter_map(|gvr| self.served.get(gvr));
        let broken = self.broken.iter().map(|(group_version, message)| BrokenGroup {
            group_version: group_version.clone(),
            message: message.clone(),
        });
        Discovery::new(types.map(|served| ResourceType::clone(&served.ty)).collect(), broken.collect())
    }

    fn add(&mut self, served: Served) {
        self.order.push(served.ty.gvr.clone());
        self.served.insert(served.ty.gvr.clone(), Arc::new(served));
    }

    fn is_broken(&self, gvr: &Gvr) -> bool {
        !self.broken.is_empty()
            && (self.broken.contains_key(&gvr.group) || self.broken.contains_key(&gvr.api_version()))
    }
}

fn kept_as(row: &builtin::BuiltIn) -> Gvr {
    let preferred =
        |other: &&builtin::BuiltIn| other.group == row.kept_in && other.plural == row.plural && other.preferred;
    let keeper = BUILT_IN.iter().find(preferred).unwrap_or(row);
    Gvr::new(keeper.group, keeper.version, keeper.plural)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cohabiting_types_share_a_table() {
        let types = Types::built_in();
        let table = |group: &str, version: &str, plural: &str| {
            types.get(&Gvr::new(group, version, plural)).expect("it is built in").table.to_string()
        };
        assert_eq!(table("events.k8s.io", "v1", "events"), "events");
        assert_eq!(table("autoscaling", "v1", "horizontalpodautoscalers"), "horizontalpodautoscalers.autoscaling");
        assert_eq!(
            types.get(&Gvr::new("", "v2", "pods")).expect_err("no such version").kind(),
            ClusterErrorKind::NotFound
        );
    }

    #[test]
    fn a_broken_group_is_told_and_does_not_answer() {
        let mut types = Types::built_in();
        types.set_broken("batch/v1", Some("no endpoints"));
        let jobs = Gvr::new("batch", "v1", "jobs");
        assert_eq!(types.get(&jobs).expect_err("it is broken").kind(), ClusterErrorKind::Unavailable);
        let discovery = types.discovery();
        assert!(discovery.get(&jobs).is_none());
        assert_eq!(discovery.broken()[0].group_version, "batch/v1");
        types.set_broken("batch/v1", None);
        assert!(types.discovery().get(&jobs).is_some());
    }
}
