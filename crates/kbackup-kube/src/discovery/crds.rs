//! The types that were defined a moment ago.
//!
//! An API server lists a new type in its discovery documents up to a second or two after its CustomResourceDefinition
//! was established, and serves it at once. A backup that begins meanwhile must not miss it, nor a restore that has just
//! created it.

use std::collections::HashSet;

use futures::stream::{self, StreamExt, TryStreamExt};
use kbackup_core::cluster::{ClusterErrorKind, ClusterResult};
use kbackup_core::model::{Gvr, ResourceType, Verb};
use kube::core::Version as Priority;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::http::{Call, Http, METADATA};
use crate::json::null_is_empty;
use crate::url::{self, Uri};

/// Definitions that are read at the same time.
const QUESTIONS_MAX: usize = 8;

/// What custom resources can be asked to do: all of them the same.
const VERBS: [Verb; 8] =
    [Verb::Create, Verb::Delete, Verb::DeleteCollection, Verb::Get, Verb::List, Verb::Patch, Verb::Update, Verb::Watch];

/// The types of the definitions that are established and whose name (`plural.group`) is not in `listed`. None where who
/// asks may not read definitions.
pub(super) async fn unlisted(http: &Http, listed: &HashSet<String>) -> ClusterResult<Vec<ResourceType>> {
    let unlisted = names(http).await?.into_iter().filter(|name| !listed.contains(name));
    let types = stream::iter(unlisted).map(|name| types_of(http, name)).buffered(QUESTIONS_MAX).try_concat();
    types.await
}

async fn names(http: &Http) -> ClusterResult<Vec<String>> {
    match http.json::<Names>(&Call::get(Uri::new(definitions())).accept(METADATA)).await {
        Ok(names) => Ok(names.items.into_iter().map(|item| item.metadata.name).collect()),
        Err(error) if matches!(error.kind(), ClusterErrorKind::NotFound | ClusterErrorKind::Forbidden) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

async fn types_of(http: &Http, name: String) -> ClusterResult<Vec<ResourceType>> {
    match http.json::<Definition>(&Call::get(Uri::new(definitions() + "/" + &name))).await {
        Ok(definition) => Ok(definition.into_types()),
        // It was deleted meanwhile, or names may be read and definitions not.
        Err(error) if matches!(error.kind(), ClusterErrorKind::NotFound | ClusterErrorKind::Forbidden) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

fn definitions() -> String {
    url::collection(&Gvr::new("apiextensions.k8s.io", "v1", "customresourcedefinitions"), None)
}

#[derive(Deserialize)]
struct Names {
    #[serde(default, deserialize_with = "null_is_empty")]
    items: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    metadata: NamedMeta,
}

#[derive(Deserialize)]
struct NamedMeta {
    name: String,
}

/// A CustomResourceDefinition, as far as discovery is concerned.
#[derive(Deserialize)]
struct Definition {
    spec: Spec,
    #[serde(default, deserialize_with = "null_is_empty")]
    status: Status,
}

#[derive(Deserialize)]
struct Spec {
    group: String,
    scope: String,
    names: SpecNames,
    versions: Vec<Version>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpecNames {
    plural: String,
    kind: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    singular: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    short_names: Vec<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    categories: Vec<String>,
}

#[derive(Deserialize)]
struct Version {
    name: String,
    served: bool,
    #[serde(default)]
    subresources: Option<Subresources>,
}

#[derive(Deserialize)]
struct Subresources {
    #[serde(default)]
    status: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default, deserialize_with = "null_is_empty")]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

impl Definition {
    /// Every version that is served, the preferred one first; none before the definition is established.
    fn into_types(mut self) -> Vec<ResourceType> {
        let established = |condition: &Condition| condition.kind == "Established" && condition.status == "True";
        if !self.status.conditions.iter().any(established) {
            return Vec::new();
        }
        self.spec.versions.sort_by_cached_key(|version| std::cmp::Reverse(Priority::parse(&version.name).priority()));
        let (spec, names) = (&self.spec, &self.spec.names);
        let ty = |version: &Version| ResourceType {
            gvr: Gvr::new(&spec.group, &version.name, &names.plural),
            kind: names.kind.clone(),
            singular: if names.singular.is_empty() { names.kind.to_lowercase() } else { names.singular.clone() },
            short_names: names.short_names.clone(),
            categories: names.categories.clone(),
            namespaced: spec.scope == "Namespaced",
            verbs: VERBS.to_vec(),
            has_status: version.subresources.as_ref().is_some_and(|subresources| subresources.status.is_some()),
            preferred: false,
        };
        spec.versions.iter().filter(|version| version.served).map(ty).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn types(established: &str) -> Vec<ResourceType> {
        let version = |name: &str, served: bool, subresources: Value| json!({"name": name, "served": served, "subresources": subresources});
        let definition = json!({
            "spec": {"group": "example.com", "scope": "Namespaced",
                "names": {"plural": "carts", "kind": "Cart", "shortNames": ["ct"]},
                "versions": [version("v1beta1", true, Value::Null), version("v1", true, json!({"status": {}})),
                             version("v1alpha1", false, json!({}))]},
            "status": {"conditions": [{"type": "NamesAccepted", "status": "True"}, {"type": "Established", "status": established}]},
        });
        serde_json::from_value::<Definition>(definition).expect("a definition").into_types()
    }

    #[test]
    fn an_established_definition_is_its_served_versions() {
        let types = types("True");
        let got: Vec<_> = types.iter().map(|ty| (ty.gvr.to_string(), ty.has_status)).collect();
        assert_eq!(got, [("example.com/v1/carts".to_owned(), true), ("example.com/v1beta1/carts".to_owned(), false)]);
        let first = &types[0];
        assert_eq!((first.singular.as_str(), first.short_names.as_slice()), ("cart", ["ct".to_owned()].as_slice()));
        assert!(first.namespaced && first.can(Verb::List));
    }

    #[test]
    fn a_definition_that_is_not_established_is_no_type() {
        assert_eq!(types("False"), []);
    }
}
