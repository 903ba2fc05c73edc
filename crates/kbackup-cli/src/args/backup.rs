//! `kbackup backup …`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use kbackup_core::catalog;
use kbackup_core::model::{BackupName, LabelSelector, LockMode};
use kbackup_core::spec::{BackupSpec, Consistency, ResourcePolicies, Retention, Ttl};

use super::protection::{Pace, ProtectionArgs};
use super::scoped::ScopedTypes;
use super::selection::Selection;
use crate::document;
use crate::error::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct BackupArgs {
    #[command(subcommand)]
    pub(crate) verb: BackupVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BackupVerb {
    /// Make a backup of the cluster, or of a part of it.
    Create(Box<BackupCreate>),
    /// List the backups in the store, newest first.
    Get(BackupGet),
    /// Show what a backup is and what went wrong with it.
    Describe(BackupDescribe),
    /// Show what the run that made a backup told.
    Logs(BackupLogs),
    /// List the objects in a backup, without fetching them.
    Contents(BackupContents),
    /// Read backups to the last byte and compare them with what was written.
    Verify(BackupVerify),
    /// Copy a backup to another store: byte for byte, or encrypted for others.
    Copy(BackupCopy),
    /// Write a backup to another store in the format of another tool.
    Export(BackupExport),
    /// Delete backups.
    Delete(BackupDelete),
    /// Delete the backups whose time is over and that no rule keeps.
    Prune(BackupPrune),
    /// Remove what runs that died have left, and finish deletions that broke off.
    Sweep(BackupSweep),
}

#[derive(Debug, clap::Args)]
pub(crate) struct BackupCreate {
    /// The backup's name; not given: `backup-<YYYYMMDDhhmmss>`.
    pub(crate) name: Option<BackupName>,
    /// A schedule of the configuration file whose backup is made now: it says what, how and where to, and flags win over it.
    #[arg(long, value_name = "SCHEDULE", conflicts_with = "spec")]
    pub(crate) from_schedule: Option<String>,
    #[command(flatten)]
    pub(crate) what: BackupFlags,
    /// For Velero's users: a command ends when its work does, whether or not this is given.
    #[arg(short = 'w', long = "wait", hide = true)]
    _wait: bool,
    /// Show what would be taken: types, counts, volumes. Nothing is written, and no store is needed.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What is backed up, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct BackupFlags {
    #[command(flatten)]
    selection: Selection,
    #[command(flatten)]
    scoped: ScopedTypes,
    /// Labels of the backup itself (team=shop,tier=gold), for lists and retention rules.
    #[arg(long, value_name = "LABELS", value_delimiter = ',', value_parser = label)]
    labels: Vec<(String, String)>,
    /// Annotations of the backup itself (example.com/why=migration).
    #[arg(long, value_name = "ANNOTATIONS", value_delimiter = ',', value_parser = label)]
    annotations: Vec<(String, String)>,
    /// How long the backup is kept (720h0m0s, 30d, 2w); not given: as long as its location says, or 720h0m0s.
    #[arg(long, value_name = "DURATION")]
    ttl: Option<Ttl>,
    /// How the store itself keeps the backup from being deleted before its TTL is over: governance (who has a permission of
    /// its own may), compliance (nobody may). Needs a bucket with object lock.
    #[arg(long, value_name = "MODE")]
    lock: Option<LockMode>,
    /// How strictly all types must be read at one revision of the cluster; not given: revision.
    #[arg(long, value_enum, value_name = "MODE")]
    consistency: Option<Strictness>,
    #[command(flatten)]
    care: Care,
    /// A file with the whole request, as YAML: the `spec` of a backup's manifest has this form. Flags win over it.
    #[arg(long, value_name = "FILE")]
    spec: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) protection: ProtectionArgs,
    #[command(flatten)]
    pub(crate) pace: Pace,
}

/// The flags about what is done beside copying objects.
#[derive(Debug, clap::Args)]
struct Care {
    /// Objects to take care of in this order, by type ('pods=shop/db-0,shop/db-1;persistentvolumes=pv-1').
    #[arg(long, value_name = "ORDER", value_parser = ordered)]
    ordered_resources: Option<BTreeMap<String, String>>,
    /// Whether volumes are snapshotted; not given: where a provider of snapshots is set up.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    snapshot_volumes: Option<bool>,
    /// Whether the files of the volumes of pods are copied unless a pod says otherwise; not given: no.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    default_volumes_to_fs_backup: Option<bool>,
    /// A file with volume policies, as YAML: what happens to which volume.
    #[arg(long, value_name = "FILE")]
    resource_policies: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Strictness {
    /// What can't be read at the revision is read at another, and named.
    Revision,
    /// What can't be read at the revision fails the backup.
    Strict,
    /// Each type at its newest.
    Relaxed,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BackupGet {
    /// Names to show; not given: all.
    pub(crate) names: Vec<BackupName>,
    /// Only backups whose own labels match (kbackup.dev/schedule-name=nightly).
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub(crate) selector: Option<LabelSelector>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BackupContents {
    /// The backup's name.
    pub(crate) name: BackupName,
    /// Only objects in these namespaces, by name or glob.
    #[arg(short = 'n', long, value_name = "NAMES", value_delimiter = ',')]
    pub(crate) include_namespaces: Vec<String>,
    /// Only objects of these types, by name or glob (deployments, deployments.apps, *.example.com).
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    pub(crate) include_resources: Vec<String>,
    /// Only objects whose labels match.
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub(crate) selector: Option<LabelSelector>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BackupDescribe {
    /// The backup's name.
    pub(crate) name: BackupName,
    /// List the objects in it too.
    #[arg(long)]
    pub(crate) details: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BackupLogs {
    /// The backup's name.
    pub(crate) name: BackupName,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BackupExport {
    /// The backup's name.
    pub(crate) name: BackupName,
    /// The format.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: ExportFormat,
    /// Where to: the URL of a store with a prefix of its own, or the name of a location.
    #[arg(long, value_name = "STORE|LOCATION")]
    pub(crate) to: String,
}

/// A format that is not kbackup's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Velero's, format 1.1.0: Velero finds the backup at its next sync.
    Velero,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BackupDelete {
    /// The backups' names.
    #[arg(required_unless_present_any = ["all", "selector"], conflicts_with_all = ["all", "selector"])]
    pub(crate) names: Vec<BackupName>,
    /// All backups of the store, but for Velero's.
    #[arg(long, conflicts_with = "selector")]
    pub(crate) all: bool,
    /// Those whose own labels match.
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub(crate) selector: Option<LabelSelector>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BackupVerify {
    /// The backups' names.
    #[arg(required = true)]
    pub(crate) names: Vec<BackupName>,
    /// Decompress every part too, and compare it with the index entry by entry.
    #[arg(long)]
    pub(crate) deep: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BackupCopy {
    /// The backup's name.
    pub(crate) name: BackupName,
    /// Where to: the URL of a store, or the name of a location.
    #[arg(long, value_name = "STORE|LOCATION")]
    pub(crate) to: String,
    #[command(flatten)]
    pub(crate) protection: ProtectionArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BackupPrune {
    /// Show what would go and why, and delete nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) rules: Rules,
}

/// Which backups are kept beyond their time to live.
#[derive(Debug, clap::Args)]
pub(crate) struct Rules {
    /// Keep the newest backups of each schedule.
    #[arg(long, value_name = "N", default_value_t = 0)]
    keep_last: u32,
    /// Keep the newest of each of the last hours that have one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    keep_hourly: u32,
    /// Keep the newest of each of the last days that have one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    keep_daily: u32,
    /// Keep the newest of each of the last weeks that have one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    keep_weekly: u32,
    /// Keep the newest of each of the last months that have one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    keep_monthly: u32,
    /// Keep the newest of each of the last years that have one.
    #[arg(long, value_name = "N", default_value_t = 0)]
    keep_yearly: u32,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BackupSweep {
    /// For how long an unfinished backup must have given no sign of life.
    #[arg(long, value_name = "DURATION", default_value_t = catalog::grace())]
    pub(crate) grace: Ttl,
}

impl Rules {
    /// The rules.
    pub(crate) fn retention(&self) -> Retention {
        Retention {
            keep_last: self.keep_last,
            keep_hourly: self.keep_hourly,
            keep_daily: self.keep_daily,
            keep_weekly: self.keep_weekly,
            keep_monthly: self.keep_monthly,
            keep_yearly: self.keep_yearly,
        }
    }
}

impl BackupFlags {
    /// What is asked for: the file of `--spec`, and over it what the flags say. `ttl` is how long backups are kept where
    /// neither says it.
    ///
    /// # Errors
    /// Where a file can't be read, or does not say what it should.
    pub(crate) async fn spec(&self, ttl: Option<Ttl>) -> Result<BackupSpec, Failure> {
        let base = match &self.spec {
            Some(path) => document::read("--spec", path).await?,
            None => BackupSpec { ttl: ttl.unwrap_or_default(), ..BackupSpec::default() },
        };
        self.over(base).await
    }

    /// What `spec` asks for, and over it what the flags say.
    ///
    /// # Errors
    /// As [`BackupFlags::spec`].
    pub(crate) async fn over(&self, mut spec: BackupSpec) -> Result<BackupSpec, Failure> {
        self.care.apply(&mut spec).await?;
        self.selection.apply(&mut spec);
        self.scoped.apply(&mut spec);
        if !self.labels.is_empty() {
            spec.labels = self.labels.iter().cloned().collect();
        }
        if !self.annotations.is_empty() {
            spec.annotations = self.annotations.iter().cloned().collect();
        }
        set(&mut spec.ttl, self.ttl);
        set(&mut spec.lock, self.lock.map(Some));
        set(&mut spec.consistency, self.consistency.map(Consistency::from));
        Ok(spec)
    }
}

impl Care {
    async fn apply(&self, spec: &mut BackupSpec) -> Result<(), Failure> {
        set(&mut spec.ordered_resources, self.ordered_resources.clone());
        set(&mut spec.snapshot_volumes, self.snapshot_volumes.map(Some));
        set(&mut spec.default_volumes_to_fs_backup, self.default_volumes_to_fs_backup.map(Some));
        if let Some(path) = &self.resource_policies {
            let policies: ResourcePolicies = document::read("--resource-policies", path).await?;
            policies.apply(spec);
        }
        Ok(())
    }
}

impl From<Strictness> for Consistency {
    fn from(strictness: Strictness) -> Self {
        match strictness {
            Strictness::Revision => Self::Revision,
            Strictness::Strict => Self::Strict,
            Strictness::Relaxed => Self::Relaxed,
        }
    }
}

/// Sets a field that a flag says something about.
fn set<T>(field: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *field = given;
    }
}

/// `type=name,name;type=name`, as Velero takes it; whether the cluster has such types is checked with the request.
fn ordered(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut order = BTreeMap::new();
    for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
        let (ty, names) = part
            .split_once('=')
            .ok_or_else(|| format!("\"{part}\" is not an order: write type=namespace/name,namespace/name"))?;
        if order.insert(ty.trim().to_owned(), names.trim().to_owned()).is_some() {
            return Err(format!("\"{}\" is given twice: write all of its names in one list", ty.trim()));
        }
    }
    Ok(order)
}

/// `key=value`; whether both are what labels may be is checked with the rest of the request.
pub(super) fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) => Ok((key.trim().to_owned(), value.trim().to_owned())),
        None => Err(format!("\"{text}\" is not a label: write key=value")),
    }
}
