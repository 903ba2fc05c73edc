use serde_json::{Value, json};

use super::*;

fn root(document: Value) -> Vec<GroupVersion> {
    serde_json::from_value::<Root>(document).expect("a discovery document").group_versions()
}

/// The types as `gvr kind scope status preferred`.
fn lines(types: Vec<ResourceType>) -> Vec<String> {
    let line = |ty: ResourceType| {
        let scope = if ty.namespaced { "namespaced" } else { "cluster" };
        let flags = [(ty.has_status, " status"), (ty.preferred, " preferred")];
        let flags: String = flags.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect();
        format!("{} {} {scope}{flags}", ty.gvr, ty.kind)
    };
    types.into_iter().map(line).collect()
}

fn deployments(version: &str) -> Value {
    json!({"version": version, "freshness": "Current", "resources": [
        {"resource": "deployments", "responseKind": {"group": "", "version": "", "kind": "Deployment"},
         "scope": "Namespaced", "singularResource": "deployment", "verbs": ["create", "get", "proxy"],
         "shortNames": ["deploy"], "categories": ["all"],
         "subresources": [{"subresource": "scale"}, {"subresource": "status"}]},
        {"resource": "tokens", "scope": "Cluster", "verbs": []},
    ]})
}

#[test]
fn aggregated_documents_have_everything() {
    let group_versions =
        root(json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": [
            {"metadata": {"name": "apps"}, "versions": [deployments("v1"), deployments("v1beta1")]},
            {"metadata": {}, "versions": [{"version": "v1", "resources": []}]},
            {"metadata": {"name": "metrics.k8s.io"}, "versions": [{"version": "v1beta1", "freshness": "Stale"}]},
        ]}));
    let names: Vec<(String, bool)> = group_versions.iter().map(|gv| (gv.name(), gv.types.is_some())).collect();
    let expect = [("apps/v1", true), ("apps/v1beta1", true), ("v1", true), ("metrics.k8s.io/v1beta1", false)];
    assert_eq!(names, expect.map(|(name, known)| (name.to_owned(), known)));

    let types: Vec<_> = group_versions.into_iter().filter_map(|gv| gv.types).flatten().collect();
    assert_eq!(
        (types[0].verbs.as_slice(), types[0].short_names[0].as_str()),
        ([Verb::Create, Verb::Get].as_slice(), "deploy")
    );
    assert_eq!(
        lines(mark_preferred(types)),
        [
            "apps/v1/deployments Deployment namespaced status preferred",
            "apps/v1beta1/deployments Deployment namespaced status"
        ]
    );
}

#[test]
fn legacy_documents_name_the_group_versions() {
    let names = |document| root(document).iter().map(GroupVersion::name).collect::<Vec<_>>();
    assert_eq!(names(json!({"kind": "APIVersions", "versions": ["v1"]})), ["v1"]);
    let groups = json!({"kind": "APIGroupList", "groups": [{"name": "autoscaling",
        "versions": [{"groupVersion": "autoscaling/v1", "version": "v1"}, {"version": "v2"}],
        "preferredVersion": {"version": "v2"}}]});
    assert_eq!(names(groups), ["autoscaling/v2", "autoscaling/v1"]);
}

#[test]
fn legacy_resources_are_types_and_their_subresources() {
    let document = json!({"kind": "APIResourceList", "groupVersion": "v1", "resources": [
        {"name": "namespaces", "singularName": "", "namespaced": false, "kind": "Namespace", "verbs": ["list"], "shortNames": ["ns"]},
        {"name": "namespaces/finalize", "singularName": "", "namespaced": false, "kind": "Namespace", "verbs": ["update"]},
        {"name": "namespaces/status", "singularName": "", "namespaced": false, "kind": "Namespace", "verbs": ["get"]},
        {"name": "secrets", "singularName": "secret", "namespaced": true, "kind": "Secret", "verbs": ["list"]},
    ]});
    let types = serde_json::from_value::<LegacyResources>(document).expect("a document").into_types("", "v1");
    assert_eq!(types[0].singular, "namespace");
    assert_eq!(lines(types), ["v1/namespaces Namespace cluster status", "v1/secrets Secret namespaced"]);
}
