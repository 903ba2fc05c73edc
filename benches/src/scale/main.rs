//! What a backup costs, next to what its lists cost: fills a cluster with objects of realistic sizes, then measures bare
//! lists of everything and backups of everything, in turns, each in a process of its own.
//!
//! ```text
//! scale fill --kubeconfig FILE --objects 100000
//! scale run  --kubeconfig FILE --rounds 5 --json figures.json
//! scale restore --kubeconfig FILE --rounds 3 --json restores.json
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the figures are what this program is for")]

mod bare;
mod compare;
mod fill;
mod measure;
mod objects;
mod process;
mod restores;
mod write;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use kbackup_kube::{ConnectOptions, KubeCluster};

/// Whatever went wrong, for the one who runs this.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Measures backups of a cluster next to bare lists of the same objects.
#[derive(Debug, Clone, Parser)]
struct Args {
    /// The kubeconfig of the cluster; it is written to by `fill`.
    #[arg(long, global = true, env = "KUBECONFIG")]
    kubeconfig: Option<PathBuf>,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    /// Creates objects until there are so many; those of an earlier call count.
    Fill(fill::Fill),
    /// Measures, in turns, and prints a table.
    Run(compare::Compare),
    /// Measures once, in this process: what `run` starts.
    #[command(hide = true)]
    Once(measure::Once),
    /// Measures restores next to bare loops of creates, in turns, and prints a table. Leaves its namespaces behind.
    Restore(restores::Restores),
    /// Measures one of them, in this process: what `restore` starts.
    #[command(hide = true)]
    Write(write::Once),
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let done = match &args.what {
        What::Fill(fill) => fill::fill(&args, fill).await,
        What::Run(compare) => compare::compare(&args, compare).await,
        What::Once(once) => measure::once(&args, once).await,
        What::Restore(restores) => restores::restores(&args, restores).await,
        What::Write(once) => write::once(&args, once).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Args {
    async fn connect(&self) -> Result<KubeCluster, Failed> {
        let options = ConnectOptions { kubeconfig: self.kubeconfig.clone(), ..ConnectOptions::default() };
        Ok(KubeCluster::connect(&options).await?)
    }
}
