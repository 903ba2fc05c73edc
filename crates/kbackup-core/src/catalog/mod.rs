//! The backups in a store: which there are, when the next one is due, how long each is kept, and their end.

mod contents;
mod copy;
mod delete;
mod error;
mod expire;
mod export;
mod incoming;
mod list;
mod probe;
mod reseal;
mod retention;
mod schedule;
mod sweep;
mod verify;

pub use contents::{Wanted, contents};
pub use copy::{Copied, Reseal, copy, copy_as};
pub use delete::delete;
pub use error::CatalogError;
pub use expire::{Expired, expire, expiry};
pub use export::{ExportError, Exported, export_velero};
pub use list::{Listed, Summary, Survey, Unfinished, list, names, survey, unfinished};
pub use probe::{Probe, ProbeError, ProbeStep, Probed, probe};
pub use retention::{Policies, Policy, Reason, Record, Rule, Scope, Verdict, judge};
pub use schedule::{Decision, History, backup_name, decide};
pub use sweep::{Swept, grace, sweep};
pub use verify::{Cost, Damage, Depth, Verification, verify};
