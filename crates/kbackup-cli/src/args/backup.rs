//! `kbackup backup …`.

use clap::{Subcommand, ValueEnum};
use kbackup_core::catalog;
use kbackup_core::model::{BackupName, LabelSelector};
use kbackup_core::spec::{BackupSpec, Consistency, Retention, Ttl};

use super::protection::ProtectionArgs;
use super::scoped::ScopedTypes;
use super::selection::Selection;

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
    /// List the objects in a backup, without fetching them.
    Contents(BackupContents),
    /// Read backups to the last byte and compare them with what was written.
    Verify(BackupVerify),
    /// Copy a backup to another store, byte for byte.
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
    #[command(flatten)]
    pub(crate) what: BackupFlags,
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
    /// How long the backup is kept (720h0m0s, 30d, 2w); not given: as long as its location says, or 720h0m0s.
    #[arg(long, value_name = "DURATION")]
    ttl: Option<Ttl>,
    /// How strictly all types must be read at one revision of the cluster.
    #[arg(long, value_enum, default_value_t = Strictness::Revision, value_name = "MODE")]
    consistency: Strictness,
    #[command(flatten)]
    pub(crate) protection: ProtectionArgs,
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
}

#[derive(Debug, clap::Args)]
pub(crate) struct BackupExport {
    /// The backup's name.
    pub(crate) name: BackupName,
    /// The format.
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: ExportFormat,
    /// The object store to write to, with its prefix: one of its own.
    #[arg(long, value_name = "STORE")]
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
    #[arg(required = true)]
    pub(crate) names: Vec<BackupName>,
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
    /// What is asked for; `ttl` is how long backups are kept where nothing is said.
    pub(crate) fn spec(&self, ttl: Option<Ttl>) -> BackupSpec {
        self.scoped.choose(BackupSpec {
            included_namespaces: self.selection.include_namespaces.clone(),
            excluded_namespaces: self.selection.exclude_namespaces.clone(),
            included_resources: self.selection.include_resources.clone(),
            excluded_resources: self.selection.exclude_resources.clone(),
            include_cluster_resources: self.selection.include_cluster_resources,
            label_selector: self.selection.selector.clone(),
            or_label_selectors: self.selection.or_selector.concat(),
            labels: self.labels.iter().cloned().collect(),
            ttl: self.ttl.or(ttl).unwrap_or_default(),
            consistency: match self.consistency {
                Strictness::Revision => Consistency::Revision,
                Strictness::Strict => Consistency::Strict,
                Strictness::Relaxed => Consistency::Relaxed,
            },
            ..BackupSpec::default()
        })
    }
}

/// `key=value`; whether both are what labels may be is checked with the rest of the request.
pub(super) fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) => Ok((key.trim().to_owned(), value.trim().to_owned())),
        None => Err(format!("\"{text}\" is not a label: write key=value")),
    }
}
