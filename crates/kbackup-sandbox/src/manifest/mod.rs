//! Manifests: reading YAML and JSON files, and loading what is in them into a cluster.

mod error;
mod load;
mod order;
mod read;
mod yaml;

pub use error::{LoadError, ManifestError};
pub use load::{Loaded, load};
pub use read::{Manifest, Origin, read_path, read_text};
pub(crate) use yaml::parse as parse_yaml;
