//! One measurement, in a process of its own: so that its peak of memory is its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::{Args as ClapArgs, ValueEnum};
use futures::stream::{self, TryStreamExt};
use kbackup_core::backup;
use kbackup_core::cluster::{At, ClusterReader, ListQuery, Page, PageSize};
use kbackup_core::limits::Limits;
use kbackup_core::model::{BackupName, LabelSelector, ResourceType};
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, Consistency};
use kbackup_providers::fs::FolderStore;
use serde::{Deserialize, Serialize};

use crate::{Args, Failed, bare, process};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Work {
    /// Every object listed and thrown away.
    Lists,
    /// Every object listed through the cluster port and dropped.
    Objects,
    /// A backup of every object to a folder.
    Backup,
}

/// How both are done.
#[derive(Debug, Clone, ClapArgs)]
pub(crate) struct Bounds {
    /// Objects in a page.
    #[arg(long, default_value_t = Limits::default().page_objects_max)]
    pub(crate) page: usize,
    /// Types that are listed at the same time.
    #[arg(long, default_value_t = Limits::default().lists_max)]
    pub(crate) lists: usize,
    /// Where backups are written, and removed again.
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Once {
    work: Work,
    #[command(flatten)]
    bounds: Bounds,
}

/// What one measurement came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Figures {
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_memory_bytes: u64,
    /// JSON that was read.
    pub(crate) bytes_read: u64,
    /// What a backup wrote; 0 for bare lists.
    pub(crate) bytes_stored: u64,
    /// What a backup holds; 0 for bare lists, which do not count.
    pub(crate) objects: u64,
}

/// What the work itself can tell.
struct Done {
    bytes_read: u64,
    bytes_stored: u64,
    objects: u64,
}

/// Measures once and prints the figures as JSON.
pub(crate) async fn once(args: &Args, once: &Once) -> Result<(), Failed> {
    let begun = Instant::now();
    let Done { bytes_read, bytes_stored, objects } = match once.work {
        Work::Lists => {
            let bytes_read = bare::read_all(args, once.bounds.page, once.bounds.lists).await?;
            Done { bytes_read, bytes_stored: 0, objects: 0 }
        }
        Work::Objects => take_all(args, &once.bounds).await?,
        Work::Backup => back_up(args, &once.bounds).await?,
    };
    let seconds = begun.elapsed().as_secs_f64();
    let (peak_memory_bytes, cpu_seconds) = process::cost()?;
    let figures = Figures { seconds, cpu_seconds, peak_memory_bytes, bytes_read, bytes_stored, objects };
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

async fn take_all(args: &Args, bounds: &Bounds) -> Result<Done, Failed> {
    let cluster = args.connect().await?;
    let (discovery, revision) = (cluster.discover().await?, cluster.revision().await?);
    let query = |ty: &Arc<ResourceType>| ListQuery {
        ty: Arc::clone(ty),
        namespace: None,
        labels: LabelSelector::default(),
        at: At::Exact(revision),
        page: PageSize { objects_max: bounds.page, bytes_target: Limits::default().page_bytes_target },
        metadata_only: false,
    };
    let taken = async |query: ListQuery| {
        let sum = async |(objects, bytes): (u64, u64), page: Page| {
            let raw: usize = page.objects.iter().map(|object| object.raw().len()).sum();
            Ok((objects + page.objects.len() as u64, bytes + raw as u64))
        };
        cluster.list(&query).try_fold((0, 0), sum).await
    };
    let types = discovery.preferred().filter(|ty| bare::is_stored(ty));
    let taken = stream::iter(types.map(|ty| Ok(taken(query(ty))))).try_buffer_unordered(bounds.lists);
    let sum = async |(objects, bytes): (u64, u64), (more, read): (u64, u64)| Ok((objects + more, bytes + read));
    let (objects, bytes_read) = taken.try_fold((0, 0), sum).await?;
    Ok(Done { bytes_read, bytes_stored: 0, objects })
}

async fn back_up(args: &Args, bounds: &Bounds) -> Result<Done, Failed> {
    let folder = tempfile::tempdir_in(&bounds.folder)?;
    let (cluster, store) = (args.connect().await?, FolderStore::open(folder.path())?);
    let limits = Limits { page_objects_max: bounds.page, lists_max: bounds.lists, ..Limits::default() };
    let name: BackupName = "scale".parse()?;
    let spec = BackupSpec { consistency: Consistency::Strict, ..BackupSpec::default() };
    let report = backup::run(&cluster, &store, &name, &spec, &Run::default().limits(limits)).await?;
    let counts = &report.manifest.counts;
    Ok(Done { bytes_read: counts.bytes_raw, bytes_stored: counts.bytes_stored, objects: counts.objects })
}
