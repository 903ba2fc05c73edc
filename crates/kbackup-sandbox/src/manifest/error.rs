//! What can be wrong with manifests.

use std::io;
use std::path::PathBuf;

use kbackup_core::cluster::ClusterError;

use super::Origin;

/// Manifests that could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The file or folder can't be read.
    #[error("{} cannot be read; check that it exists and may be read", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A document is neither YAML nor JSON.
    #[error("{origin} is neither YAML nor JSON: {why}")]
    Syntax {
        /// Which document.
        origin: Origin,
        /// What the parser says.
        why: String,
    },
    /// A document is not a Kubernetes object.
    #[error("{origin} is not a Kubernetes object: {why}")]
    NotAnObject {
        /// Which document.
        origin: Origin,
        /// What is missing.
        why: String,
    },
    /// Folders are nested too deeply, or link in a circle.
    #[error("{} is more than 32 folders deep; look for a link that leads back", path.display())]
    TooDeep {
        /// The innermost folder.
        path: PathBuf,
    },
}

/// A manifest that could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The types of the cluster can't be read.
    #[error("the types of the cluster cannot be read")]
    Discovery(#[source] ClusterError),
    /// The cluster has no such type.
    #[error(
        "{origin}: the cluster has no type {api_version} {kind}; load its CustomResourceDefinition with it, or check the spelling"
    )]
    UnknownType {
        /// Which document.
        origin: Origin,
        /// Its `apiVersion`.
        api_version: String,
        /// Its `kind`.
        kind: String,
    },
    /// The cluster did not accept an object.
    #[error("{origin}: {object} was not accepted")]
    Refused {
        /// Which document.
        origin: Origin,
        /// Kind, namespace and name.
        object: String,
        /// What the cluster said.
        source: ClusterError,
    },
    /// A CustomResourceDefinition was not served in time.
    #[error(
        "{origin}: the CustomResourceDefinition {name} was not established within {seconds} s; its conditions say why"
    )]
    NotEstablished {
        /// Which document.
        origin: Origin,
        /// Its name.
        name: String,
        /// How long was waited.
        seconds: u64,
    },
}
