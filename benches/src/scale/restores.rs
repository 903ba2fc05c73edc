//! What a restore costs, next to a bare loop of creates of the same objects: in turns, each in a process of its own, each
//! into namespaces of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use comfy_table::Table;
use kbackup_core::backup::{self, Ports};
use kbackup_core::model::BackupName;
use kbackup_core::run::Run;
use kbackup_core::spec::BackupSpec;
use kbackup_providers::fs::FolderStore;
use serde::Serialize;
use tokio::process::Command;

use crate::compare::median;
use crate::measure::Figures;
use crate::write::{Kind, Once};
use crate::{Args, Failed};

/// The name of the backup that is restored.
pub(crate) const BACKUP: &str = "scale";

/// What to compare.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Restores {
    /// How often each is measured: an even number is fair.
    #[arg(long, default_value_t = 4)]
    rounds: usize,
    /// The numbers of connections that the bare loop is tried with.
    #[arg(long, value_delimiter = ',', default_values_t = [8, 16, 32, 64, 128])]
    connections: Vec<usize>,
    /// Objects that the bare loop creates while its best number of connections is looked for.
    #[arg(long, default_value_t = 5_000)]
    sample: usize,
    /// Where the backup is written, and removed again.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    folder: PathBuf,
    /// Where to write the figures.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// All figures, as they are written.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Results {
    /// Creates a second of the bare loop, by its number of connections.
    tried: BTreeMap<usize, f64>,
    best_connections: usize,
    /// Objects a second, medians.
    rates: BTreeMap<Kind, f64>,
    /// The restore's rate to that of the bare loop.
    restore_to_bare: f64,
    peak_memory_bytes: BTreeMap<Kind, u64>,
    runs: BTreeMap<Kind, Vec<Figures>>,
}

pub(crate) async fn restores(args: &Args, restores: &Restores) -> Result<(), Failed> {
    let folder = tempfile::tempdir_in(&restores.folder)?;
    back_up(args, folder.path()).await?;
    let mut tried = BTreeMap::new();
    let stamp = std::process::id();
    for connections in &restores.connections {
        let once = Once {
            kind: Kind::Bare,
            prefix: format!("t{stamp}-{connections}"),
            connections: *connections,
            objects: Some(restores.sample),
            folder: folder.path().to_owned(),
        };
        let figures = measured(args, &once).await?;
        eprintln!("{connections} connections: {:.0} creates/s", rate(&figures));
        tried.insert(*connections, rate(&figures));
    }
    let best = tried.iter().max_by(|a, b| a.1.total_cmp(b.1)).map_or(32, |(connections, _)| *connections);
    let mut runs: BTreeMap<Kind, Vec<Figures>> = BTreeMap::new();
    for round in 0..restores.rounds.max(1) {
        // The copy that a restore makes is what the next one finds unchanged; the backed up objects are untouched. A server
        // gets slower with what it holds, so each comes first as often as last.
        let mut order = [(Kind::Bare, "b"), (Kind::Restore, "r"), (Kind::Unchanged, "r"), (Kind::Untouched, "")];
        order.rotate_left(round % 2);
        for (kind, prefix) in order {
            let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}{stamp}-{round}") };
            let once = Once { kind, prefix, connections: best, objects: None, folder: folder.path().to_owned() };
            let figures = measured(args, &once).await?;
            eprintln!("round {}: {kind:?} {:.2} s, {:.0}/s", round + 1, figures.seconds, rate(&figures));
            runs.entry(kind).or_default().push(figures);
        }
    }
    conclude(restores, tried, best, runs)
}

fn conclude(
    restores: &Restores,
    tried: BTreeMap<usize, f64>,
    best_connections: usize,
    runs: BTreeMap<Kind, Vec<Figures>>,
) -> Result<(), Failed> {
    let rates: BTreeMap<Kind, f64> = runs.iter().map(|(kind, runs)| (*kind, middle(runs))).collect();
    let peak = |runs: &Vec<Figures>| runs.iter().map(|run| run.peak_memory_bytes).max().unwrap_or(0);
    let peak_memory_bytes = runs.iter().map(|(kind, runs)| (*kind, peak(runs))).collect();
    let of = |kind| rates.get(&kind).copied().unwrap_or(f64::NAN);
    let restore_to_bare = of(Kind::Restore) / of(Kind::Bare);
    let results = Results { tried, best_connections, rates, restore_to_bare, peak_memory_bytes, runs };
    println!("{}", table(&results));
    println!("restore to bare loop: {:.2} ({best_connections} connections)", results.restore_to_bare);
    if let Some(path) = &restores.json {
        std::fs::write(path, serde_json::to_vec_pretty(&results)?)?;
    }
    Ok(())
}

/// Backs up the namespaces of `fill`, and what their objects need.
async fn back_up(args: &Args, folder: &Path) -> Result<(), Failed> {
    let (cluster, store) = (args.connect().await?, FolderStore::open(folder)?);
    let (name, spec): (BackupName, _) = (BACKUP.parse()?, BackupSpec::default().namespaces(["scale-??"]));
    let report = backup::run(&Ports::new(&cluster, &store), &name, &spec, &Run::default()).await?;
    eprintln!("{} objects are backed up", report.manifest.counts.objects);
    Ok(())
}

/// Runs one measurement in a process of its own.
async fn measured(args: &Args, once: &Once) -> Result<Figures, Failed> {
    let mut command = Command::new(std::env::current_exe()?);
    if let Some(kubeconfig) = &args.kubeconfig {
        command.arg("--kubeconfig").arg(kubeconfig);
    }
    let output = command.arg("write").args(once.words()).kill_on_drop(true).output().await?;
    if !output.status.success() {
        return Err(format!("{:?} failed: {}", once.kind, String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The median rate; of an even number of runs, the mean of the middle two: they differ by their place in the order.
fn middle(runs: &[Figures]) -> f64 {
    let mut rates: Vec<f64> = runs.iter().map(rate).collect();
    rates.sort_by(f64::total_cmp);
    f64::midpoint(rates[(rates.len() - 1) / 2], rates[rates.len() / 2])
}

fn rate(figures: &Figures) -> f64 {
    figures.objects as f64 / figures.seconds
}

fn table(results: &Results) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["", "median s", "objects", "objects/s", "cpu s", "peak MiB"]);
    for (kind, runs) in &results.runs {
        table.add_row([
            format!("{kind:?}"),
            format!("{:.2}", median(runs, |run| run.seconds)),
            format!("{}", median(runs, |run| run.objects)),
            format!("{:.0}", middle(runs)),
            format!("{:.2}", median(runs, |run| run.cpu_seconds)),
            format!("{:.1}", median(runs, |run| run.peak_memory_bytes) as f64 / f64::from(1 << 20)),
        ]);
    }
    table
}
