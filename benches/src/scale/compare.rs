//! Measures in turns, so that what else the machine does falls on all alike, and compares the medians.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args as ClapArgs;
use comfy_table::Table;
use serde::Serialize;
use tokio::process::Command;

use crate::measure::{Bounds, Figures, Work};
use crate::{Args, Failed};

/// What to compare.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Compare {
    /// How often each is measured.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    #[command(flatten)]
    bounds: Bounds,
    /// Where to write the figures.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// All figures, as they are written.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Results {
    page_objects: usize,
    lists_at_once: usize,
    /// Objects in a backup: also what the lists are said to have read.
    objects: u64,
    medians: BTreeMap<Work, Figures>,
    runs: BTreeMap<Work, Vec<Figures>>,
}

pub(crate) async fn compare(args: &Args, compare: &Compare) -> Result<(), Failed> {
    let mut runs: BTreeMap<Work, Vec<Figures>> = BTreeMap::new();
    for round in 0..compare.rounds.max(1) {
        for work in [Work::Lists, Work::Objects, Work::Backup, Work::Encrypted] {
            let figures = measured(args, work, &compare.bounds).await?;
            eprintln!("round {}: {work:?} {:.2} s", round + 1, figures.seconds);
            runs.entry(work).or_default().push(figures);
        }
    }
    let medians: BTreeMap<Work, Figures> = runs.iter().map(|(work, runs)| (*work, medians(runs))).collect();
    let results = Results {
        page_objects: compare.bounds.page,
        lists_at_once: compare.bounds.lists,
        objects: medians.get(&Work::Backup).map_or(0, |figures| figures.objects),
        medians,
        runs,
    };
    println!("{}", table(&results));
    if let Some(path) = &compare.json {
        std::fs::write(path, serde_json::to_vec_pretty(&results)?)?;
    }
    Ok(())
}

/// Runs one measurement in a process of its own.
async fn measured(args: &Args, work: Work, bounds: &Bounds) -> Result<Figures, Failed> {
    let mut command = Command::new(std::env::current_exe()?);
    if let Some(kubeconfig) = &args.kubeconfig {
        command.arg("--kubeconfig").arg(kubeconfig);
    }
    command.args(["once", word(work)]);
    command.args(["--page", &bounds.page.to_string(), "--lists", &bounds.lists.to_string(), "--folder"]);
    let output = command.arg(&bounds.folder).kill_on_drop(true).output().await?;
    if !output.status.success() {
        return Err(format!("{work:?} failed: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn word(work: Work) -> &'static str {
    match work {
        Work::Lists => "lists",
        Work::Objects => "objects",
        Work::Backup => "backup",
        Work::Encrypted => "encrypted",
    }
}

/// Of each figure its own median.
fn medians(runs: &[Figures]) -> Figures {
    Figures {
        seconds: median(runs, |run| run.seconds),
        cpu_seconds: median(runs, |run| run.cpu_seconds),
        peak_memory_bytes: median(runs, |run| run.peak_memory_bytes),
        bytes_read: median(runs, |run| run.bytes_read),
        bytes_stored: median(runs, |run| run.bytes_stored),
        objects: median(runs, |run| run.objects),
    }
}

/// The middle one; of an even number, the greater of the middle two. There is at least one run.
pub(crate) fn median<T: PartialOrd>(runs: &[Figures], figure: impl Fn(&Figures) -> T) -> T {
    let mut values: Vec<T> = runs.iter().map(figure).collect();
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    values.swap_remove(values.len() / 2)
}

fn table(results: &Results) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header([
        "",
        "median s",
        "fastest",
        "slowest",
        "to lists",
        "objects/s",
        "cpu s",
        "read MB",
        "stored MB",
        "peak MiB",
    ]);
    let lists = results.medians.get(&Work::Lists).map_or(f64::NAN, |figures| figures.seconds);
    for (work, runs) in &results.runs {
        let Some(figures) = results.medians.get(work) else { continue };
        let seconds = || runs.iter().map(|run| run.seconds);
        table.add_row([
            format!("{work:?}"),
            format!("{:.2}", figures.seconds),
            format!("{:.2}", seconds().fold(f64::INFINITY, f64::min)),
            format!("{:.2}", seconds().fold(0.0, f64::max)),
            format!("{:.2}", figures.seconds / lists),
            format!("{:.0}", results.objects as f64 / figures.seconds),
            format!("{:.2}", figures.cpu_seconds),
            format!("{:.1}", figures.bytes_read as f64 / 1e6),
            format!("{:.1}", figures.bytes_stored as f64 / 1e6),
            format!("{:.1}", figures.peak_memory_bytes as f64 / f64::from(1 << 20)),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_the_middle_of_each_figure() {
        let run = |seconds: f64, objects: u64| Figures {
            seconds,
            cpu_seconds: 1.0,
            peak_memory_bytes: 1,
            bytes_read: 1,
            bytes_stored: 1,
            objects,
        };
        let middle = medians(&[run(3.0, 1), run(1.0, 3), run(2.0, 2)]);
        assert_eq!((middle.seconds, middle.objects), (2.0, 2));
        assert_eq!(medians(&[run(5.0, 1)]).seconds, 5.0);
    }
}
