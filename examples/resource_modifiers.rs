//! Changes objects on their way back: a user's rules, images from a mirror, and a status that comes back.

use std::error::Error;

use kbackup_core::cluster::MemoryCluster;
use kbackup_core::engine::Engine;
use kbackup_core::model::{Gvr, ObjectRef};
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, RestoreSpec, RestoreStatus};
use kbackup_core::store::MemoryStore;
use kbackup_sandbox::{manifest, shop};
use serde_json::json;

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let cluster = MemoryCluster::new();
    manifest::load(&cluster, shop::manifests()?, "example").await?;
    let engine = Engine::new(cluster.clone(), MemoryStore::new());
    let run = Run::default();
    engine.backup(&"nightly".parse()?, &BackupSpec::default(), &run).await?;

    // Velero's format; in a file it is YAML.
    let rules = json!({
        "version": "v1",
        "resourceModifierRules": [{
            "conditions": {"groupResource": "*.apps", "namespaces": ["shop"]},
            "mergePatches": [{"patchData": json!({"metadata": {"labels": {"copy": "yes"}}}).to_string()}],
        }],
    });
    let mut spec = RestoreSpec::from_backup("nightly".parse()?).namespaces(["shop"]).map_namespace("shop", "shop-test");
    spec.resource_modifiers = Some(serde_json::from_value(rules)?);
    spec.image_mapping.insert("registry.example.com/".to_owned(), "mirror.internal/".to_owned());
    spec.restore_status =
        Some(RestoreStatus { included_resources: vec!["deployments".to_owned()], ..RestoreStatus::default() });
    let plan = engine.plan_restore(&"test".parse()?, &spec, &run).await?;
    let report = engine.apply(&plan, &run).await?;
    assert_eq!(report.counts.failed, 0);

    let cart = ObjectRef::namespaced(Gvr::new("apps", "v1", "deployments"), "shop-test", "cart");
    let cart = cluster.get(&cart)?.to_value();
    println!("{} {}", cart["metadata"]["labels"], cart["spec"]["template"]["spec"]["containers"][0]["image"]);
    assert_eq!(cart["metadata"]["labels"]["copy"], "yes");
    Ok(())
}
