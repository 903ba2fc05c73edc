//! What kbackup knows about the kinds of Kubernetes: one file a kind.

mod allocations;
mod api_service;
mod config_map;
mod custom_resource_definition;
mod endpoints;
mod images;
mod init_containers;
mod job;
mod metadata;
mod namespace;
mod namespace_references;
mod persistent_volume;
mod persistent_volume_claim;
mod pod;
mod resource_claim;
mod role_binding;
mod secret;
mod service;
mod service_account;
mod storage_class;
#[cfg(test)]
mod tests;
mod webhook_configuration;

use std::sync::Arc;

pub use custom_resource_definition::{converts_by_renaming, definition_of};
pub use secret::is_confidential;
pub use storage_class::{NamedClass, named_classes, storage_classes};

use super::transform::RestoreTransform;
use crate::model::Gvr;

/// All of them, in order. The kinds see an object as it was backed up; `metadata` comes last and removes what belonged to
/// the old cluster.
pub(super) fn all() -> Vec<Arc<dyn RestoreTransform>> {
    vec![
        Arc::new(namespace::Namespace),
        Arc::new(pod::Pod),
        Arc::new(job::Job),
        Arc::new(service::Service),
        Arc::new(endpoints::Endpoints),
        Arc::new(service_account::ServiceAccount),
        Arc::new(secret::Secret),
        Arc::new(config_map::ConfigMap),
        Arc::new(persistent_volume::PersistentVolume),
        Arc::new(persistent_volume_claim::PersistentVolumeClaim),
        Arc::new(storage_class::StorageClassName),
        Arc::new(images::Images),
        Arc::new(init_containers::InitContainers),
        Arc::new(resource_claim::ResourceClaim),
        Arc::new(role_binding::RoleBinding),
        Arc::new(custom_resource_definition::CustomResourceDefinition),
        Arc::new(webhook_configuration::WebhookConfiguration),
        Arc::new(api_service::ApiService),
        Arc::new(namespace_references::NamespaceReferences),
        Arc::new(metadata::Metadata),
    ]
}

/// Whether the type is this one, in whatever version.
fn is(ty: &Gvr, plural: &str, group: &str) -> bool {
    ty.plural == plural && ty.group == group
}
