//! Backs up a whole cluster to a folder, and shows what the manifest says about it.

use std::error::Error;

use kbackup_core::cluster::MemoryCluster;
use kbackup_core::engine::Engine;
use kbackup_core::issue::Outcome;
use kbackup_core::run::Run;
use kbackup_core::spec::BackupSpec;
use kbackup_providers::fs::FolderStore;
use kbackup_sandbox::{manifest, shop};

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    // Yours is a `kbackup_kube::KubeCluster`: see back_up_a_cluster.rs.
    let cluster = MemoryCluster::new();
    manifest::load(&cluster, shop::manifests()?, "example").await?;

    // Yours is "/srv/backups", or what `kbackup_providers::registry::open` makes of a URL.
    let folder = tempfile::tempdir()?;
    let engine = Engine::new(cluster, FolderStore::open(folder.path())?);

    let spec = BackupSpec::default().ttl("30d".parse()?);
    let report = engine.backup(&"nightly".parse()?, &spec, &Run::default()).await?;

    let manifest = &report.manifest;
    println!("{}: {} objects at revision {}", manifest.name, manifest.counts.objects, manifest.consistency.revision);
    println!("{} bytes of JSON, {} stored", manifest.counts.bytes_raw, manifest.counts.bytes_stored);
    println!("kept until {}", manifest.expires_at);
    for issue in &report.issues {
        println!("{issue}");
    }
    assert_eq!(manifest.outcome, Outcome::Completed);
    Ok(())
}
