//! Shows what a restore would do with each object. Nothing is changed: planning has no means to.

use std::error::Error;

use kbackup_core::cluster::{DeleteOptions, MemoryCluster};
use kbackup_core::engine::Engine;
use kbackup_core::model::{Gvr, ObjectRef};
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use kbackup_core::store::MemoryStore;
use kbackup_sandbox::{manifest, shop};

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let cluster = MemoryCluster::new();
    manifest::load(&cluster, shop::manifests()?, "example").await?;
    let engine = Engine::new(cluster.clone(), MemoryStore::new());
    let run = Run::default();
    engine.backup(&"nightly".parse()?, &BackupSpec::default(), &run).await?;

    // Somebody deletes a ConfigMap by mistake.
    let lost = ObjectRef::namespaced(Gvr::new("", "v1", "configmaps"), "shop", "cart");
    cluster.delete(&lost, &DeleteOptions::default())?;

    let spec = RestoreSpec::from_backup("nightly".parse()?).namespaces(["shop"]);
    let before = cluster.revision();
    let plan = engine.plan_restore(&"repair".parse()?, &spec, &run).await?;
    println!("{plan}\n"); // how many of each type, wave by wave
    println!("{}", plan.listing()); // every object, with the reason
    assert_eq!(cluster.revision(), before, "nothing was written");

    let writes: Vec<_> = plan.steps().filter(|step| step.is_write()).map(|step| &step.object).collect();
    assert_eq!(writes, [&lost], "only what is missing would be created");

    // A plan is a value: it can be stored, reviewed, and applied by someone else.
    let stored = serde_json::to_string(&plan)?;
    let report = engine.apply(&serde_json::from_str(&stored)?, &run).await?;
    assert_eq!(report.counts.created, 1);
    Ok(())
}
