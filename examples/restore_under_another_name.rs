//! Restores a namespace under another name, beside the one it was taken from, and compares the two.

use std::error::Error;

use kbackup_core::cluster::MemoryCluster;
use kbackup_core::compare::{Snapshot, compare};
use kbackup_core::engine::Engine;
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use kbackup_core::store::MemoryStore;
use kbackup_sandbox::{manifest, shop};

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let cluster = MemoryCluster::new();
    manifest::load(&cluster, shop::manifests()?, "example").await?;
    // A clone of a cluster in memory is the same cluster.
    let engine = Engine::new(cluster.clone(), MemoryStore::new());
    let run = Run::default();
    engine.backup(&"nightly".parse()?, &BackupSpec::default(), &run).await?;

    // Any number of namespaces can be mapped at once; two can swap their names.
    let spec = RestoreSpec::from_backup("nightly".parse()?).namespaces(["shop"]).map_namespace("shop", "shop-copy");
    let plan = engine.plan_restore(&"copy".parse()?, &spec, &run).await?;
    let report = engine.apply(&plan, &run).await?;
    println!("{} created, {} left as they are, {}", report.counts.created, report.counts.skipped, report.outcome);
    for issue in &report.issues {
        println!("{issue}");
    }

    let now = Snapshot::take(&cluster).await?;
    // The volume of the shop stays with the shop: the claim of the copy asks for a new one.
    let expected = now.within(&["shop"]).renamed(&[("shop", "shop-copy")])?.with_new_volumes()?;
    let comparison = compare(&expected, &now.within(&["shop-copy"]));
    println!("{comparison}");
    assert!(comparison.is_equal());
    Ok(())
}
