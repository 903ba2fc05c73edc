//! Tests what is built on a store by making the store fail on purpose, and mends it with retries.

use std::error::Error;
use std::sync::Arc;

use kbackup_core::clock::SystemClock;
use kbackup_core::cluster::MemoryCluster;
use kbackup_core::engine::Engine;
use kbackup_core::limits::Limits;
use kbackup_core::run::Run;
use kbackup_core::spec::BackupSpec;
use kbackup_core::store::{Failures, FlakyStore, MemoryStore, ObjectStore, RetryPolicy, RetryStore};

async fn backup(store: Arc<dyn ObjectStore>) -> Result<(), Box<dyn Error>> {
    let engine = Engine::shared(Arc::new(MemoryCluster::new()), store);
    engine.backup(&"nightly".parse()?, &BackupSpec::default(), &Run::default()).await?;
    Ok(())
}

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    // How many operations a backup needs.
    let counted = FlakyStore::new(Arc::new(MemoryStore::new()), Failures::none());
    backup(Arc::new(counted.clone())).await?;
    println!("a backup is {} operations", counted.operations());

    // Whichever of them fails, and whether or not it took effect: a backup that failed does not list.
    for n in 1..=counted.operations() {
        for plan in [Failures::from_nth(n), Failures::from_nth(n).after_effect()] {
            let memory = MemoryStore::new();
            let result = backup(Arc::new(FlakyStore::new(Arc::new(memory.clone()), plan))).await;
            let engine = Engine::new(MemoryCluster::new(), memory);
            let listed = engine.backups(&Limits::default()).await?;
            assert!(result.is_err() || listed.len() == 1, "operation {n}");
            for backup in listed {
                assert!(backup.summary.is_ok(), "operation {n}: what lists can be read");
            }
        }
    }

    // Every other operation fails once: retries hide it.
    let flaky = FlakyStore::new(Arc::new(MemoryStore::new()), Failures::every_nth(2));
    backup(Arc::new(RetryStore::new(Arc::new(flaky.clone()), RetryPolicy::default(), Arc::new(SystemClock)))).await?;
    println!("{} of {} operations failed, and the backup is complete", flaky.failures(), flaky.operations());
    assert!(flaky.failures() > 0);
    Ok(())
}
