//! Aggregated discovery: all types in one document
//! (<https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery>).

use kbackup_core::model::ResourceType;
use serde_json::{Value, json};

use super::groups::{Group, Version};
use super::subresource::{Subresource, subresources};

/// The media type of the document.
pub(crate) const MEDIA_TYPE: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// The document of these groups: the core group for `/api`, all others for `/apis`.
pub(crate) fn aggregated<'a>(groups: impl Iterator<Item = &'a Group>) -> Value {
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {},
        "items": groups.map(group).collect::<Vec<_>>(),
    })
}

fn group(group: &Group) -> Value {
    let metadata = if group.name.is_empty() { json!({}) } else { json!({"name": group.name}) };
    json!({"metadata": metadata, "versions": group.versions.iter().map(version).collect::<Vec<_>>()})
}

fn version(version: &Version) -> Value {
    json!({
        "version": version.name,
        "freshness": if version.broken { "Stale" } else { "Current" },
        "resources": version.types.iter().map(|ty| resource(ty)).collect::<Vec<_>>(),
    })
}

fn resource(ty: &ResourceType) -> Value {
    let kind = json!({"group": ty.gvr.group, "version": ty.gvr.version, "kind": ty.kind});
    let mut resource = json!({
        "resource": ty.gvr.plural,
        "responseKind": kind,
        "scope": if ty.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": ty.singular,
        "verbs": ty.verbs.iter().map(|verb| verb.as_str()).collect::<Vec<_>>(),
    });
    if !ty.short_names.is_empty() {
        resource["shortNames"] = json!(ty.short_names);
    }
    if !ty.categories.is_empty() {
        resource["categories"] = json!(ty.categories);
    }
    let subresources: Vec<_> = subresources(ty).iter().map(subresource).collect();
    if !subresources.is_empty() {
        resource["subresources"] = subresources.into();
    }
    resource
}

fn subresource(sub: &Subresource) -> Value {
    let kind = json!({"group": sub.group, "version": sub.version, "kind": sub.kind});
    json!({"subresource": sub.name, "responseKind": kind, "verbs": sub.verbs})
}

#[cfg(test)]
mod tests {
    use super::super::groups::{groups, tests::discovery};
    use super::*;

    #[test]
    fn the_document() {
        let groups = groups(&discovery());
        let document = aggregated(groups.iter().filter(|group| !group.name.is_empty()));
        assert_eq!(document["items"][0]["metadata"]["name"], "a.io");
        let resource = &document["items"][0]["versions"][0]["resources"][0];
        assert_eq!(resource["responseKind"], json!({"group": "a.io", "version": "v1", "kind": "Thing"}));
        assert_eq!(resource["scope"], "Namespaced");
        assert_eq!(resource["subresources"][0]["subresource"], "status");
        assert_eq!(document["items"][1]["versions"][0]["freshness"], "Stale");
    }
}
