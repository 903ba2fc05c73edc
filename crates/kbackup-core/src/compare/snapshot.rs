//! All objects of a cluster at one moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::cluster::{At, ClusterReader, ClusterResult, ListQuery, PageSize};
use crate::model::{Gvr, Object, ObjectError, ObjectRef, ResourceType, Verb};
use futures::TryStreamExt;
use serde_json::Value;

/// Types that are no objects of a user's, with the reason why nobody misses them.
pub const LEFT_OUT: [(&str, &str); 4] = [
    ("events", "what happened in the old cluster is not a state of the new one, and they expire within the hour"),
    ("events.events.k8s.io", "the same objects as `events`, by another name"),
    ("componentstatuses", "computed at every request, stored nowhere"),
    ("ipaddresses.networking.k8s.io", "the API server's own record of the cluster IPs that it gave to Services"),
];

/// All objects of a cluster at one revision.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The objects, by their place.
    pub objects: BTreeMap<ObjectRef, Object>,
    /// The types whose status is a subresource: a create ignores it.
    pub with_status: BTreeSet<Gvr>,
}

impl Snapshot {
    /// Reads every type that can be listed, in its preferred version, at one revision.
    ///
    /// # Errors
    /// As [`ClusterReader::list`]. A group that does not answer is left out, as in discovery.
    pub async fn take(cluster: &dyn ClusterReader) -> ClusterResult<Self> {
        let revision = cluster.revision().await?;
        let mut snapshot = Self::default();
        for ty in cluster.discover().await?.preferred().filter(|ty| is_taken(ty)) {
            if ty.has_status {
                snapshot.with_status.insert(ty.gvr.clone());
            }
            let mut pages = cluster.list(&everything(Arc::clone(ty), At::Exact(revision)));
            while let Some(page) = pages.try_next().await? {
                snapshot.objects.extend(page.objects.into_iter().map(|object| (object.at(&ty.gvr), object)));
            }
        }
        Ok(snapshot)
    }

    /// What changes whenever anybody writes an object: to see whether a cluster has come to rest. Leases are heartbeats
    /// and don't count.
    #[must_use]
    pub fn fingerprint(&self) -> BTreeMap<ObjectRef, String> {
        let counts = |(at, object): (&ObjectRef, &Object)| {
            (at.gvr.plural != "leases").then(|| (at.clone(), object.meta().resource_version.clone()))
        };
        self.objects.iter().filter_map(counts).collect()
    }

    /// Whether a claim names its volume and is not bound to it yet: the controller looks at it once more.
    #[must_use]
    pub fn has_unbound_claims(&self) -> bool {
        let mut claims = self.objects.iter().filter(|(at, _)| at.gvr.plural == "persistentvolumeclaims");
        claims.any(|(_, claim)| {
            let claim = claim.to_value();
            claim["spec"]["volumeName"].is_string() && claim["status"]["phase"] != "Bound"
        })
    }

    /// The part of it in these namespaces: their objects, and the Namespaces themselves.
    #[must_use]
    pub fn within(&self, namespaces: &[&str]) -> Self {
        let is_within = |at: &ObjectRef| match &at.namespace {
            Some(namespace) => namespaces.contains(&namespace.as_str()),
            None => at.gvr.group_resource() == "namespaces" && namespaces.contains(&at.name.as_str()),
        };
        let objects = self.objects.iter().filter(|(at, _)| is_within(at));
        Self {
            objects: objects.map(|(at, object)| (at.clone(), object.clone())).collect(),
            with_status: self.with_status.clone(),
        }
    }

    /// What the cluster should look like after a restore into other namespaces. Written from the rules in the
    /// documentation, apart from the engine that it judges.
    ///
    /// # Errors
    /// Where a renamed object is no object.
    pub fn renamed(&self, mapping: &[(&str, &str)]) -> Result<Self, ObjectError> {
        let renamed = |(at, object): (&ObjectRef, &Object)| {
            let mut value = object.to_value();
            rename(&mut value, at, mapping);
            let object = Object::from_value(&value)?;
            Ok::<_, ObjectError>((object.at(&at.gvr), object))
        };
        let objects = self.objects.iter().map(renamed).collect::<Result<_, _>>()?;
        Ok(Self { objects, with_status: self.with_status.clone() })
    }

    /// What the claims in it should look like where their volumes stay with the claims that have them: they name no
    /// volume and ask for a new one, as a copy into another namespace of the same cluster does.
    ///
    /// # Errors
    /// Where a changed claim is no object.
    pub fn with_new_volumes(mut self) -> Result<Self, ObjectError> {
        let claims = self.objects.iter_mut().filter(|(at, _)| at.gvr.group_resource() == "persistentvolumeclaims");
        for (_, claim) in claims {
            let mut value = claim.to_value();
            if let Some(spec) = value["spec"].as_object_mut() {
                spec.remove("volumeName");
            }
            *claim = Object::from_value(&value)?;
        }
        Ok(self)
    }
}

fn is_taken(ty: &ResourceType) -> bool {
    ty.can(Verb::List) && !LEFT_OUT.iter().any(|(name, _)| *name == ty.gvr.group_resource())
}

/// A list of all objects of a type.
fn everything(ty: Arc<ResourceType>, at: At) -> ListQuery {
    let page = PageSize { objects_max: 1_000, bytes_target: 16 << 20 };
    ListQuery::all(ty, at, page)
}

/// Where an object names a namespace, by its type. A `*` stands for every entry of a list.
const NAMESPACE_FIELDS: [(&str, &[&str]); 8] = [
    ("*", &["metadata", "namespace"]),
    ("namespaces", &["metadata", "name"]),
    ("namespaces", &["metadata", "labels", "kubernetes.io/metadata.name"]),
    ("rolebindings.rbac.authorization.k8s.io", &["subjects", "*", "namespace"]),
    ("clusterrolebindings.rbac.authorization.k8s.io", &["subjects", "*", "namespace"]),
    ("persistentvolumes", &["spec", "claimRef", "namespace"]),
    ("apiservices.apiregistration.k8s.io", &["spec", "service", "namespace"]),
    (
        "customresourcedefinitions.apiextensions.k8s.io",
        &["spec", "conversion", "webhook", "clientConfig", "service", "namespace"],
    ),
];

fn rename(value: &mut Value, at: &ObjectRef, mapping: &[(&str, &str)]) {
    let ty = at.gvr.group_resource();
    for (_, path) in NAMESPACE_FIELDS.iter().filter(|(name, _)| *name == "*" || *name == ty) {
        each(value, path, &mut |field| {
            if let Some((_, to)) = mapping.iter().find(|(from, _)| field.as_str() == Some(from)) {
                *field = Value::from(*to);
            }
        });
    }
}

/// Calls `change` with each field that a path leads to. In a path, `*` is every entry of a list.
pub(super) fn each(value: &mut Value, path: &[&str], change: &mut impl FnMut(&mut Value)) {
    let Some((name, rest)) = path.split_first() else { return change(value) };
    match value {
        Value::Array(entries) if *name == "*" => entries.iter_mut().for_each(|entry| each(entry, rest, change)),
        Value::Object(fields) => {
            if let Some(field) = fields.get_mut(*name) {
                each(field, rest, change);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::Snapshot;
    use crate::model::{Gvr, Object};
    use serde_json::{Value, json};

    fn renamed(gvr: &Gvr, object: &Value) -> Value {
        let object = Object::from_value(object).expect("an object");
        let mut snapshot = Snapshot::default();
        snapshot.objects.insert(object.at(gvr), object);
        let renamed = snapshot.renamed(&[("a", "b"), ("b", "a")]).expect("objects");
        renamed.objects.values().next().expect("one object").to_value()
    }

    #[test]
    fn references_to_namespaces_are_renamed_and_nothing_else() {
        let binding = json!({"kind": "RoleBinding", "metadata": {"name": "a", "namespace": "b"},
            "subjects": [{"name": "a", "namespace": "a"}, {"name": "c", "namespace": "c"}]});
        assert_eq!(
            renamed(&Gvr::new("rbac.authorization.k8s.io", "v1", "rolebindings"), &binding),
            json!({"kind": "RoleBinding", "metadata": {"name": "a", "namespace": "a"},
                "subjects": [{"name": "a", "namespace": "b"}, {"name": "c", "namespace": "c"}]})
        );
        let namespace = json!({"kind": "Namespace", "metadata": {"name": "a", "labels":
            {"kubernetes.io/metadata.name": "a", "team": "a"}}});
        assert_eq!(
            renamed(&Gvr::new("", "v1", "namespaces"), &namespace),
            json!({"kind": "Namespace", "metadata": {"name": "b", "labels":
                {"kubernetes.io/metadata.name": "b", "team": "a"}}})
        );
    }
}
