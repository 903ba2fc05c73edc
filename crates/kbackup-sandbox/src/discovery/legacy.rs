//! Discovery as it was before it was aggregated: a document for each group and version
//! (<https://kubernetes.io/docs/concepts/overview/kubernetes-api/#unaggregated-discovery>).

use kbackup_core::model::ResourceType;
use serde_json::{Value, json};

use super::groups::{Group, Version};
use super::subresource::{Subresource, subresources};

/// The document of `/api`.
pub(crate) fn api_versions(core: Option<&Group>) -> Value {
    let versions: Vec<_> = core.iter().flat_map(|group| &group.versions).map(|version| &version.name).collect();
    json!({"kind": "APIVersions", "apiVersion": "v1", "versions": versions, "serverAddressByClientCIDRs": []})
}

/// The document of `/apis`.
pub(crate) fn api_group_list<'a>(groups: impl Iterator<Item = &'a Group>) -> Value {
    let groups: Vec<_> = groups.map(group_entry).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

/// The document of `/apis/GROUP`.
pub(crate) fn api_group(group: &Group) -> Value {
    let mut document = group_entry(group);
    document["kind"] = "APIGroup".into();
    document["apiVersion"] = "v1".into();
    document
}

/// The document of `/api/VERSION` and `/apis/GROUP/VERSION`.
pub(crate) fn api_resource_list(group: &Group, version: &Version) -> Value {
    let resources: Vec<_> = version.types.iter().flat_map(|ty| resources(ty)).collect();
    let group_version = group.group_version(version);
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources})
}

fn group_entry(group: &Group) -> Value {
    let entry = |version: &Version| json!({"groupVersion": group.group_version(version), "version": version.name});
    let versions: Vec<_> = group.versions.iter().map(entry).collect();
    json!({"name": group.name, "preferredVersion": versions.first(), "versions": versions})
}

/// A type and its subresources.
fn resources(ty: &ResourceType) -> Vec<Value> {
    let mut main = json!({
        "name": ty.gvr.plural,
        "singularName": ty.singular,
        "namespaced": ty.namespaced,
        "kind": ty.kind,
        "verbs": ty.verbs.iter().map(|verb| verb.as_str()).collect::<Vec<_>>(),
    });
    if !ty.short_names.is_empty() {
        main["shortNames"] = json!(ty.short_names);
    }
    if !ty.categories.is_empty() {
        main["categories"] = json!(ty.categories);
    }
    let subresource = |sub: Subresource| {
        json!({
            "name": format!("{}/{}", ty.gvr.plural, sub.name), "singularName": "", "namespaced": ty.namespaced,
            "group": sub.group, "version": sub.version, "kind": sub.kind, "verbs": sub.verbs,
        })
    };
    std::iter::once(main).chain(subresources(ty).into_iter().map(subresource)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::groups::{groups, tests::discovery};
    use super::*;

    #[test]
    fn the_documents() {
        let groups = groups(&discovery());
        assert_eq!(api_versions(groups.first())["versions"], json!(["v1"]));
        assert_eq!(api_group(&groups[1])["preferredVersion"], json!({"groupVersion": "a.io/v1", "version": "v1"}));
        let list = api_resource_list(&groups[0], &groups[0].versions[0]);
        assert_eq!(list["groupVersion"], "v1");
        let names: Vec<_> = list["resources"].as_array().into_iter().flatten().map(|entry| &entry["name"]).collect();
        assert_eq!(names, ["pods", "pods/status"]);
        assert_eq!(api_group_list(groups.iter())["groups"].as_array().map(Vec::len), Some(3));
    }
}
