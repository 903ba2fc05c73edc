//! `kbackup backup …`.

use clap::{Subcommand, ValueEnum};
use kbackup_core::model::{BackupName, LabelSelector};
use kbackup_core::spec::{BackupSpec, Consistency, Ttl};

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
    /// The backup's name; not given: backup-<YYYYMMDDhhmmss>.
    pub(crate) name: Option<BackupName>,
    /// Namespaces to take, by name or glob; not given: all.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    include_namespaces: Vec<String>,
    /// Namespaces to leave out.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    exclude_namespaces: Vec<String>,
    /// Types to take: deployments, deployments.apps, short names, kinds or globs; not given: all.
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    include_resources: Vec<String>,
    /// Types to leave out.
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    exclude_resources: Vec<String>,
    /// Whether cluster-scoped objects are taken; not given: all of them with all namespaces, otherwise what is needed.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    include_cluster_resources: Option<bool>,
    /// Only objects whose labels match (app=web,tier!=cache).
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    selector: Option<LabelSelector>,
    /// Only objects whose labels match one of several selectors (repeatable, or joined by "or").
    #[arg(long, value_name = "SELECTOR", value_parser = super::restore::or_selectors, conflicts_with = "selector")]
    or_selector: Vec<Vec<LabelSelector>>,
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
            included_namespaces: self.include_namespaces.clone(),
            excluded_namespaces: self.exclude_namespaces.clone(),
            included_resources: self.include_resources.clone(),
            excluded_resources: self.exclude_resources.clone(),
            include_cluster_resources: self.include_cluster_resources,
            label_selector: self.selector.clone(),
            or_label_selectors: self.or_selector.concat(),
            ttl: self.ttl,
            consistency: match self.consistency {
                Strictness::Revision => Consistency::Revision,
                Strictness::Strict => Consistency::Strict,
                Strictness::Relaxed => Consistency::Relaxed,
            },
        }
    }
}
