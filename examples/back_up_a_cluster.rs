//! Backs up the cluster that kubectl talks to into the folder that is the first argument. This one needs a cluster.
//!
//! `cargo run -p kbackup-examples --example back_up_a_cluster -- /srv/backups`

use std::error::Error;
use std::path::PathBuf;

use kbackup_core::engine::Engine;
use kbackup_core::run::Run;
use kbackup_core::spec::BackupSpec;
use kbackup_kube::{ConnectOptions, KubeCluster};
use kbackup_providers::fs::FolderStore;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).map(PathBuf::from).ok_or("name the folder of the backups")?;
    let store = FolderStore::open(std::path::absolute(folder)?)?;

    // As kubectl finds it; a kubeconfig and a context can be named in the options.
    let cluster = KubeCluster::connect(&ConnectOptions::default()).await?;
    let report = Engine::new(cluster, store).backup(&"first".parse()?, &BackupSpec::default(), &Run::default()).await?;

    println!("{} objects, {}", report.manifest.counts.objects, report.manifest.outcome);
    for issue in &report.issues {
        println!("{issue}");
    }
    Ok(())
}
