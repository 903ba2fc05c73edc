//! The backups of a store: lists them, looks at what each is, and deletes one.

use std::error::Error;

use kbackup_core::catalog::CatalogError;
use kbackup_core::cluster::MemoryCluster;
use kbackup_core::engine::Engine;
use kbackup_core::format::FormatError;
use kbackup_core::limits::Limits;
use kbackup_core::run::Run;
use kbackup_core::spec::BackupSpec;
use kbackup_core::store::MemoryStore;

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    // Listing and deleting need the store only; `kbackup_core::catalog` has them as functions of a store.
    let engine = Engine::new(MemoryCluster::new(), MemoryStore::new());
    let run = Run::default();
    for name in ["monday", "tuesday"] {
        engine.backup(&name.parse()?, &BackupSpec::default(), &run).await?;
    }

    for backup in engine.backups(&Limits::default()).await? {
        match backup.summary {
            Ok(summary) => println!("{}: {}, {} objects", backup.name, summary.outcome, summary.objects),
            // One that can't be read is in the list as what it is, and hides no other.
            Err(error) => println!("{}: {error}", backup.name),
        }
    }

    let monday = "monday".parse()?;
    println!("monday was made of {}", engine.describe(&monday).await?.cluster.name);
    engine.delete(&monday, &run).await?;

    let left = engine.backups(&Limits::default()).await?;
    assert_eq!(left.iter().map(|backup| backup.name.as_str()).collect::<Vec<_>>(), ["tuesday"]);
    let again = engine.delete(&monday, &run).await;
    assert!(matches!(again, Err(CatalogError::Backup(FormatError::NotFound { .. }))));
    Ok(())
}
