//! The flags that choose types by scope.

use kbackup_core::spec::BackupSpec;

#[derive(Debug, clap::Args)]
pub(crate) struct ScopedTypes {
    /// Types of the cluster to take; not given: those that the chosen objects need, or all with everything.
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    include_cluster_scoped_resources: Vec<String>,
    /// Types of the cluster to leave out, also where other objects need them; *: all.
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    exclude_cluster_scoped_resources: Vec<String>,
    /// Types in namespaces to take; not given: all.
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    include_namespace_scoped_resources: Vec<String>,
    /// Types in namespaces to leave out; *: all.
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    exclude_namespace_scoped_resources: Vec<String>,
}

impl ScopedTypes {
    /// The spec with these types chosen.
    pub(crate) fn choose(&self, spec: BackupSpec) -> BackupSpec {
        BackupSpec {
            included_cluster_scoped_resources: self.include_cluster_scoped_resources.clone(),
            excluded_cluster_scoped_resources: self.exclude_cluster_scoped_resources.clone(),
            included_namespace_scoped_resources: self.include_namespace_scoped_resources.clone(),
            excluded_namespace_scoped_resources: self.exclude_namespace_scoped_resources.clone(),
            ..spec
        }
    }
}
