//! How long it takes to list many backups, and what memory: in memory, in a folder, and on S3 behind a slow line.
//!
//! ```text
//! cargo run --release -p kbackup-benches --bin catalog -- --backups 10000 --latency-ms 20
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the figures are what this program is for")]

#[path = "../scale/process.rs"]
mod process;

use std::fs;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
use kbackup_providers::registry::{OpenOptions, open};
use kbackup_sandbox::{manifest, shop};
use kbackup_test_s3::{Options, Server};
use tempfile::NamedTempFile;

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
    /// How long each request to S3 takes on its way there and back.
    #[arg(long, default_value_t = 20)]
    latency_ms: u64,
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
    let size = serde_json::to_vec_pretty(&pattern)?.len();
    println!("{} backups, {:.1} KiB a manifest", args.backups, size as f64 / 1024.0);
    let folder = tempfile::tempdir()?;
    let latency = Duration::from_millis(args.latency_ms);
    let server = Server::start(&Options { latency, ..Options::default() }).await?;
    let credentials = credentials()?;
    let url = format!(
        "s3://bucket?endpoint={}&profile=bench&credentials-file={}",
        server.address,
        credentials.path().display()
    );
    let stores: [(&str, Arc<dyn ObjectStore>); 3] = [
        ("memory", Arc::new(MemoryStore::new())),
        ("folder", Arc::new(FolderStore::open(folder.path())?)),
        ("S3", open(&url, OpenOptions::default())?),
    ];
    for (what, store) in stores {
        fill(&*store, &pattern, args.backups).await?;
        for _ in 0..args.rounds {
            let before = server.watched.requests();
            let figures = list(&*store, args.backups).await?;
            let requests = server.watched.requests() - before;
            println!(
                "{what}: {figures}{}",
                if requests == 0 { String::new() } else { format!(", {requests} requests") }
            );
        }
    }
    println!("S3: at most {} requests at once, {} ms each", server.watched.at_once_max(), args.latency_ms);
    Ok(())
}

/// Lists all backups once; says how long it took, and by how much the most memory in the meantime was more than before.
async fn list(store: &dyn ObjectStore, backups: usize) -> Result<String, Failed> {
    // Linux forgets then what the most was.
    fs::write("/proc/self/clear_refs", "5")?;
    let (before, _) = process::cost()?;
    let began = Instant::now();
    let found = survey(store, &Limits::default()).await?;
    let took = began.elapsed();
    let (after, _) = process::cost()?;
    let readable = found.backups.iter().filter(|backup| backup.summary.is_ok()).count();
    if readable != backups {
        return Err(format!("{readable} of {backups} backups were listed").into());
    }
    let grown = after.saturating_sub(before) as f64 / f64::from(1 << 20);
    Ok(format!("listed in {:.2} s, memory grew by {grown:.1} MiB", took.as_secs_f64()))
}

/// The key that the server knows.
fn credentials() -> Result<NamedTempFile, Failed> {
    let mut file = NamedTempFile::new()?;
    let (id, secret) = Options::default().credentials;
    write!(file, "[bench]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n")?;
    Ok(file)
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
