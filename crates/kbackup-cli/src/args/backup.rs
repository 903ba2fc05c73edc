//! `kbackup backup …`.

use clap::{Subcommand, ValueEnum};
use kbackup_core::model::BackupName;
use kbackup_core::spec::{BackupSpec, Consistency, Ttl};

use super::selection::Selection;

#[derive(Debug, clap::Args)]
pub(crate) struct BackupArgs {
    #[command(subcommand)]
    pub(crate) verb: BackupVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BackupVerb {
    /// Make a backup of the cluster, or of a part of it.
    Create(BackupCreate),
    /// List the backups in the store.
    Get(BackupGet),
    /// Show what a backup is and what went wrong with it.
    Describe(BackupDescribe),
    /// Delete backups.
    Delete(BackupDelete),
}

#[derive(Debug, clap::Args)]
pub(crate) struct BackupCreate {
    /// The backup's name; not given: `backup-<YYYYMMDDhhmmss>`.
    pub(crate) name: Option<BackupName>,
    #[command(flatten)]
    selection: Selection,
    /// How long the backup is kept (720h0m0s, 30d, 2w).
    #[arg(long, value_name = "DURATION", default_value_t)]
    ttl: Ttl,
    /// How strictly all types must be read at one revision of the cluster.
    #[arg(long, value_enum, default_value_t = Strictness::Revision, value_name = "MODE")]
    consistency: Strictness,
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
}

#[derive(Debug, clap::Args)]
pub(crate) struct BackupDescribe {
    /// The backup's name.
    pub(crate) name: BackupName,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BackupDelete {
    /// The backups' names.
    #[arg(required = true)]
    pub(crate) names: Vec<BackupName>,
}

impl BackupCreate {
    /// What is asked for.
    pub(crate) fn spec(&self) -> BackupSpec {
        BackupSpec {
            included_namespaces: self.selection.include_namespaces.clone(),
            excluded_namespaces: self.selection.exclude_namespaces.clone(),
            included_resources: self.selection.include_resources.clone(),
            excluded_resources: self.selection.exclude_resources.clone(),
            include_cluster_resources: self.selection.include_cluster_resources,
            label_selector: self.selection.selector.clone(),
            or_label_selectors: self.selection.or_selector.concat(),
            ttl: self.ttl,
            consistency: match self.consistency {
                Strictness::Revision => Consistency::Revision,
                Strictness::Strict => Consistency::Strict,
                Strictness::Relaxed => Consistency::Relaxed,
            },
        }
    }
}
