//! How results, progress and failures look. Standard output carries the result alone; all else goes to standard error.

mod confirm;
mod failure;
mod keep;
mod location;
mod out;
mod progress;
mod results;
mod schedule;
mod tables;

pub(crate) use confirm::confirm;
pub(crate) use failure::{failure, log, usage};
pub(crate) use keep::{copied, expired, swept, verdicts, verifications};
pub(crate) use location::{forgotten, locations, probe};
pub(crate) use out::{line, note};
pub(crate) use progress::Progress;
pub(crate) use results::{
    Details, backup, backup_preview, backup_report, backups, contents, deleted, exported, log_lines, plan,
    restore_report, version,
};
pub(crate) use schedule::{schedule, schedules, told};
pub(crate) use tables::unfinished;

use keep::causes;
