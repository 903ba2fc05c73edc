//! Watches a run while it goes on, and ends another one before its time.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kbackup_core::backup::BackupError;
use kbackup_core::cluster::MemoryCluster;
use kbackup_core::engine::Engine;
use kbackup_core::event::{Event, EventSink};
use kbackup_core::run::{Cancel, Run};
use kbackup_core::spec::BackupSpec;
use kbackup_core::store::MemoryStore;
use kbackup_sandbox::{manifest, shop};

/// Prints what happens, and counts objects.
#[derive(Debug, Default)]
struct Printed {
    objects: AtomicU64,
}

impl EventSink for Printed {
    // Called from within the engine: it returns at once and never blocks. A slow consumer belongs behind a channel.
    fn emit(&self, event: Event) {
        match event {
            Event::Stage(stage) => println!("{stage}"),
            Event::Progress { objects, .. } => drop(self.objects.fetch_add(objects, Ordering::Relaxed)),
            Event::TypeDone { gvr, objects } if objects > 0 => println!("  {objects:>4} {}", gvr.group_resource()),
            Event::Issue(issue) => println!("  {issue}"),
            _ => {}
        }
    }
}

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let cluster = MemoryCluster::new();
    manifest::load(&cluster, shop::manifests()?, "example").await?;
    let engine = Engine::new(cluster, MemoryStore::new());

    let printed = Arc::new(Printed::default());
    let run = Run::default().events(printed.clone());
    let report = engine.backup(&"watched".parse()?, &BackupSpec::default(), &run).await?;
    assert_eq!(printed.objects.load(Ordering::Relaxed), report.manifest.counts.objects);

    // A cancelled run cleans up and says so. Dropping its future is safe too.
    let cancel = Cancel::default();
    cancel.cancel();
    let run = Run::default().cancel(cancel);
    let ended = engine.backup(&"ended".parse()?, &BackupSpec::default(), &run).await;
    assert!(matches!(ended, Err(BackupError::Cancelled)));
    Ok(())
}
