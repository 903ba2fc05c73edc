//! The restore engine: a plan first, as a value; then its steps, wave by wave.
//!
//! [`plan()`] reads the backup and the target and changes nothing: it takes a reader. [`check`] lets the server check the
//! plan. [`apply`] does what it says, and goes on where an earlier apply of the plan was interrupted.

mod apply;
mod check;
mod choose;
mod classes;
mod definitions;
mod disks;
mod done;
mod error;
mod examine;
mod existing;
mod fetch;
mod hooks;
mod observe;
mod owed;
mod pace;
mod plan;
mod planning;
mod ports;
mod prepare;
mod record;
mod relink;
mod stored;
mod targets;
mod versions;
mod volumes;
mod wave;
mod write;

pub use apply::apply;
pub use check::check;
pub use error::RestoreError;
pub use plan::{Action, PlannedWave, RestorePlan, Source, Step};
pub use planning::plan;
pub use ports::Ports;
pub use stored::stored_plan;
