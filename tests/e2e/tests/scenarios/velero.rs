//! A backup that was exported in Velero's layout comes back through the same engine.

use std::sync::Arc;

use kbackup_core::catalog::export_velero;
use kbackup_core::engine::Engine;
use kbackup_core::issue::Severity;
use kbackup_core::model::BackupName;
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use kbackup_core::store::{MemoryStore, ObjectStore};
use kbackup_e2e::fixtures;
use kbackup_e2e::target::Target;

pub(crate) async fn a_shop_that_was_exported_comes_back_as_it_was(target: &Target) {
    let manifests = fixtures::shop();
    target.wipe(&manifests, &[]).await;
    target.load(&manifests).await;
    let before = target.snapshot().await;
    let (own, exported) = (Arc::new(MemoryStore::new()), Arc::new(MemoryStore::new()));
    let engine = Engine::shared(Arc::clone(&target.cluster), Arc::clone(&own) as Arc<dyn ObjectStore>);
    engine.backup(&name("shop"), &BackupSpec::default(), &Run::default()).await.expect("the backup is made");
    export_velero(&*own, &name("shop"), &*exported, &Run::default()).await.expect("it is exported");

    target.wipe(&manifests, &[]).await;
    restore(target, exported, "shop").await;
    let comparison = target.becomes(&before).await;
    target.wipe(&manifests, &[]).await;
    assert!(comparison.is_equal(), "{comparison}");
}

async fn restore(target: &Target, store: Arc<dyn ObjectStore>, backup: &str) {
    let engine = Engine::shared(Arc::clone(&target.cluster), store);
    let (spec, run) = (RestoreSpec::from_backup(name(backup)), Run::default());
    let plan = engine.plan_restore(&name("back"), &spec, &run).await.expect("a plan");
    let report = engine.apply(&plan, &run).await.expect("the restore is done");
    let errors: Vec<_> = report.issues.iter().filter(|issue| issue.severity == Severity::Error).collect();
    assert!(report.counts.failed == 0 && errors.is_empty(), "{:?}\n{errors:#?}", report.counts);
}

fn name(name: &str) -> BackupName {
    name.parse().expect("a name")
}
