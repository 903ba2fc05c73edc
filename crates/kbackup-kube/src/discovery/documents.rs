//! The discovery documents, and the types that they describe. Pure.
//!
//! Aggregated: <https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery>. Legacy:
//! `APIVersions`, `APIGroupList` and `APIResourceList` of `meta/v1`.

use std::collections::HashSet;

use kbackup_core::model::{Gvr, ResourceType, Verb};
use serde::Deserialize;

use crate::json::null_is_empty;

/// What `/api` and `/apis` answer: which of the three it is, its `kind` says.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind")]
pub(super) enum Root {
    /// All groups with all their types.
    #[serde(rename = "APIGroupDiscoveryList")]
    Aggregated {
        #[serde(default, deserialize_with = "null_is_empty")]
        items: Vec<Group>,
    },
    /// The versions of the core group.
    #[serde(rename = "APIVersions")]
    Core {
        #[serde(default, deserialize_with = "null_is_empty")]
        versions: Vec<String>,
    },
    /// The other groups, without their types.
    #[serde(rename = "APIGroupList")]
    Named {
        #[serde(default, deserialize_with = "null_is_empty")]
        groups: Vec<LegacyGroup>,
    },
}

/// A group of aggregated discovery.
#[derive(Debug, Deserialize)]
pub(super) struct Group {
    #[serde(default, deserialize_with = "null_is_empty")]
    metadata: GroupMeta,
    #[serde(default, deserialize_with = "null_is_empty")]
    versions: Vec<Version>,
}

#[derive(Debug, Default, Deserialize)]
struct GroupMeta {
    #[serde(default, deserialize_with = "null_is_empty")]
    name: String,
}

#[derive(Debug, Deserialize)]
struct Version {
    version: String,
    #[serde(default)]
    freshness: Option<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    resources: Vec<Resource>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    resource: String,
    #[serde(default)]
    response_kind: Option<Kind>,
    #[serde(default, deserialize_with = "null_is_empty")]
    scope: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    singular_resource: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    verbs: Vec<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    short_names: Vec<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    categories: Vec<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    subresources: Vec<Subresource>,
}

#[derive(Debug, Deserialize)]
struct Kind {
    kind: String,
}

#[derive(Debug, Deserialize)]
struct Subresource {
    subresource: String,
}

/// A group of legacy discovery.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LegacyGroup {
    name: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    versions: Vec<LegacyVersion>,
    #[serde(default)]
    preferred_version: Option<LegacyVersion>,
}

#[derive(Debug, Deserialize)]
struct LegacyVersion {
    version: String,
}

/// The types of one group version, in legacy discovery.
#[derive(Debug, Deserialize)]
pub(super) struct LegacyResources {
    #[serde(default, deserialize_with = "null_is_empty")]
    resources: Vec<LegacyResource>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LegacyResource {
    name: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    singular_name: String,
    namespaced: bool,
    kind: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    verbs: Vec<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    short_names: Vec<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    categories: Vec<String>,
}

/// A group version, and its types where the document at hand has them.
#[derive(Debug)]
pub(super) struct GroupVersion {
    pub(super) group: String,
    pub(super) version: String,
    /// `None` where the group version is yet to be asked itself.
    pub(super) types: Option<Vec<ResourceType>>,
}

impl GroupVersion {
    /// `group/version`, or `version` in the core group.
    pub(super) fn name(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

impl Root {
    /// The group versions that the document names, the preferred one of a group first.
    pub(super) fn group_versions(self) -> Vec<GroupVersion> {
        let unasked = |group: &str, version: String| GroupVersion { group: group.to_owned(), version, types: None };
        match self {
            Self::Aggregated { items } => items.into_iter().flat_map(Group::group_versions).collect(),
            Self::Core { versions } => versions.into_iter().map(|version| unasked("", version)).collect(),
            Self::Named { groups } => groups
                .into_iter()
                .flat_map(|group| {
                    let name = group.name.clone();
                    group.versions_by_preference().into_iter().map(move |version| unasked(&name, version))
                })
                .collect(),
        }
    }
}

impl Group {
    fn group_versions(self) -> Vec<GroupVersion> {
        let group = self.metadata.name;
        let version = |version: Version| {
            // The API server could not refresh a stale document: what it says may have been true once.
            let stale = version.freshness.as_deref() == Some("Stale");
            let types =
                version.resources.into_iter().filter_map(|resource| resource.into_type(&group, &version.version));
            let types = (!stale).then(|| types.collect());
            GroupVersion { group: group.clone(), version: version.version.clone(), types }
        };
        self.versions.into_iter().map(version).collect()
    }
}

impl Resource {
    /// `None` for what has no objects of its own and is there for its subresources.
    fn into_type(self, group: &str, version: &str) -> Option<ResourceType> {
        Some(ResourceType {
            gvr: Gvr::new(group, version, &self.resource),
            kind: self.response_kind?.kind,
            singular: self.singular_resource,
            short_names: self.short_names,
            categories: self.categories,
            namespaced: self.scope == "Namespaced",
            verbs: verbs(&self.verbs),
            has_status: self.subresources.iter().any(|sub| sub.subresource == "status"),
            preferred: false,
        })
    }
}

impl LegacyGroup {
    fn versions_by_preference(self) -> Vec<String> {
        let preferred = self.preferred_version.map(|preferred| preferred.version);
        let mut versions: Vec<String> = self.versions.into_iter().map(|version| version.version).collect();
        versions.sort_by_key(|version| Some(version) != preferred.as_ref());
        versions
    }
}

impl LegacyResources {
    /// The types that the document of `group/version` describes.
    pub(super) fn into_types(self, group: &str, version: &str) -> Vec<ResourceType> {
        // A subresource is an entry of its own here: "deployments/status".
        let (subresources, resources): (Vec<_>, Vec<_>) =
            self.resources.into_iter().partition(|resource| resource.name.contains('/'));
        let with_status: HashSet<&str> =
            subresources.iter().filter_map(|resource| resource.name.strip_suffix("/status")).collect();
        let ty = |resource: LegacyResource| ResourceType {
            gvr: Gvr::new(group, version, &resource.name),
            has_status: with_status.contains(resource.name.as_str()),
            singular: if resource.singular_name.is_empty() {
                resource.kind.to_lowercase()
            } else {
                resource.singular_name
            },
            kind: resource.kind,
            short_names: resource.short_names,
            categories: resource.categories,
            namespaced: resource.namespaced,
            verbs: verbs(&resource.verbs),
            preferred: false,
        };
        resources.into_iter().map(ty).collect()
    }
}

/// The same types, of each group resource the first version marked as the preferred one: as kubectl does, a type that
/// the group's preferred version lacks is taken from the next one that has it.
pub(super) fn mark_preferred(mut types: Vec<ResourceType>) -> Vec<ResourceType> {
    let mut seen = HashSet::new();
    for ty in &mut types {
        ty.preferred = seen.insert(ty.gvr.group_resource());
    }
    types
}

fn verbs(names: &[String]) -> Vec<Verb> {
    names.iter().filter_map(|name| Verb::parse(name)).collect()
}

#[cfg(test)]
mod tests;
