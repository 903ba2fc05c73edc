//! What the engine does can be spawned: a program that embeds it runs on a runtime with many threads.

use kbackup_core::catalog::{Depth, Policies};
use kbackup_core::crypt::Protection;
use kbackup_core::engine::Engine;
use kbackup_core::limits::Limits;
use kbackup_core::model::BackupName;
use kbackup_core::restore::RestorePlan;
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, RestoreSpec};

use crate::world::{World, name};

/// All that the engine can do, as a program would spawn it; that it compiles is what is tested.
async fn everything(engine: Engine, backup: BackupName, run: Run) {
    let engine = engine.protect(Protection::default());
    _ = engine.preview_backup(&backup, &BackupSpec::default(), &run).await;
    _ = engine.backup(&backup, &BackupSpec::default(), &run).await;
    let spec = RestoreSpec::from_backup(backup.clone());
    let plan = engine.plan_restore(&backup, &spec, &run).await.expect("planned");
    let plan: RestorePlan = engine.check(plan, &run).await.expect("checked");
    _ = engine.apply(&plan, &run).await;
    _ = engine.begun_restore(&backup).await;
    _ = engine.backups(&Limits::default()).await;
    _ = engine.survey(&Limits::default()).await;
    _ = engine.describe(&backup).await;
    _ = engine.verify(&backup, Depth::Entries, &run).await;
    _ = engine.expire(&Policies::default(), &run).await;
    engine.delete(&backup, &run).await.expect("deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_can_be_spawned() {
    let world = World::shop();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(everything(world.engine(), name("b"), Run::default()));
    tasks.join_next().await.expect("there is one").expect("none of it panics");
}
