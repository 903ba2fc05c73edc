//! The types of a cluster, by group and version.

use std::sync::Arc;

use kbackup_core::model::{Discovery, ResourceType};

/// An API group with its versions, the preferred one first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    /// Its name; empty for the core group.
    pub(crate) name: String,
    pub(crate) versions: Vec<Version>,
}

/// A version of an API group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) name: String,
    pub(crate) types: Vec<Arc<ResourceType>>,
    /// Whether the group's own server does not answer, so that its types are not known.
    pub(crate) broken: bool,
}

/// All groups, in the server's order.
pub(crate) fn groups(discovery: &Discovery) -> Vec<Group> {
    let mut groups = Vec::new();
    for ty in discovery.types() {
        version_mut(&mut groups, &ty.gvr.group, &ty.gvr.version).types.push(Arc::clone(ty));
    }
    for broken in discovery.broken() {
        let (group, version) = broken.group_version.split_once('/').unwrap_or((&broken.group_version, "v1"));
        version_mut(&mut groups, group, version).broken = true;
    }
    for group in &mut groups {
        group.versions.sort_by_key(|version| !version.types.iter().any(|ty| ty.preferred));
    }
    groups
}

fn version_mut<'a>(groups: &'a mut Vec<Group>, group: &str, version: &str) -> &'a mut Version {
    let at = groups.iter().position(|known| known.name == group).unwrap_or_else(|| {
        groups.push(Group { name: group.to_owned(), versions: Vec::new() });
        groups.len() - 1
    });
    let versions = &mut groups[at].versions;
    let at = versions.iter().position(|known| known.name == version).unwrap_or_else(|| {
        versions.push(Version { name: version.to_owned(), types: Vec::new(), broken: false });
        versions.len() - 1
    });
    &mut versions[at]
}

impl Group {
    /// `group/version`, or the version alone in the core group.
    pub(crate) fn group_version(&self, version: &Version) -> String {
        if self.name.is_empty() { version.name.clone() } else { format!("{}/{}", self.name, version.name) }
    }

    /// The version of this name.
    pub(crate) fn version(&self, name: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.name == name)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use kbackup_core::model::{BrokenGroup, Gvr, Verb};

    use super::*;

    pub(crate) fn ty(gvr: &str, kind: &str, namespaced: bool, preferred: bool) -> ResourceType {
        let gvr: Gvr = gvr.parse().expect("a type");
        ResourceType {
            gvr,
            kind: kind.to_owned(),
            singular: kind.to_ascii_lowercase(),
            short_names: Vec::new(),
            categories: vec!["all".to_owned()],
            namespaced,
            verbs: vec![Verb::Get, Verb::List],
            has_status: true,
            preferred,
        }
    }

    pub(crate) fn discovery() -> Discovery {
        let types = vec![
            ty("v1/pods", "Pod", true, true),
            ty("a.io/v1beta1/things", "Thing", true, false),
            ty("a.io/v1/things", "Thing", true, true),
        ];
        let broken = BrokenGroup { group_version: "metrics.k8s.io/v1beta1".to_owned(), message: "gone".to_owned() };
        Discovery::new(types, vec![broken])
    }

    #[test]
    fn preferred_versions_come_first_and_broken_groups_are_there() {
        let groups = groups(&discovery());
        let told: Vec<_> = groups
            .iter()
            .flat_map(|group| group.versions.iter().map(|version| (group.group_version(version), version.broken)))
            .collect();
        let expect = [("v1", false), ("a.io/v1", false), ("a.io/v1beta1", false), ("metrics.k8s.io/v1beta1", true)];
        assert_eq!(told, expect.map(|(name, broken)| (name.to_owned(), broken)));
    }
}
