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
    ("spec", "versions", ListKind::Map(&["name"])),
];

impl Lists {
    /// What the list `field` of an object in the field `parent` is, given what is in it.
    pub(super) fn kind(self, parent: &str, field: &str, elements: &[Value]) -> ListKind {
        let row = BUILT_IN.iter().find(|(of, name, _)| *name == field && (*of == parent || *of == "*"));
        match row.map(|(of, _, kind)| (*of, *kind)) {
            Some((of, _)) if self == Self::Custom && of != "metadata" => ListKind::Atomic,
            // A list of the same name elsewhere may have other elements: those can't be told apart by these keys.
            Some((_, ListKind::Map(keys))) if elements.iter().any(|element| element.get(keys[0]).is_none()) => {
                ListKind::Atomic
            }
            Some((_, kind)) => kind,
            None => ListKind::Atomic,
        }
    }
}
