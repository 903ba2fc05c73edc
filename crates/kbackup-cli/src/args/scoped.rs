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
    /// Sets what is given in the request of a backup.
    pub(super) fn apply(&self, spec: &mut BackupSpec) {
        for (field, given) in [
            (&mut spec.included_cluster_scoped_resources, &self.include_cluster_scoped_resources),
            (&mut spec.excluded_cluster_scoped_resources, &self.exclude_cluster_scoped_resources),
            (&mut spec.included_namespace_scoped_resources, &self.include_namespace_scoped_resources),
            (&mut spec.excluded_namespace_scoped_resources, &self.exclude_namespace_scoped_resources),
        ] {
            if !given.is_empty() {
                field.clone_from(given);
            }
        }
    }
}
