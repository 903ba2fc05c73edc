//! `kbackup restore …`.

use std::collections::BTreeMap;

use clap::{Subcommand, ValueEnum};
use kbackup_core::model::BackupName;
use kbackup_core::spec::{OwnedPolicy, RestoreSpec};

use super::selection::Selection;

#[derive(Debug, clap::Args)]
pub(crate) struct RestoreArgs {
    #[command(subcommand)]
    pub(crate) verb: RestoreVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RestoreVerb {
    /// Restore a backup, or with --dry-run show what a restore would do.
    Create(RestoreCreate),
}

#[derive(Debug, clap::Args)]
pub(crate) struct RestoreCreate {
    /// The restore's name; not given: `<backup>-<YYYYMMDDhhmmss>`.
    pub(crate) name: Option<BackupName>,
    /// The backup to restore.
    #[arg(long, value_name = "BACKUP")]
    pub(crate) from_backup: BackupName,
    #[command(flatten)]
    selection: Selection,
    /// New names for namespaces: from:to, from:to; two can swap.
    #[arg(long, value_name = "FROM:TO", value_delimiter = ',', value_parser = mapping)]
    namespace_mappings: Vec<(String, String)>,
    /// Keep node ports of Services, also where the server had chosen them.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    preserve_nodeports: Option<bool>,
    /// What a built-in controller makes again by itself (ReplicaSets of a Deployment, Pods of a ReplicaSet).
    #[arg(long, value_enum, default_value_t = Owned::Skip, value_name = "WHAT")]
    owned: Owned,
    /// Show what would be created, left or refused, and why. Changes nothing.
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "client", value_name = "WHERE")]
    pub(crate) dry_run: Option<DryRun>,
}

/// Who judges a dry run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DryRun {
    /// kbackup alone, from the backup and what the cluster has.
    Client,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Owned {
    /// It is left to its controller.
    Skip,
    /// It is restored as any other object.
    Include,
}

/// `from:to`.
fn mapping(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((from, to)) if !from.is_empty() && !to.is_empty() && !to.contains(':') => {
            Ok((from.to_owned(), to.to_owned()))
        }
        _ => Err("write it as from:to, several as from:to,from:to".to_owned()),
    }
}

impl RestoreCreate {
    /// What is asked for.
    ///
    /// # Errors
    /// Where one namespace is given two new names.
    pub(crate) fn spec(&self) -> Result<RestoreSpec, String> {
        Ok(RestoreSpec {
            backup_name: self.from_backup.clone(),
            included_namespaces: self.selection.include_namespaces.clone(),
            excluded_namespaces: self.selection.exclude_namespaces.clone(),
            included_resources: self.selection.include_resources.clone(),
            excluded_resources: self.selection.exclude_resources.clone(),
            include_cluster_resources: self.selection.include_cluster_resources,
            label_selector: self.selection.selector.clone(),
            or_label_selectors: self.selection.or_selector.concat(),
            namespace_mapping: self.mappings()?,
            preserve_node_ports: self.preserve_nodeports.unwrap_or(false),
            owned: match self.owned {
                Owned::Skip => OwnedPolicy::Skip,
                Owned::Include => OwnedPolicy::Include,
            },
        })
    }

    fn mappings(&self) -> Result<BTreeMap<String, String>, String> {
        let mut mappings = BTreeMap::new();
        for (from, to) in &self.namespace_mappings {
            if let Some(other) = mappings.insert(from.clone(), to.clone()).filter(|other| other != to) {
                return Err(format!("namespaceMapping: \"{from}\" is mapped to both \"{other}\" and \"{to}\""));
            }
        }
        Ok(mappings)
    }
}
