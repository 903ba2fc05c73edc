//! Custom types.

use std::sync::Arc;

use serde_json::json;

use super::area::{Area, unique};
use crate::cluster::{ClusterWriter, Condition, Created, DeleteOptions, ListQuery, Part, Patch, WriteOptions};
use crate::model::{Discovery, Gvk, Gvr, Object, ObjectRef, ResourceType};

const GROUP: &str = "conformance.kbackup.dev";

/// A new definition becomes established, is in the next discovery, and its objects can be written, with a status of their
/// own. When it is deleted, so are they.
pub async fn a_new_definition_is_discovered_at_once(cluster: &Arc<dyn ClusterWriter>) {
    Area::run(cluster, |area| async move {
        let kind = format!("Thing{}", unique());
        let crd = create_definition(&area, &kind).await;
        let outcome = use_definition(&area, &kind, &crd).await;
        area.cluster.delete(&crd, &DeleteOptions::default()).await.expect("a deletion");
        outcome.expect("the type can be used");
        area.wait(&crd, &Condition::Gone).await;
    })
    .await;
}

async fn create_definition(area: &Area, kind: &str) -> ObjectRef {
    let plural = format!("{}s", kind.to_lowercase());
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let version = json!({
        "name": "v1", "served": true, "storage": true,
        "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}},
    });
    let body = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{GROUP}")},
        "spec": {
            "group": GROUP, "scope": "Namespaced", "versions": [version],
            "names": {"plural": plural, "singular": kind.to_lowercase(), "kind": kind, "shortNames": ["kct"]},
        },
    });
    let gvr = Gvr::new("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    let discovery = area.cluster.discover().await.expect("discovery");
    let ty = discovery.get(&gvr).expect("every cluster has definitions");
    let object = Object::from_value(&body).expect("an object");
    let created = area.cluster.create(ty, &object, &WriteOptions::default()).await.expect("a definition");
    assert!(matches!(created, Created::New(_)), "{object} was there already");
    object.at(&gvr)
}

/// Gives what went wrong, so that the definition is deleted all the same.
async fn use_definition(area: &Area, kind: &str, crd: &ObjectRef) -> Result<(), String> {
    area.wait(crd, &Condition::True("Established".to_owned())).await;
    let discovery = area.cluster.discover().await.map_err(|error| error.to_string())?;
    let ty = find(&discovery, kind)?;
    let metadata = json!({"name": "one", "namespace": area.namespace});
    let body = json!({
        "apiVersion": format!("{GROUP}/v1"), "kind": kind, "metadata": metadata,
        "spec": {"size": 1}, "status": {"ready": true},
    });
    let object = Object::from_value(&body).map_err(|error| error.to_string())?;
    let created = area.cluster.create(&ty, &object, &WriteOptions::default()).await;
    let Created::New(created) = created.map_err(|error| error.to_string())? else {
        return Err(format!("{object} was there already"));
    };
    expect(created.to_value().get("status").is_none(), "a create leaves the status out")?;
    let status = Patch::Merge(json!({"status": {"ready": true}, "spec": {"size": 2}}));
    let patched = area.cluster.patch(&object.at(&ty.gvr), &status, Part::Status, &WriteOptions::default()).await;
    let patched = patched.map_err(|error| error.to_string())?.to_value();
    expect(patched["status"]["ready"] == true && patched["spec"]["size"] == 1, "the status alone was written")?;
    let pages = area.pages(&ListQuery { ty, labels: Default::default(), ..area.query() }).await;
    expect(pages.iter().map(|page| page.objects.len()).sum::<usize>() == 1, "the list holds one object")
}

fn find(discovery: &Discovery, kind: &str) -> Result<Arc<ResourceType>, String> {
    let found = discovery.by_kind(&Gvk::new(&format!("{GROUP}/v1"), kind));
    let ty = found.ok_or("the new type is not in the discovery after it was established")?;
    expect(ty.namespaced && ty.preferred && ty.has_status, "discovery describes the type as its definition does")?;
    expect(ty.short_names == ["kct"], "discovery tells the short names")?;
    Ok(ty.clone())
}

fn expect(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("not so: {what}")) }
}
