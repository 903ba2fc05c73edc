//! The backup engine: one revision of the cluster, streamed into the store.
//!
//! [`run`] reads like a table of contents. Nothing is visible as a backup before its last step has put the manifest.

mod archive;
mod claim;
mod collect;
mod commit;
mod error;
mod hooks;
mod nowhere;
mod pace;
mod ports;
mod preview;
mod related;
mod run;
mod select;
mod survey;
mod witness;

pub use error::BackupError;
pub use ports::Ports;
pub use preview::{Preview, preview};
pub use run::{BackupReport, run};
