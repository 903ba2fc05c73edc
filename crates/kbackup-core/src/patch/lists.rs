//! Which lists of the built-in types are maps by a key, as data.
//!
//! In Kubernetes' own schemas this is `x-kubernetes-patch-merge-key` for strategic merge patches and
//! `x-kubernetes-list-map-keys` for server-side apply. What is not in the table is one value.

use serde_json::Value;

/// Whose lists they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lists {
    /// A built-in type's: its lists are as the table of this module says.
    BuiltIn,
    /// A custom type's: all lists but those of the metadata are one value, as without a schema.
    Custom,
}

/// What a list is to a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListKind {
    /// One value.
    Atomic,
    /// A set of plain values.
    Set,
    /// A map: an element is what its keys say. A strategic merge patch goes by the first key alone.
    Map(&'static [&'static str]),
}

/// The field that holds the list's owner (`*` for any), the list's field, what it is.
const BUILT_IN: &[(&str, &str, ListKind)] = &[
    ("metadata", "ownerReferences", ListKind::Map(&["uid"])),
    ("metadata", "finalizers", ListKind::Set),
    ("status", "conditions", ListKind::Map(&["type"])),
    ("spec", "finalizers", ListKind::Set),
    ("spec", "containers", ListKind::Map(&["name"])),
    ("spec", "initContainers", ListKind::Map(&["name"])),
    ("spec", "ephemeralContainers", ListKind::Map(&["name"])),
    ("spec", "volumes", ListKind::Map(&["name"])),
    ("spec", "imagePullSecrets", ListKind::Map(&["name"])),
    ("", "imagePullSecrets", ListKind::Map(&["name"])),
    ("", "secrets", ListKind::Map(&["name"])),
    ("spec", "hostAliases", ListKind::Map(&["ip"])),
    ("spec", "topologySpreadConstraints", ListKind::Map(&["topologyKey", "whenUnsatisfiable"])),
    ("spec", "schedulingGates", ListKind::Map(&["name"])),
    ("spec", "resourceClaims", ListKind::Map(&["name"])),
    ("spec", "taints", ListKind::Map(&["key", "effect"])),
    ("spec", "podCIDRs", ListKind::Set),
    ("status", "addresses", ListKind::Map(&["type"])),
    ("status", "podIPs", ListKind::Map(&["ip"])),
    ("resources", "claims", ListKind::Map(&["name"])),
    ("spec", "ports", ListKind::Map(&["port", "protocol"])),
    ("containers", "ports", ListKind::Map(&["containerPort", "protocol"])),
    ("initContainers", "ports", ListKind::Map(&["containerPort", "protocol"])),
    ("ephemeralContainers", "ports", ListKind::Map(&["containerPort", "protocol"])),
    ("*", "env", ListKind::Map(&["name"])),
    ("*", "volumeMounts", ListKind::Map(&["mountPath"])),
    ("*", "volumeDevices", ListKind::Map(&["devicePath"])),
    ("", "webhooks", ListKind::Map(&["name"])),
    ("webhooks", "matchConditions", ListKind::Map(&["name"])),
    ("spec", "drivers", ListKind::Map(&["name"])),
];

impl Lists {
    /// What the list `field` of an object in the field `parent` is, given what is in it.
    pub(super) fn kind(self, parent: &str, field: &str, elements: &[Value]) -> ListKind {
        let row = BUILT_IN.iter().find(|(of, name, _)| *name == field && (*of == parent || *of == "*"));
        match row.map(|(of, _, kind)| (*of, *kind)) {
            Some((of, _)) if self == Self::Custom && of != "metadata" => ListKind::Atomic,
            // A list of the same name elsewhere may have other elements: those can't be told apart by these keys.
            Some((_, ListKind::Map(keys))) if elements.iter().any(|element| !has_key(element, keys[0])) => {
                ListKind::Atomic
            }
            Some((_, kind)) => kind,
            None => ListKind::Atomic,
        }
    }
}

/// The values by which an element of a map is known, by key. A port has a protocol even where it names none.
pub(super) fn keys_of(element: &Value, keys: &[&str]) -> Value {
    let value = |key: &str| match element.get(key) {
        None if key == "protocol" => "TCP".into(),
        found => found.cloned().unwrap_or_default(),
    };
    keys.iter().map(|key| ((*key).to_owned(), value(key))).collect()
}

/// An element that only says what happens to the list has no key.
fn has_key(element: &Value, key: &str) -> bool {
    element.get(key).is_some() || element.get("$patch").is_some_and(|directive| directive == "replace")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_are_known_by_where_they_are_and_what_is_in_them() {
        let kind = |lists: Lists, parent, field, elements: Value| {
            lists.kind(parent, field, elements.as_array().map(Vec::as_slice).unwrap_or_default())
        };
        let containers = json!([{"name": "web"}]);
        assert_eq!(kind(Lists::BuiltIn, "spec", "containers", containers.clone()), ListKind::Map(&["name"]));
        assert_eq!(kind(Lists::Custom, "spec", "containers", containers), ListKind::Atomic);
        assert_eq!(kind(Lists::Custom, "metadata", "finalizers", json!(["a"])), ListKind::Set);
        assert_eq!(kind(Lists::BuiltIn, "spec", "volumes", json!(["nfs"])), ListKind::Atomic);
        assert_eq!(kind(Lists::BuiltIn, "ingress", "ports", json!([{"port": 80}])), ListKind::Atomic);
        assert_eq!(kind(Lists::BuiltIn, "containers", "args", json!(["-v"])), ListKind::Atomic);
    }
}
