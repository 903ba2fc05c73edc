//! Brings objects that somebody changed back to what the backup says: seen field by field first, checked by the server, then
//! done.

use std::error::Error;

use kbackup_core::cluster::{MemoryCluster, Part, Patch, WriteOptions};
use kbackup_core::engine::Engine;
use kbackup_core::model::{Gvr, ObjectRef};
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, ExistingPolicy, RestoreSpec};
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

    // Somebody changes a value, and adds another.
    let changed = ObjectRef::namespaced(Gvr::new("", "v1", "configmaps"), "shop", "cart");
    let patch = Patch::Merge(json!({ "data": { "example": "oops" }, "metadata": { "labels": { "mine": "yes" } } }));
    cluster.patch(&changed, &patch, Part::Main, &WriteOptions::default())?;

    let spec = RestoreSpec::from_backup("nightly".parse()?).names(["configmaps/shop/cart"]);
    let plan = engine.plan_restore(&"look".parse()?, &spec, &run).await?;
    println!("{}\n", plan.diff()); // what differs, and that it would be left as it is
    assert_eq!((plan.counts().updated, plan.counts().skipped), (0, 1));

    // Replacing removes what only the live object has; an update would keep it.
    let spec = spec.existing(ExistingPolicy::Replace);
    let plan = engine.plan_restore(&"repair".parse()?, &spec, &run).await?;
    let plan = engine.check(plan, &run).await?; // the server has nothing against it
    let report = engine.apply(&plan, &run).await?;
    assert_eq!((report.counts.updated, report.counts.failed), (1, 0));
    let repaired = cluster.get(&changed)?.to_value();
    assert!(repaired["data"]["example"].is_null() && repaired["metadata"]["labels"]["mine"].is_null());

    // Applying a plan twice changes nothing.
    let before = cluster.revision();
    assert_eq!(engine.apply(&plan, &run).await?, report);
    assert_eq!(cluster.revision(), before);
    Ok(())
}
