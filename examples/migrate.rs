//! Moves namespaces from one cluster to another. With two contexts of your kubeconfig it does so for real:
//!
//! `FROM_CONTEXT=old TO_CONTEXT=new NAMESPACES=shop cargo run -p kbackup-examples --example migrate`
//!
//! Without them it moves the shop between two clusters in memory.

use std::error::Error;
use std::sync::Arc;

use kbackup_core::backup;
use kbackup_core::cluster::{ClusterWriter, MemoryCluster};
use kbackup_core::engine::Engine;
use kbackup_core::model::BackupName;
use kbackup_core::report::RestoreReport;
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use kbackup_core::store::{MemoryStore, ObjectStore};
use kbackup_kube::{ConnectOptions, KubeCluster};
use kbackup_sandbox::{manifest, shop};

type Cluster = Arc<dyn ClusterWriter>;

/// Copies namespaces, with what they need of the cluster. What is in the target already stays as it is.
async fn migrate(from: &Cluster, to: Cluster, namespaces: &[String]) -> Result<RestoreReport, Box<dyn Error>> {
    // Memory will do for a move; a folder or a bucket keeps the way back open.
    let store: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
    let (name, run): (BackupName, Run) = ("migration".parse()?, Run::default());
    let spec = BackupSpec::default().namespaces(namespaces);
    let taken = backup::run(&backup::Ports::new(&**from, &*store), &name, &spec, &run).await?;
    println!("took {} objects at revision {}", taken.manifest.counts.objects, taken.manifest.consistency.revision);

    let engine = Engine::shared(to, store);
    let plan = engine.plan_restore(&name, &RestoreSpec::from_backup(name.clone()), &run).await?;
    println!("{plan}");
    Ok(engine.apply(&plan, &run).await?)
}

async fn clusters() -> Result<(Cluster, Cluster, Vec<String>), Box<dyn Error>> {
    let (Ok(from), Ok(to)) = (std::env::var("FROM_CONTEXT"), std::env::var("TO_CONTEXT")) else {
        let full = MemoryCluster::new();
        manifest::load(&full, shop::manifests()?, "example").await?;
        return Ok((Arc::new(full), Arc::new(MemoryCluster::new()), vec!["shop".to_owned()]));
    };
    let namespaces = std::env::var("NAMESPACES")?.split(',').map(str::to_owned).collect();
    let context = |name| ConnectOptions { context: Some(name), ..ConnectOptions::default() };
    let (from, to) = (KubeCluster::connect(&context(from)).await?, KubeCluster::connect(&context(to)).await?);
    Ok((Arc::new(from), Arc::new(to), namespaces))
}

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let (from, to, namespaces) = clusters().await?;
    let report = migrate(&from, to, &namespaces).await?;
    for issue in &report.issues {
        println!("{issue}");
    }
    println!("{} created, {} left as they are, {}", report.counts.created, report.counts.skipped, report.outcome);
    assert_eq!(report.counts.failed, 0);
    Ok(())
}
