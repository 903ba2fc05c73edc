//! The flags that choose objects, of a cluster or of a backup.

use kbackup_core::model::{LabelSelector, SelectorError};
use kbackup_core::spec::BackupSpec;

#[derive(Debug, clap::Args)]
pub(crate) struct Selection {
    /// Namespaces to take, by name or glob; not given: all. In a restore, by their names in the backup.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) include_namespaces: Vec<String>,
    /// Namespaces to leave out.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) exclude_namespaces: Vec<String>,
    /// Types to take: deployments, deployments.apps, short names, kinds or globs; not given: all.
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    pub(super) include_resources: Vec<String>,
    /// Types to leave out.
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    pub(super) exclude_resources: Vec<String>,
    /// Whether cluster-scoped objects are taken; not given: all of them with all namespaces, otherwise what is needed.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) include_cluster_resources: Option<bool>,
    /// Only objects whose labels match (app=web,tier!=cache).
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub(super) selector: Option<LabelSelector>,
    /// Only objects whose labels match one of several selectors (repeatable, or joined by "or").
    #[arg(long, value_name = "SELECTOR", value_parser = or_selectors, conflicts_with = "selector")]
    pub(super) or_selector: Vec<Vec<LabelSelector>>,
}

impl Selection {
    /// Sets what is given in the request of a backup. One kind of selector replaces the other: a request has one.
    pub(super) fn apply(&self, spec: &mut BackupSpec) {
        for (field, given) in [
            (&mut spec.included_namespaces, &self.include_namespaces),
            (&mut spec.excluded_namespaces, &self.exclude_namespaces),
            (&mut spec.included_resources, &self.include_resources),
            (&mut spec.excluded_resources, &self.exclude_resources),
        ] {
            if !given.is_empty() {
                field.clone_from(given);
            }
        }
        if self.include_cluster_resources.is_some() {
            spec.include_cluster_resources = self.include_cluster_resources;
        }
        if self.selector.is_some() || !self.or_selector.is_empty() {
            spec.label_selector.clone_from(&self.selector);
            spec.or_label_selectors = self.or_selector.concat();
        }
    }
}

/// `a=b or c=d`, as Velero takes it.
fn or_selectors(text: &str) -> Result<Vec<LabelSelector>, SelectorError> {
    text.split(" or ").map(str::parse).collect()
}
