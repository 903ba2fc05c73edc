//! Which names and labels an object can have (<https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>).

use serde_json::Value;

use super::errors::{bad_value, required};
use super::tree;
use super::types::Served;
use crate::cluster::FieldError;
use crate::model::LabelSelector;

/// What is wrong with an object's metadata.
pub(super) fn violations(served: &Served, value: &Value) -> Vec<FieldError> {
    let name = tree::text(value, &["metadata", "name"]);
    let mut found: Vec<FieldError> = Vec::new();
    if name.is_empty() {
        found.push(required("metadata.name", "name or generateName is required"));
    } else if let Some(rule) = broken_rule(served, name) {
        found.push(bad_value("metadata.name", &format!("{name:?}"), rule));
    }
    found.extend(label_violations(value));
    found
}

fn broken_rule(served: &Served, name: &str) -> Option<&'static str> {
    match &*served.ty.gvr.group {
        "rbac.authorization.k8s.io" => broken_path_segment(name),
        "" if served.table.as_ref() == "namespaces" => broken_label(name),
        "" if served.table.as_ref() == "services" => broken_label(name),
        _ => broken_subdomain(name),
    }
}

fn broken_path_segment(name: &str) -> Option<&'static str> {
    match name {
        "." => Some("may not be '.'"),
        ".." => Some("may not be '..'"),
        _ if name.contains('/') => Some("may not contain '/'"),
        _ if name.contains('%') => Some("may not contain '%'"),
        _ => None,
    }
}

fn broken_label(name: &str) -> Option<&'static str> {
    if name.len() > 63 {
        return Some("must be no more than 63 characters");
    }
    (!is_label(name)).then_some(
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end \
         with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
         '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    )
}

fn broken_subdomain(name: &str) -> Option<&'static str> {
    if name.len() > 253 {
        return Some("must be no more than 253 characters");
    }
    (!name.split('.').all(is_label)).then_some(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start \
         and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
         '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    )
}

fn is_label(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(edge) && text.ends_with(edge) && text.chars().all(|c| edge(c) || c == '-')
}

fn label_violations(value: &Value) -> Vec<FieldError> {
    let labels = tree::at(value, &["metadata", "labels"]).and_then(Value::as_object).into_iter().flatten();
    let broken = labels.filter_map(|(key, value)| {
        let Some(value) = value.as_str() else {
            return Some(bad_value("metadata.labels", &format!("{key:?}"), "a label's value must be text"));
        };
        let why = LabelSelector::label(key, value).violations().into_iter().next()?;
        Some(bad_value("metadata.labels", &format!("{value:?}"), &why))
    });
    broken.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::types::Types;
    use super::*;
    use crate::model::Gvr;

    fn check(gvr: &str, name: &str, valid: bool) {
        let served = Types::built_in().get(&gvr.parse::<Gvr>().expect("a type")).expect("it is built in");
        let found = violations(&served, &json!({"metadata": {"name": name}}));
        assert_eq!(found.is_empty(), valid, "{gvr} {name:?}: {found:?}");
    }

    #[test]
    fn names_follow_the_rule_of_their_type() {
        check("v1/configmaps", "kube-root-ca.crt", true);
        check("v1/configmaps", "Web", false);
        check("v1/configmaps", "", false);
        check("v1/configmaps", "a..b", false);
        check("v1/namespaces", "a.b", false);
        check("v1/services", "web", true);
        check("rbac.authorization.k8s.io/v1/clusterroles", "system:controller:job", true);
        check("rbac.authorization.k8s.io/v1/clusterroles", "a/b", false);
        check("v1/secrets", &"a".repeat(254), false);
    }

    #[test]
    fn labels_follow_their_syntax() {
        let served = Types::built_in().get(&Gvr::new("", "v1", "pods")).expect("it is built in");
        let labels = |labels: Value| violations(&served, &json!({"metadata": {"name": "x", "labels": labels}})).len();
        assert_eq!(labels(json!({"app.kubernetes.io/name": "web"})), 0);
        assert_eq!(labels(json!({"app": "not a value", "ok": ""})), 1);
        assert_eq!(labels(json!({"app": 1})), 1);
    }
}
