//! Commands run in pods around a backup, in an order of one's own; what would happen to volumes is decided by a policy.

use std::error::Error;
use std::sync::Arc;

use kbackup_core::cluster::{ExecOutput, MemoryCluster};
use kbackup_core::engine::Engine;
use kbackup_core::model::{Gvr, ObjectRef};
use kbackup_core::run::Run;
use kbackup_core::spec::BackupSpec;
use kbackup_core::store::MemoryStore;
use serde_json::json;

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let cluster = MemoryCluster::new();
    for name in ["db-0", "db-1"] {
        cluster.load([json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"namespace": "default", "name": name, "labels": {"app": "db"}},
            "spec": {"containers": [{"name": "db", "image": "db"}]}, "status": {"phase": "Running"}})])?;
        // Nothing runs in a cluster in memory, so somebody says what a command answers.
        let pod = ObjectRef::namespaced(Gvr::new("", "v1", "pods"), "default", name);
        cluster
            .script_exec(&pod, |run| Ok(ExecOutput { stdout: run.command.join(" ").into(), ..ExecOutput::default() }));
    }
    cluster.load([json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "scratch"},
        "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/tmp"}}})])?;

    // The same fields as in a file for `kbackup backup create --spec`.
    let spec: BackupSpec = serde_json::from_value(json!({
        "hooks": {"resources": [{"name": "freeze", "labelSelector": {"matchLabels": {"app": "db"}},
            "pre": [{"exec": {"container": "db", "command": ["fsfreeze", "--freeze", "/data"], "timeout": "1m"}}],
            "post": [{"exec": {"container": "db", "command": ["fsfreeze", "--unfreeze", "/data"]}}]}]},
        "orderedResources": {"pods": "default/db-1,default/db-0"},
        "volumePolicies": [{"conditions": {"capacity": ",10Gi", "volumeTypes": ["hostPath"]}, "action": {"type": "skip"}}]
    }))?;
    let store = MemoryStore::new();
    let engine = Engine::new(cluster.clone(), store.clone()).exec(Arc::new(cluster.clone()));
    let report = engine.backup(&"nightly".parse()?, &spec, &Run::default()).await?;

    for (pod, run) in cluster.exec_calls() {
        println!("{pod}: {}", run.command.join(" "));
    }
    let ran: Vec<String> =
        cluster.exec_calls().iter().map(|(pod, run)| format!("{} {}", pod.name, run.command[1])).collect();
    assert_eq!(ran, ["db-1 --freeze", "db-0 --freeze", "db-1 --unfreeze", "db-0 --unfreeze"]);
    assert_eq!(report.manifest.counts.hooks.failed, 0);
    for volume in report.manifest.read_volumes(&store).await? {
        println!("{}: {} ({})", volume.volume.unwrap_or_default(), volume.action, volume.reason);
    }
    assert_eq!(report.manifest.counts.volumes.skipped, 1);
    Ok(())
}
