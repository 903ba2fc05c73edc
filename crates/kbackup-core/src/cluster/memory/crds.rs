//! CustomResourceDefinitions: the types that they add
//! (<https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/>).

use std::cmp::Reverse;

use serde_json::{Value, json};

use super::types::Served;
use super::{builtin, errors, tree};
use crate::cluster::FieldError;
use crate::model::{Gvr, ResourceType};

/// Where the definitions are kept.
pub(super) const TABLE: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// What keeps a definition until its instances are gone.
pub(super) const CLEANUP_FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

/// The defaults of a definition.
pub(super) fn fill_in(crd: &mut Value) {
    let kind = tree::text(crd, &["spec", "names", "kind"]).to_owned();
    tree::set_default(crd, &["spec", "names", "singular"], kind.to_ascii_lowercase());
    tree::set_default(crd, &["spec", "names", "listKind"], format!("{kind}List"));
    tree::set_default(crd, &["spec", "conversion"], json!({"strategy": "None"}));
}

/// What is wrong with a new definition.
pub(super) fn violations(crd: &Value) -> Vec<FieldError> {
    let (group, plural) = (tree::text(crd, &["spec", "group"]), tree::text(crd, &["spec", "names", "plural"]));
    let mut found: Vec<FieldError> = [("spec.group", group), ("spec.names.plural", plural)]
        .into_iter()
        .filter(|(_, value)| value.is_empty())
        .map(|(field, _)| errors::required(field, ""))
        .collect();
    let name = tree::text(crd, &["metadata", "name"]);
    if found.is_empty() && name != table_of(crd) {
        let why = "must be spec.names.plural+\".\"+spec.group";
        found.push(errors::bad_value("metadata.name", &format!("{name:?}"), why));
    }
    let versions = tree::list(crd, &["spec", "versions"]);
    let stored = versions.iter().filter(|version| version.get("storage") == Some(&Value::Bool(true))).count();
    if stored != 1 {
        let why = "must have exactly one version marked as storage version";
        found.push(errors::bad_value("spec.versions", "the given versions", why));
    }
    found
}

/// The status that the controllers of a real server give to a definition.
pub(super) fn first_status(crd: &Value, now: &str) -> Value {
    let condition = |ty: &str, reason: &str, message: &str| json!({"type": ty, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now});
    json!({
        "acceptedNames": tree::at(crd, &["spec", "names"]),
        "storedVersions": [storage_version(crd)],
        "conditions": [
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ],
    })
}

/// The table of a definition's instances.
pub(super) fn table_of(crd: &Value) -> String {
    Gvr::new(tree::text(crd, &["spec", "group"]), "", tree::text(crd, &["spec", "names", "plural"])).group_resource()
}

/// Every served version of the type that a definition adds, best first.
pub(super) fn types(crd: &Value) -> Vec<Served> {
    let mut served: Vec<&Value> = tree::list(crd, &["spec", "versions"])
        .iter()
        .filter(|version| version.get("served").and_then(Value::as_bool) != Some(false))
        .collect();
    served.sort_by_key(|version| Reverse(priority(tree::text(version, &["name"]))));
    served.iter().enumerate().map(|(at, version)| type_of(crd, version, at == 0)).collect()
}

fn type_of(crd: &Value, version: &Value, preferred: bool) -> Served {
    let (group, plural) = (tree::text(crd, &["spec", "group"]), tree::text(crd, &["spec", "names", "plural"]));
    let words = |field| {
        let words = tree::list(crd, &["spec", "names", field]).iter().filter_map(Value::as_str);
        words.map(str::to_owned).collect()
    };
    let ty = ResourceType {
        gvr: Gvr::new(group, tree::text(version, &["name"]), plural),
        kind: tree::text(crd, &["spec", "names", "kind"]).to_owned(),
        singular: tree::text(crd, &["spec", "names", "singular"]).to_owned(),
        short_names: words("shortNames"),
        categories: words("categories"),
        namespaced: tree::text(crd, &["spec", "scope"]) != "Cluster",
        verbs: builtin::verbs(),
        has_status: tree::at(version, &["subresources", "status"]).is_some(),
        preferred,
    };
    let kept_as = Gvr::new(group, storage_version(crd), plural);
    Served { ty: ty.into(), table: table_of(crd).into(), kept_as, custom: true, has_generation: true }
}

fn storage_version(crd: &Value) -> &str {
    let versions = tree::list(crd, &["spec", "versions"]);
    let stored = versions.iter().find(|version| version.get("storage") == Some(&Value::Bool(true)));
    stored.or(versions.first()).map(|version| tree::text(version, &["name"])).unwrap_or_default()
}

/// The order of versions: general availability, then beta, then alpha, newest first, then all others
/// (<https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#version-priority>).
fn priority(version: &str) -> (u8, u64, u64, Reverse<String>) {
    let other = (0, 0, 0, Reverse(version.to_owned()));
    let Some(rest) = version.strip_prefix('v') else { return other };
    let (stage, numbers) = if let Some(numbers) = rest.split_once("alpha") {
        (1, numbers)
    } else if let Some(numbers) = rest.split_once("beta") {
        (2, numbers)
    } else {
        (3, (rest, "0"))
    };
    match (numbers.0.parse(), numbers.1.parse()) {
        (Ok(major), Ok(minor)) => (stage, major, minor, Reverse(String::new())),
        _ => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_kubernetes_does() {
        let expect = ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "foo1", "foo10"];
        let mut versions = expect;
        versions.reverse();
        versions.sort_by_key(|version| Reverse(priority(version)));
        assert_eq!(versions, expect);
    }

    #[test]
    fn a_definition_adds_its_served_versions() {
        let mut crd = json!({
            "metadata": {"name": "shirts.example.com"},
            "spec": {
                "group": "example.com", "scope": "Namespaced",
                "names": {"plural": "shirts", "kind": "Shirt", "shortNames": ["sh"]},
                "versions": [
                    {"name": "v1alpha1", "served": false, "storage": false},
                    {"name": "v1beta1", "served": true, "storage": false},
                    {"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}},
                ],
            },
        });
        fill_in(&mut crd);
        assert_eq!(violations(&crd), []);
        assert_eq!(first_status(&crd, "2026-11-23T00:00:00Z")["storedVersions"], json!(["v1"]));
        let types = types(&crd);
        let versions: Vec<&str> = types.iter().map(|served| &*served.ty.gvr.version).collect();
        assert_eq!(versions, ["v1", "v1beta1"]);
        assert!(types[0].ty.preferred && types[0].ty.has_status && !types[1].ty.has_status);
        assert_eq!(
            (&*types[1].table, &*types[1].kept_as.version, &*types[1].ty.singular),
            ("shirts.example.com", "v1", "shirt")
        );
    }
}
