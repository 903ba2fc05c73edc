//! Azure Blob Storage (`az://container/prefix?account=NAME`).

mod credentials;
mod lock;
mod open;
mod options;

pub(crate) use open::open;
pub use options::{AzureOptions, CredentialKind};
