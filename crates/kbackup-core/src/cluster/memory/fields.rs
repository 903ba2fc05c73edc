//! Field selectors: which fields of which type can be selected by is a table, as in a real server.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::tree;
use crate::model::Object;

/// A field selector (`metadata.name=web,status.phase!=Running`): every requirement must hold.
///
/// ```
/// use kbackup_core::cluster::memory::FieldSelector;
///
/// let selector: FieldSelector = "metadata.name=web,status.phase!=Running".parse()?;
/// assert_eq!(selector.to_string(), "metadata.name=web,status.phase!=Running");
/// # Ok::<(), kbackup_core::cluster::memory::FieldSelectorError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldSelector {
    requirements: Vec<Requirement>,
}

/// Text that is not a field selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid field selector: {0:?}; \"field=value\", \"field==value\" or \"field!=value\" was expected")]
pub struct FieldSelectorError(String);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    field: String,
    equal: bool,
    value: String,
}

/// The fields that each table's objects can be selected by, besides `metadata.name` and `metadata.namespace`.
const SELECTABLE: &[(&str, &[&str])] = &[
    (
        "pods",
        &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
    ),
    (
        "events",
        &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
    ),
    ("secrets", &["type"]),
    ("namespaces", &["status.phase"]),
    ("nodes", &["spec.unschedulable"]),
    ("services", &["spec.clusterIP", "spec.type"]),
    ("replicationcontrollers", &["status.replicas"]),
    ("replicasets.apps", &["status.replicas"]),
    ("jobs.batch", &["status.successful"]),
    ("certificatesigningrequests.certificates.k8s.io", &["spec.signerName"]),
];

impl FieldSelector {
    /// The selector of one name.
    #[must_use]
    pub fn name(name: &str) -> Self {
        let requirement = Requirement { field: "metadata.name".to_owned(), equal: true, value: name.to_owned() };
        Self { requirements: vec![requirement] }
    }

    /// Whether nothing is required.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// The first field that objects of this table can't be selected by.
    pub(super) fn unsupported(&self, table: &str) -> Option<&str> {
        let known = SELECTABLE.iter().find(|(name, _)| *name == table).map_or(&[][..], |(_, fields)| fields);
        let fields = self.requirements.iter().map(|requirement| requirement.field.as_str());
        fields
            .into_iter()
            .find(|field| !matches!(*field, "metadata.name" | "metadata.namespace") && !known.contains(field))
    }

    /// Whether this object meets every requirement.
    pub(super) fn matches(&self, object: &Object) -> bool {
        let (of_metadata, of_body): (Vec<_>, Vec<_>) =
            self.requirements.iter().partition(|requirement| requirement.field.starts_with("metadata."));
        // The body is parsed only for those that pass the cheap part.
        of_metadata.iter().all(|requirement| requirement.holds(metadata_field(object, &requirement.field)))
            && (of_body.is_empty() || {
                let body = object.to_value();
                of_body.iter().all(|requirement| requirement.holds(&body_field(&body, &requirement.field)))
            })
    }
}

impl Requirement {
    fn holds(&self, found: &str) -> bool {
        (found == self.value) == self.equal
    }
}

fn metadata_field<'a>(object: &'a Object, field: &str) -> &'a str {
    match field {
        "metadata.name" => &object.meta().name,
        _ => object.meta().namespace.as_deref().unwrap_or_default(),
    }
}

fn body_field(body: &Value, field: &str) -> String {
    // An Event's source is its component, in the field's long form.
    let path = if field == "source" { "source.component" } else { field };
    let path: Vec<&str> = path.split('.').collect();
    match tree::at(body, &path) {
        Some(Value::String(text)) => text.clone(),
        Some(other @ (Value::Number(_) | Value::Bool(_))) => other.to_string(),
        // What a server leaves out of the JSON has its zero value: these two are what can be selected by.
        _ if field == "spec.unschedulable" || field == "spec.hostNetwork" => "false".to_owned(),
        _ if field.starts_with("status.replicas") || field == "status.successful" => "0".to_owned(),
        _ => String::new(),
    }
}

impl fmt::Display for FieldSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = |equal: bool| if equal { "=" } else { "!=" };
        let parts = self.requirements.iter().map(|part| format!("{}{}{}", part.field, sign(part.equal), part.value));
        f.write_str(&parts.collect::<Vec<_>>().join(","))
    }
}

impl FromStr for FieldSelector {
    type Err = FieldSelectorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split(',').filter(|part| !part.is_empty());
        let requirement = |part: &str| {
            let (field, value, equal) = split(part).ok_or_else(|| FieldSelectorError(text.to_owned()))?;
            Ok(Requirement { field: field.trim().to_owned(), equal, value: value.trim().to_owned() })
        };
        Ok(Self { requirements: parts.map(requirement).collect::<Result<_, _>>()? })
    }
}

fn split(part: &str) -> Option<(&str, &str, bool)> {
    if let Some((field, value)) = part.split_once("!=") {
        return Some((field, value, false));
    }
    let (field, value) = part.split_once("==").or_else(|| part.split_once('='))?;
    Some((field, value, true))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(selector: &str, expect: bool) {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"nodeName": "n1"}, "status": {"phase": "Running"},
        });
        let selector: FieldSelector = selector.parse().expect(selector);
        assert_eq!(selector.unsupported("pods"), None, "{selector}");
        assert_eq!(selector.matches(&Object::from_value(&pod).expect("an object")), expect, "{selector}");
    }

    #[test]
    fn fields_select_as_kubectl_does() {
        check("", true);
        check("metadata.name=web", true);
        check("metadata.name==web,metadata.namespace=shop", true);
        check("metadata.name!=web", false);
        check("status.phase=Running,spec.nodeName=n1", true);
        check("status.phase!=Running", false);
        check("spec.schedulerName=", true);
        check("spec.hostNetwork=false", true);
    }

    #[test]
    fn only_known_fields_can_be_selected_by() {
        let selector: FieldSelector = "spec.foo=1".parse().expect("it parses");
        assert_eq!(selector.unsupported("pods"), Some("spec.foo"));
        assert!("spec.foo".parse::<FieldSelector>().is_err());
    }
}
