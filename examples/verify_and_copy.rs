//! A second place for a backup: copied byte for byte, verified there, and what a damage would cost.

use std::error::Error;

use kbackup_core::catalog::{Cost, Depth, copy, probe, verify};
use kbackup_core::cluster::MemoryCluster;
use kbackup_core::engine::Engine;
use kbackup_core::run::Run;
use kbackup_core::spec::BackupSpec;
use kbackup_core::store::{MemoryStore, ObjectStore, PutMode};

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let (here, there) = (MemoryStore::named("here"), MemoryStore::named("there"));
    let (name, run) = ("nightly".parse()?, Run::default());
    let made = Engine::new(MemoryCluster::new(), here.clone()).backup(&name, &BackupSpec::default(), &run).await?;

    // Whether a store can be used at all is better known before the night.
    assert!(probe(&there).await.is_good());

    let copied = copy(&here, &there, &name, &run).await?;
    println!("{} files, {} bytes copied", copied.files, copied.bytes);
    // A copy that broke off is made again; what is there and whole is not copied twice.
    assert_eq!(copy(&here, &there, &name, &run).await?.files, 0);
    assert!(verify(&there, &name, Depth::Entries, &run).await?.is_whole());

    // Somebody writes over a part of the original.
    let part = &made.manifest.parts[0].file.key;
    here.put(part, "nothing".into(), PutMode::Overwrite).await?;
    let found = verify(&here, &name, Depth::Entries, &run).await?;
    for damage in &found.damages {
        println!("{}: {}", damage.file, damage.what.join("; "));
        if let Cost::Objects(lost) = &damage.cost {
            println!("{} of {} objects can't be restored from here", lost.len(), found.objects);
        }
    }
    assert_eq!(found.damages.len(), 1);
    Ok(())
}
