//! The objects that the cluster is filled with. Pure: the same number is always the same object.

use std::fmt::Write as _;

use serde_json::{Value, json};

/// Over how many namespaces the objects are spread.
pub(crate) const NAMESPACES: usize = 20;

/// The group of the custom resources.
pub(crate) const GROUP: &str = "scale.kbackup.dev";

/// An object, and the type to create it as.
pub(crate) struct Made {
    pub(crate) gvr: &'static str,
    pub(crate) object: Value,
}

/// What the objects stand in: their namespaces, and the definition of the custom resource.
pub(crate) fn foundations() -> Vec<Made> {
    let namespace = |number| Made {
        gvr: "v1/namespaces",
        object: json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace(number)}}),
    };
    let mut made: Vec<Made> = (0..NAMESPACES).map(namespace).collect();
    made.push(definition());
    made
}

/// The object of this number. Of twenty, eight are ConfigMaps, four Secrets, two ServiceAccounts, one is a Deployment
/// without replicas, one a Role, and four are custom resources; most are about 1 KiB as the server gives them back.
pub(crate) fn object(number: usize) -> Made {
    let (gvr, object) = match number % 20 {
        0..8 => ("v1/configmaps", config_map(number)),
        8..12 => ("v1/secrets", secret(number)),
        12..14 => ("v1/serviceaccounts", typed("v1", "ServiceAccount", number, json!({}))),
        14 => ("apps/v1/deployments", deployment(number)),
        15 => ("rbac.authorization.k8s.io/v1/roles", role(number)),
        _ => ("scale.kbackup.dev/v1/carts", cart(number)),
    };
    Made { gvr, object }
}

/// The large object of this number: a ConfigMap of 900 KiB, near the most that there can be.
pub(crate) fn large(number: usize) -> Made {
    let mut object = typed("v1", "ConfigMap", number, json!({"data": {"blob": noise(number, 0, 900 << 10)}}));
    object["metadata"]["name"] = Value::from(format!("large-{number:07}"));
    Made { gvr: "v1/configmaps", object }
}

fn namespace(number: usize) -> String {
    format!("scale-{:02}", number % NAMESPACES)
}

/// An object with the metadata that they all have, and these fields.
fn typed(api_version: &str, kind: &str, number: usize, fields: Value) -> Value {
    // Dividing first spreads each kind over all namespaces.
    let (name, namespace) = (format!("object-{number:07}"), namespace(number / 20));
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {
        "name": name, "namespace": namespace,
        "labels": {"app.kubernetes.io/name": format!("app-{}", number / 20 % 50), "app.kubernetes.io/managed-by": "scale"},
        "annotations": {"example.com/owner": format!("team-{}@example.com", number / 20 % 7)}}});
    if let (Some(object), Value::Object(fields)) = (object.as_object_mut(), fields) {
        object.extend(fields);
    }
    object
}

fn config_map(number: usize) -> Value {
    let mut lines = String::new();
    for line in 0..8 {
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "setting.{line}.of.the.service: \"{}\"", noise(number, line, 24));
    }
    typed("v1", "ConfigMap", number, json!({"data": {"application.yaml": lines, "level": "info"}}))
}

fn secret(number: usize) -> Value {
    let token = noise(number, 0, 400);
    typed(
        "v1",
        "Secret",
        number,
        json!({"type": "Opaque", "stringData": {"password": noise(number, 1, 24), "token": token}}),
    )
}

fn deployment(number: usize) -> Value {
    let labels = json!({"app": format!("app-{number}")});
    let container = json!({"name": "app", "image": format!("registry.example.com/app:{}", noise(number, 0, 12)),
        "ports": [{"containerPort": 8080}], "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
        "env": [{"name": "LEVEL", "value": "info"}, {"name": "KEY", "value": noise(number, 1, 16)}]});
    let spec = json!({"replicas": 0, "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}}});
    typed("apps/v1", "Deployment", number, json!({"spec": spec}))
}

fn role(number: usize) -> Value {
    let rule =
        |resource: &str| json!({"apiGroups": ["", "apps"], "resources": [resource], "verbs": ["get", "list", "watch"]});
    let rules: Vec<Value> = ["pods", "deployments", "configmaps", "services"].map(rule).into();
    typed("rbac.authorization.k8s.io/v1", "Role", number, json!({"rules": rules}))
}

fn cart(number: usize) -> Value {
    let item =
        |item| json!({"sku": noise(number, item, 12), "amount": number % 9 + 1, "note": noise(number, item + 9, 32)});
    let items: Vec<Value> = (0..5).map(item).collect();
    typed(&format!("{GROUP}/v1"), "Cart", number, json!({"spec": {"customer": noise(number, 20, 20), "items": items}}))
}

fn definition() -> Made {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let object = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("carts.{GROUP}")},
        "spec": {"group": GROUP, "scope": "Namespaced",
            "names": {"plural": "carts", "singular": "cart", "kind": "Cart", "listKind": "CartList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}});
    Made { gvr: "apiextensions.k8s.io/v1/customresourcedefinitions", object }
}

/// Letters and digits without a pattern: data that repeats would compress as no real data does.
fn noise(number: usize, salt: usize, length: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut state = (number as u64) << 8 | salt as u64;
    let letter = |_| char::from(ALPHABET[(split_mix(&mut state) % 64) as usize]);
    (0..length).map(letter).collect()
}

/// The next number of a well-known small generator (SplitMix64).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut bits = *state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn kinds_and_namespaces_are_spread_evenly() {
        let (mut kinds, mut namespaces) = (BTreeMap::new(), BTreeMap::new());
        for number in 0..4_000 {
            let made = object(number);
            *kinds.entry(made.gvr).or_insert(0) += 1;
            let namespace = made.object["metadata"]["namespace"].to_string();
            *namespaces.entry((made.gvr, namespace)).or_insert(0) += 1;
        }
        assert_eq!((kinds["v1/configmaps"], kinds["apps/v1/deployments"], kinds.len()), (1_600, 200, 6));
        assert_eq!(namespaces.len(), 6 * NAMESPACES);
        assert!(namespaces.values().all(|count| [10, 20, 40, 80].contains(count)), "{namespaces:?}");
    }

    #[test]
    fn the_same_number_is_the_same_object() {
        assert_eq!(object(17).object, object(17).object);
        assert_ne!(object(17).object["spec"], object(37).object["spec"]);
    }
}
