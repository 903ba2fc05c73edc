//! The restore engine: a plan first, as a value; then its steps, wave by wave.
//!
//! [`plan()`] reads the backup and the target and changes nothing: it takes a reader. [`apply`] does what the plan says.

mod apply;
mod error;
mod examine;
mod fetch;
mod hooks;
mod observe;
mod plan;
mod ports;
mod record;
mod relink;
mod targets;
mod write;

pub use apply::apply;
pub use error::RestoreError;
pub use plan::{Action, PlannedWave, RestorePlan, Source, Step, plan};
pub use ports::Ports;
