//! The flags that choose objects, of a cluster or of a backup.

use kbackup_core::model::{LabelSelector, SelectorError};

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

/// `a=b or c=d`, as Velero takes it.
fn or_selectors(text: &str) -> Result<Vec<LabelSelector>, SelectorError> {
    text.split(" or ").map(str::parse).collect()
}
