//! Loading many manifests at once.

use serde_json::Value;

use super::MemoryCluster;
use super::cluster::key_of;
use super::state::State;
use super::write::Write;
use super::{errors, tree};
use crate::cluster::{ClusterResult, Part, WriteOptions};
use crate::model::{Object, ObjectRef};

impl MemoryCluster {
    /// Creates these objects, or replaces those that exist, as a restore of the server's own store would: uids, creation
    /// times, generations and status stay as given. A `List` is what its items are. Definitions come first, then namespaces, then the
    /// rest in the given order; a namespaced object without a namespace goes to `default`.
    ///
    /// # Errors
    /// The first error of any object; those before it stay loaded.
    pub fn load(&self, manifests: impl IntoIterator<Item = Value>) -> ClusterResult<Vec<Object>> {
        let mut objects: Vec<Value> = manifests.into_iter().flat_map(items).collect();
        objects.sort_by_key(rank);
        let load = |object| {
            self.write(&WriteOptions::default(), |state, write| {
                load_one(state, object, &Write { load: true, ..*write })
            })
        };
        objects.into_iter().map(load).collect()
    }
}

fn items(mut manifest: Value) -> Vec<Value> {
    let is_list = tree::text(&manifest, &["kind"]).ends_with("List");
    match manifest.get_mut("items").filter(|_| is_list) {
        Some(Value::Array(items)) => std::mem::take(items),
        _ => vec![manifest],
    }
}

fn rank(manifest: &Value) -> u8 {
    match tree::text(manifest, &["kind"]) {
        "CustomResourceDefinition" => 0,
        "Namespace" => 1,
        _ => 2,
    }
}

fn load_one(state: &mut State, mut body: Value, write: &Write<'_>) -> ClusterResult<Object> {
    let (api_version, kind) = (tree::text(&body, &["apiVersion"]), tree::text(&body, &["kind"]));
    let served = state
        .types
        .by_kind(api_version, kind)
        .ok_or_else(|| errors::bad_request(format!("no matches for kind \"{kind}\" in version \"{api_version}\"")))?;
    let given = tree::text(&body, &["metadata", "namespace"]);
    let namespace = if given.is_empty() { "default" } else { given }.to_owned();
    let namespace = Some(namespace).filter(|_| served.ty.namespaced);
    let name = tree::text(&body, &["metadata", "name"]).to_owned();
    let at = ObjectRef { gvr: served.ty.gvr.clone(), namespace: namespace.clone(), name };
    let key = key_of(&at, &served);
    let Ok(old) = state.kept(&served, &key) else {
        return state.create(&served, namespace.as_deref(), body, write);
    };
    for field in ["uid", "resourceVersion"] {
        tree::set(&mut body, &["metadata", field], tree::at(&old, &["metadata", field]).cloned());
    }
    let status = body.get("status").cloned().filter(|_| served.ty.has_status);
    let replaced = state.replace(&served, &key, body, Part::Main, write)?;
    let Some(status) = status else { return Ok(replaced) };
    let mut body = replaced.to_value();
    tree::set(&mut body, &["status"], Some(status));
    state.replace(&served, &key, body, Part::Status, write)
}
