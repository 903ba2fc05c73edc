//! The backups in a store: which there are, when the next one is due, how long each is kept, and their end.

mod contents;
mod delete;
mod error;
mod export;
mod list;
mod retention;
mod schedule;

pub use contents::{Wanted, contents};
pub use delete::delete;
pub use error::CatalogError;
pub use export::{ExportError, Exported, export_velero};
pub use list::{Listed, Summary, Survey, Unfinished, list, names, survey, unfinished};
pub use retention::{Policies, Policy, Reason, Record, Rule, Verdict, judge};
pub use schedule::{Decision, History, backup_name, decide};
