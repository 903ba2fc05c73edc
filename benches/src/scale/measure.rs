//! One measurement, in a process of its own: so that its peak of memory is its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::{Args as ClapArgs, ValueEnum};
use futures::stream::{self, TryStreamExt};
use kbackup_core::backup;
use kbackup_core::cluster::{At, ClusterReader, ListQuery, PageSize};
use kbackup_core::crypt::{Identities, Protection, Recipients};
use kbackup_core::limits::Limits;
use kbackup_core::model::{BackupName, LabelSelector, ResourceType};
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, Consistency};
use kbackup_kube::KubeCluster;
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
    /// The same, encrypted for one recipient.
    Encrypted,
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

#[derive(Debug, Clone, ClapArgs)]
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
    let (args, once, begun) = (args.clone(), once.clone(), Instant::now());
    // On a thread of the runtime, the work and the connections that it reads from can share one without a switch.
    let Done { bytes_read, bytes_stored, objects } = tokio::spawn(async move { work(&args, &once).await }).await??;
    let seconds = begun.elapsed().as_secs_f64();
    let (peak_memory_bytes, cpu_seconds) = process::cost()?;
    let figures = Figures { seconds, cpu_seconds, peak_memory_bytes, bytes_read, bytes_stored, objects };
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

async fn work(args: &Args, once: &Once) -> Result<Done, Failed> {
    match once.work {
        Work::Lists => {
            let bytes_read = bare::read_all(args, once.bounds.page, once.bounds.lists).await?;
            Ok(Done { bytes_read, bytes_stored: 0, objects: 0 })
        }
        Work::Objects => take_all(args, &once.bounds).await,
        Work::Backup => back_up(args, &once.bounds, Protection::default()).await,
        Work::Encrypted => {
            let recipients = Recipients::of([Identities::generate().recipient()])?;
            back_up(args, &once.bounds, Protection::default().encrypt(recipients)).await
        }
    }
}

async fn take_all(args: &Args, bounds: &Bounds) -> Result<Done, Failed> {
    let cluster = args.connect().await?;
    let (discovery, revision) = (cluster.discover().await?, cluster.revision().await?);
    let query = |ty: &Arc<ResourceType>| ListQuery {
        ty: Arc::clone(ty),
        namespace: None,
        labels: LabelSelector::default(),
        name: None,
        at: At::Exact(revision),
        page: PageSize { objects_max: bounds.page, bytes_target: Limits::default().page_bytes_target },
        metadata_only: false,
    };
    let types = discovery.preferred().filter(|ty| bare::is_stored(ty));
    let reads: Vec<_> = types.map(|ty| Ok(take(cluster.clone(), query(ty)))).collect();
    let taken: Vec<Done> = stream::iter(reads).try_buffer_unordered(bounds.lists).try_collect().await?;
    let bytes_read = taken.iter().map(|done| done.bytes_read).sum();
    Ok(Done { bytes_read, bytes_stored: 0, objects: taken.iter().map(|done| done.objects).sum() })
}

/// Takes the objects of one type and drops them.
async fn take(cluster: KubeCluster, query: ListQuery) -> Result<Done, Failed> {
    let mut done = Done { bytes_read: 0, bytes_stored: 0, objects: 0 };
    let mut pages = cluster.list(&query);
    while let Some(page) = pages.try_next().await? {
        done.objects += page.objects.len() as u64;
        done.bytes_read += page.objects.iter().map(|object| object.raw().len() as u64).sum::<u64>();
    }
    Ok(done)
}

async fn back_up(args: &Args, bounds: &Bounds, protection: Protection) -> Result<Done, Failed> {
    let folder = tempfile::tempdir_in(&bounds.folder)?;
    let (cluster, store) = (args.connect().await?, FolderStore::open(folder.path())?);
    let limits = Limits { page_objects_max: bounds.page, lists_max: bounds.lists, ..Limits::default() };
    let name: BackupName = "scale".parse()?;
    let spec = BackupSpec { consistency: Consistency::Strict, ..BackupSpec::default() };
    let ports = backup::Ports::new(&cluster, &store).protect(&protection);
    let report = backup::run(&ports, &name, &spec, &Run::default().limits(limits)).await?;
    let counts = &report.manifest.counts;
    Ok(Done { bytes_read: counts.bytes_raw, bytes_stored: counts.bytes_stored, objects: counts.objects })
}
