//! `kbackup restore …`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use kbackup_core::model::BackupName;
use kbackup_core::spec::{ExistingPolicy, OwnedPolicy, RestoreSpec, RestoreStatus};

use super::selection::Selection;

#[derive(Debug, clap::Args)]
pub(crate) struct RestoreArgs {
    #[command(subcommand)]
    pub(crate) verb: RestoreVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RestoreVerb {
    /// Restore a backup, or with --dry-run show what a restore would do.
    Create(Box<RestoreCreate>),
    /// Show what a restore would do: the same as create --dry-run.
    Plan(Box<RestoreCreate>),
    /// Do what a stored plan says, or go on with a restore that was interrupted.
    Apply(RestoreApply),
}

#[derive(Debug, clap::Args)]
pub(crate) struct RestoreApply {
    /// A file that --plan-out wrote; or the name of a restore that was begun.
    #[arg(value_name = "PLAN")]
    pub(crate) plan: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RestoreCreate {
    /// The restore's name; not given: `<backup>-<YYYYMMDDhhmmss>`.
    pub(crate) name: Option<BackupName>,
    /// The backup to restore.
    #[arg(long, value_name = "BACKUP", required_unless_present = "spec")]
    pub(crate) from_backup: Option<BackupName>,
    /// A whole RestoreSpec as YAML or JSON; what flags say wins.
    #[arg(long, value_name = "FILE")]
    pub(crate) spec: Option<PathBuf>,
    #[command(flatten)]
    selection: Selection,
    /// New names for namespaces: from:to, from:to; two can swap.
    #[arg(long, value_name = "FROM:TO", value_delimiter = ',', value_parser = mapping)]
    namespace_mappings: Vec<(String, String)>,
    /// Make disks of the snapshots that the backup has of volumes [default: true].
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    restore_volumes: Option<bool>,
    /// Keep node ports of Services, also where the server had chosen them.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    preserve_nodeports: Option<bool>,
    /// Types whose objects get back their status ("*": all); not given: none but those that ask for it by an annotation.
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    status_include_resources: Vec<String>,
    /// Types whose objects don't get back their status.
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    status_exclude_resources: Vec<String>,
    /// Rules that change objects on their way: a file of Velero's resource modifiers.
    #[arg(long, value_name = "FILE")]
    pub(crate) resource_modifiers: Option<PathBuf>,
    /// What a built-in controller makes again by itself (ReplicaSets of a Deployment, Pods of a ReplicaSet) [default: skip].
    #[arg(long, value_enum, value_name = "WHAT")]
    owned: Option<Owned>,
    /// Only these objects: type/name or type/namespace/name, by their names in the backup; globs are allowed.
    #[arg(long, value_name = "TYPE/NAME", value_delimiter = ',')]
    names: Vec<String>,
    /// What happens to objects that exist and differ from the backup.
    #[arg(long, value_enum, value_name = "POLICY")]
    existing: Option<Existing>,
    /// The same in Velero's words.
    #[arg(long, value_enum, value_name = "POLICY", conflicts_with = "existing")]
    existing_resource_policy: Option<VeleroPolicy>,
    /// Leave out what a damaged part of the backup held, instead of restoring nothing.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    skip_damaged: Option<bool>,
    /// Show what would be created, left or refused, and why. Changes nothing.
    #[arg(long, value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "client", value_name = "WHERE")]
    pub(crate) dry_run: Option<DryRun>,
    /// Write the plan to this file, as JSON, to be looked at and applied later. Changes nothing in the cluster.
    #[arg(long, value_name = "FILE")]
    pub(crate) plan_out: Option<PathBuf>,
}

/// Who judges a dry run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DryRun {
    /// kbackup alone, from the backup and what the cluster has.
    Client,
    /// The API server too: every write is sent to it as a dry run.
    Server,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Existing {
    /// They are left as they are, and reported.
    Skip,
    /// They get what the backup says, and keep what only they have.
    Update,
    /// They become what the backup says.
    Replace,
    /// They are deleted and created anew; namespaces, definitions of types and volumes are updated instead.
    Recreate,
    /// Nothing is restored if there is one.
    Fail,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum VeleroPolicy {
    /// As --existing skip.
    None,
    /// As --existing update.
    Update,
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
    /// What is asked for: the flags, over what a file says.
    ///
    /// # Errors
    /// Where one namespace is given two new names.
    pub(crate) fn over(&self, file: RestoreSpec) -> Result<RestoreSpec, String> {
        let list = |flag: &[String], file: Vec<String>| if flag.is_empty() { file } else { flag.to_vec() };
        let chosen = &self.selection;
        let selects = chosen.selector.is_some() || !chosen.or_selector.is_empty();
        Ok(RestoreSpec {
            backup_name: self.from_backup.clone().unwrap_or(file.backup_name),
            included_namespaces: list(&chosen.include_namespaces, file.included_namespaces),
            excluded_namespaces: list(&chosen.exclude_namespaces, file.excluded_namespaces),
            included_resources: list(&chosen.include_resources, file.included_resources),
            excluded_resources: list(&chosen.exclude_resources, file.excluded_resources),
            include_cluster_resources: chosen.include_cluster_resources.or(file.include_cluster_resources),
            label_selector: if selects { chosen.selector.clone() } else { file.label_selector },
            or_label_selectors: if selects { chosen.or_selector.concat() } else { file.or_label_selectors },
            namespace_mapping: if self.namespace_mappings.is_empty() {
                file.namespace_mapping
            } else {
                self.mappings()?
            },
            restore_volumes: self.restore_volumes.or(file.restore_volumes),
            preserve_node_ports: self.preserve_nodeports.unwrap_or(file.preserve_node_ports),
            restore_status: self.status().or(file.restore_status),
            owned: match self.owned {
                Some(Owned::Skip) => OwnedPolicy::Skip,
                Some(Owned::Include) => OwnedPolicy::Include,
                None => file.owned,
            },
            storage_class_mapping: file.storage_class_mapping,
            image_mapping: file.image_mapping,
            resource_modifiers: file.resource_modifiers,
            hooks: file.hooks,
            names: list(&self.names, file.names),
            existing: self.existing().unwrap_or(file.existing),
            skip_damaged: self.skip_damaged.unwrap_or(file.skip_damaged),
        })
    }

    fn existing(&self) -> Option<ExistingPolicy> {
        match (self.existing, self.existing_resource_policy) {
            (Some(Existing::Update), _) | (None, Some(VeleroPolicy::Update)) => Some(ExistingPolicy::Update),
            (Some(Existing::Replace), _) => Some(ExistingPolicy::Replace),
            (Some(Existing::Recreate), _) => Some(ExistingPolicy::Recreate),
            (Some(Existing::Fail), _) => Some(ExistingPolicy::Fail),
            (Some(Existing::Skip), _) | (None, Some(VeleroPolicy::None)) => Some(ExistingPolicy::Skip),
            (None, None) => None,
        }
    }

    fn status(&self) -> Option<RestoreStatus> {
        let status = RestoreStatus {
            included_resources: self.status_include_resources.clone(),
            excluded_resources: self.status_exclude_resources.clone(),
        };
        (status != RestoreStatus::default()).then_some(status)
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
