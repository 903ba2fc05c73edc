//! The backup engine: one revision of the cluster, streamed into the store.
//!
//! [`run`] reads like a table of contents. Nothing is visible as a backup before its last step has put the manifest.

mod archive;
mod claim;
mod collect;
mod commit;
mod error;
mod pace;
mod ports;
mod related;
mod run;
mod select;
mod witness;

pub use error::BackupError;
pub use ports::Ports;
pub use run::{BackupReport, run};
