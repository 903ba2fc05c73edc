//! The context of an engine's run: progress on standard error, Ctrl-C as a cancel.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kbackup_core::issue::Outcome;
use kbackup_core::model::{BackupName, NameError};
use kbackup_core::run::{Cancel, Run};

use crate::args::Global;
use crate::error::{Code, Failure};
use crate::view::Progress;

/// A run with progress, that Ctrl-C cancels. Keep the guard until its end.
pub(crate) fn run(global: &Global) -> (Run, CancelOnSignal) {
    let cancel = Cancel::default();
    let run = Run::default().events(Arc::new(Progress::new(global))).cancel(cancel.clone());
    let task = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            cancel.cancel();
        }
    });
    (run, CancelOnSignal(task))
}

/// Waits for Ctrl-C until it is dropped.
pub(crate) struct CancelOnSignal(tokio::task::JoinHandle<()>);

impl Drop for CancelOnSignal {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// `<base>-<YYYYMMDDhhmmss>`, in UTC.
pub(crate) fn stamped(base: &str) -> Result<BackupName, Failure> {
    let stamp = Timestamp::now().to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M%S").to_string();
    let name: Result<BackupName, NameError> = format!("{base}-{stamp}").parse();
    name.map_err(|error| Failure::usage(error).next("give a name of your own"))
}

/// The exit code of an outcome.
pub(crate) fn code(outcome: Outcome) -> Code {
    match outcome {
        Outcome::Completed => Code::Completed,
        Outcome::PartiallyFailed => Code::PartiallyFailed,
        Outcome::Failed => Code::Failed,
    }
}
