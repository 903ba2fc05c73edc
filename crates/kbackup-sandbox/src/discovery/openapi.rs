//! OpenAPI v3, as far as clients decide by it: which writes take which parameters, and that every type is an object.
//!
//! kubectl looks whether a PATCH of a type takes `fieldValidation`, and then leaves validation to the server; it looks
//! for strategic merge patches too, and where it finds none it uses the merge keys that are built into it.

use kbackup_core::model::ResourceType;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::groups::{Group, Version};

/// The document of `/openapi/v3`: where the others are, with a hash that changes when they do.
pub(crate) fn index(groups: &[Group]) -> Value {
    let mut paths = Map::new();
    for group in groups {
        for version in group.versions.iter().filter(|version| !version.broken) {
            let path = path(group, version);
            let hash = hash(&document(group, version));
            let url = format!("/openapi/v3/{path}?hash={hash}");
            paths.insert(path, json!({"serverRelativeURL": url}));
        }
    }
    json!({"paths": paths})
}

/// The document of one version of a group.
pub(crate) fn document(group: &Group, version: &Version) -> Value {
    let kept = || version.types.iter().filter(|ty| !ty.verbs.is_empty());
    let paths: Map<_, _> = kept().map(|ty| (object_path(group, version, ty), operations(ty))).collect();
    let schemas: Map<_, _> = kept().map(|ty| (schema_name(ty), schema(ty))).collect();
    json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "unversioned"},
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

fn path(group: &Group, version: &Version) -> String {
    let root = if group.name.is_empty() { "api" } else { "apis" };
    format!("{root}/{}", group.group_version(version))
}

fn object_path(group: &Group, version: &Version, ty: &ResourceType) -> String {
    let namespace = if ty.namespaced { "/namespaces/{namespace}" } else { "" };
    format!("/{}{namespace}/{}/{{name}}", path(group, version), ty.gvr.plural)
}

fn operations(ty: &ResourceType) -> Value {
    let read =
        json!({"x-kubernetes-action": "get", "x-kubernetes-group-version-kind": gvk(ty), "responses": answers(ty)});
    let write = |action: &str, body: &[&str]| {
        let content: Map<_, _> =
            body.iter().map(|media| ((*media).to_owned(), json!({"schema": reference(ty)}))).collect();
        let parameters = ["dryRun", "fieldManager", "fieldValidation", "force"].map(parameter);
        json!({
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": gvk(ty),
            "parameters": parameters,
            "requestBody": {"content": content},
            "responses": answers(ty),
        })
    };
    let patches = ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"];
    json!({"get": read, "put": write("put", &["application/json"]), "patch": write("patch", &patches)})
}

fn answers(ty: &ResourceType) -> Value {
    json!({"200": {"description": "OK", "content": {"application/json": {"schema": reference(ty)}}}})
}

fn parameter(name: &str) -> Value {
    json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}})
}

fn schema(ty: &ResourceType) -> Value {
    let word = json!({"type": "string"});
    json!({
        "type": "object",
        "properties": {"apiVersion": word, "kind": word, "metadata": {"type": "object"}},
        "x-kubernetes-preserve-unknown-fields": true,
        "x-kubernetes-group-version-kind": [gvk(ty)],
    })
}

fn reference(ty: &ResourceType) -> Value {
    json!({"$ref": format!("#/components/schemas/{}", schema_name(ty))})
}

fn schema_name(ty: &ResourceType) -> String {
    let group = if ty.gvr.group.is_empty() { "core" } else { &ty.gvr.group };
    format!("{group}.{}.{}", ty.gvr.version, ty.kind)
}

fn gvk(ty: &ResourceType) -> Value {
    json!({"group": ty.gvr.group, "version": ty.gvr.version, "kind": ty.kind})
}

fn hash(document: &Value) -> String {
    let digest = Sha256::digest(document.to_string());
    digest.iter().take(16).map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::groups::{groups, tests::discovery};
    use super::*;

    #[test]
    fn the_index_names_what_can_be_asked() {
        let index = index(&groups(&discovery()));
        let paths: Vec<_> = index["paths"].as_object().into_iter().flat_map(Map::keys).collect();
        assert_eq!(paths, ["api/v1", "apis/a.io/v1", "apis/a.io/v1beta1"]);
        let url = index["paths"]["api/v1"]["serverRelativeURL"].as_str().unwrap_or_default();
        assert!(url.starts_with("/openapi/v3/api/v1?hash="), "{url}");
    }

    #[test]
    fn a_patch_takes_field_validation() {
        let groups = groups(&discovery());
        let document = document(&groups[1], &groups[1].versions[0]);
        let patch = &document["paths"]["/apis/a.io/v1/namespaces/{namespace}/things/{name}"]["patch"];
        assert_eq!(patch["x-kubernetes-group-version-kind"]["kind"], "Thing");
        let names: Vec<_> = patch["parameters"].as_array().into_iter().flatten().map(|entry| &entry["name"]).collect();
        assert!(names.contains(&&json!("fieldValidation")), "{names:?}");
    }
}
