//! How long it takes to list many backups, in memory and in a folder.
//!
//! ```text
//! cargo run --release -p kbackup-benches --bin catalog -- --backups 10000
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the figures are what this program is for")]

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use futures::{StreamExt, TryStreamExt, stream};
use kbackup_core::backup::{self, Ports};
use kbackup_core::catalog::survey;
use kbackup_core::cluster::MemoryCluster;
use kbackup_core::format::{BackupLayout, Manifest};
use kbackup_core::limits::Limits;
use kbackup_core::model::BackupName;
use kbackup_core::run::Run;
use kbackup_core::spec::BackupSpec;
use kbackup_core::store::{MemoryStore, ObjectStore, PutMode};
use kbackup_providers::fs::FolderStore;
use kbackup_sandbox::{manifest, shop};

/// Whatever went wrong, for the one who runs this.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Manifests that are written at the same time while the store is filled.
const WRITERS: usize = 64;

/// Measures how long it takes to list backups.
#[derive(Debug, Parser)]
struct Args {
    /// How many backups.
    #[arg(long, default_value_t = 10_000)]
    backups: usize,
    /// How often they are listed.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(args: &Args) -> Result<(), Failed> {
    let pattern = pattern().await?;
    let folder = tempfile::tempdir()?;
    let stores: [(&str, Box<dyn ObjectStore>); 2] =
        [("memory", Box::new(MemoryStore::new())), ("folder", Box::new(FolderStore::open(folder.path())?))];
    for (what, store) in stores {
        fill(&*store, &pattern, args.backups).await?;
        for _ in 0..args.rounds {
            let began = Instant::now();
            let found = survey(&*store, &Limits::default()).await?;
            let took = began.elapsed();
            let readable = found.backups.iter().filter(|backup| backup.summary.is_ok()).count();
            if readable != args.backups {
                return Err(format!("{readable} of {} backups were listed", args.backups).into());
            }
            println!("{what}: {readable} backups listed in {:.2} s", took.as_secs_f64());
        }
    }
    Ok(())
}

/// The manifest of a real backup: of a shop, with all types of a small cluster.
async fn pattern() -> Result<Manifest, Failed> {
    let (cluster, store) = (MemoryCluster::new(), MemoryStore::new());
    manifest::load(&cluster, shop::manifests()?, "kbackup-bench").await?;
    let ports = Ports::new(&cluster, &store);
    Ok(backup::run(&ports, &"pattern".parse()?, &BackupSpec::default(), &Run::default()).await?.manifest)
}

/// Backups that have their manifest only: a list looks at nothing else.
async fn fill(store: &dyn ObjectStore, pattern: &Manifest, backups: usize) -> Result<(), Failed> {
    let put = |number: usize| async move {
        let name: BackupName = format!("nightly-{number:014}").parse()?;
        let body = serde_json::to_vec_pretty(&Manifest { name: name.clone(), ..pattern.clone() })?;
        store.put(&BackupLayout::new(&name).manifest(), body.into(), PutMode::Create).await?;
        Ok::<(), Failed>(())
    };
    stream::iter((0..backups).map(put)).buffer_unordered(WRITERS).try_collect::<()>().await
}
