//! Every kind: names of renamed namespaces that nobody rewrites are reported.

use serde_json::{Map, Value};

use super::is;
use crate::action::transform::{Decision, RestoreTransform, TransformContext, TransformError};
use crate::issue::Code;
use crate::model::Gvr;
use crate::spec::RestoreSpec;

/// Places named in one message: enough to see what kind of reference it is.
const PLACES_MAX: usize = 3;

/// A label that every namespace has, with its name: how selectors choose a namespace by name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Reports references such as a ServiceMonitor's `namespaceSelector` or a NetworkPolicy's peers: what they mean is for
/// their owner to say, so they are restored as they are.
#[derive(Debug)]
pub(super) struct NamespaceReferences;

impl RestoreTransform for NamespaceReferences {
    fn name(&self) -> &'static str {
        "namespace-references"
    }

    /// The data of Secrets and ConfigMaps is text for some program, and the schemas of definitions name no namespace.
    fn applies_to(&self, ty: &Gvr) -> bool {
        let core = ["secrets", "configmaps", "namespaces"].iter().any(|plural| is(ty, plural, ""));
        !core && !is(ty, "customresourcedefinitions", "apiextensions.k8s.io")
    }

    fn transform(&self, object: &mut Value, context: &mut TransformContext<'_>) -> Result<Decision, TransformError> {
        let places = dangling(object, context.spec, is_rewritten(&context.source.gvr));
        if !places.is_empty() {
            let shown = places[..places.len().min(PLACES_MAX)].join(", ");
            let more = places.len() - places.len().min(PLACES_MAX);
            let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
            let message = format!("it still names a namespace that is restored under another name: {shown}{rest}");
            context.warn(Code::DanglingReference, message);
        }
        Ok(Decision::Keep)
    }
}

/// Types whose `namespace` fields their own transform has mapped already.
fn is_rewritten(ty: &Gvr) -> bool {
    matches!(
        (ty.plural.as_str(), ty.group.as_str()),
        ("rolebindings" | "clusterrolebindings", "rbac.authorization.k8s.io")
            | ("persistentvolumes", "")
            | ("validatingwebhookconfigurations" | "mutatingwebhookconfigurations", "admissionregistration.k8s.io")
            | ("apiservices", "apiregistration.k8s.io")
    )
}

/// Where the object names a renamed namespace, as `parent.field "name"`, sorted.
fn dangling(object: &Value, spec: &RestoreSpec, rewritten: bool) -> Vec<String> {
    if spec.namespace_mapping.is_empty() {
        return Vec::new();
    }
    let own = object.as_object().into_iter().flatten();
    let mut open: Vec<(&str, &Value)> = own
        .filter(|(key, _)| !matches!(key.as_str(), "metadata" | "status"))
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    let mut places = Vec::new();
    // A work list, not recursion; the parser has bounded the depth already.
    while let Some((parent, value)) = open.pop() {
        match value {
            Value::Array(list) => open.extend(list.iter().map(|value| (parent, value))),
            Value::Object(map) => {
                let named = names_in(map).filter(|(field, _)| !(rewritten && *field == "namespace"));
                let renamed = named.filter(|(_, name)| spec.target_namespace(name) != *name);
                places.extend(renamed.map(|(field, name)| format!("{parent}.{field} \"{name}\"")));
                open.extend(map.iter().map(|(key, value)| (key.as_str(), value)));
            }
            _ => {}
        }
    }
    places.sort();
    places
}

/// The namespaces that the fields of one map name, with the field.
fn names_in(map: &Map<String, Value>) -> impl Iterator<Item = (&'static str, &str)> {
    let single = ["namespace", NAME_LABEL].into_iter().filter_map(|field| Some((field, map.get(field)?.as_str()?)));
    let is_name_requirement = map.get("key").is_some_and(|key| key == NAME_LABEL);
    let lists = ["namespaces", "matchNames"].into_iter().chain(is_name_requirement.then_some("values"));
    let listed = lists.flat_map(|field| {
        let list = map.get(field).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).map(move |name| (field, name))
    });
    single.chain(listed)
}
