//! Chooses objects by namespace, type and label: in a backup, and again in the restore of a part of it.

use std::error::Error;

use kbackup_core::cluster::MemoryCluster;
use kbackup_core::engine::Engine;
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use kbackup_core::store::MemoryStore;
use kbackup_sandbox::{manifest, shop};

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let cluster = MemoryCluster::new();
    manifest::load(&cluster, shop::manifests()?, "example").await?;
    let engine = Engine::new(cluster, MemoryStore::new());

    for (name, spec) in [
        ("everything", BackupSpec::default()),
        // Namespaces by name or glob. What they need of the cluster comes along.
        ("shops", BackupSpec::default().namespaces(["shop*"])),
        // Types as kubectl knows them, or as a glob: plurals, short names, kinds, all types of a group.
        ("configuration", BackupSpec::default().namespaces(["shop"]).resources(["cm", "Secret", "*.shop.example.com"])),
        ("web", BackupSpec::default().namespaces(["shop"]).selector("app in (web, cart), !legacy".parse()?)),
    ] {
        let report = engine.backup(&name.parse()?, &spec, &Run::default()).await?;
        println!("{name}: {} objects", report.manifest.counts.objects);
        for (gvr, count) in &report.manifest.counts.by_type {
            println!("  {count:>4} {}", gvr.group_resource());
        }
    }

    // A type that the cluster does not have is an error that knows the nearest one, not an empty backup.
    let misspelt = BackupSpec::default().resources(["deploymets"]);
    let error = engine.backup(&"misspelt".parse()?, &misspelt, &Run::default()).await.unwrap_err();
    println!("{error}");
    assert!(error.to_string().contains("deployments"));

    // A restore chooses with the same words, from what the backup holds.
    let part = RestoreSpec {
        included_resources: vec!["secrets".to_owned()],
        ..RestoreSpec::from_backup("everything".parse()?).namespaces(["shop"]).map_namespace("shop", "secrets-only")
    };
    let plan = engine.plan_restore(&"part".parse()?, &part, &Run::default()).await?;
    println!("{plan}");
    Ok(())
}
