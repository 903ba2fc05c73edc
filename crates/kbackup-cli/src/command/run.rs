//! The context of an engine's run: progress on standard error, Ctrl-C and SIGTERM as a cancel.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kbackup_core::issue::Outcome;
use kbackup_core::model::{BackupName, NameError};
use kbackup_core::run::{Cancel, Run};

use crate::args::Global;
use crate::error::{Code, Failure};
use crate::signal::End;
use crate::view::Progress;

/// A run with progress, that Ctrl-C and SIGTERM cancel; the second one does not wait for it to clean up. Keep the guard
/// until its end.
pub(crate) fn run(global: &Global) -> (Run, CancelOnSignal) {
    let cancel = Cancel::default();
    let run = Run::default().events(Arc::new(Progress::new(global))).cancel(cancel.clone());
    let end = End::listen();
    let task = tokio::spawn(async move {
        // Where the signals can't be awaited, they end the program as they would any other.
        let Ok(mut end) = end else { return };
        end.asked().await;
        cancel.cancel();
        end.asked().await;
        std::process::exit(Code::Cancelled as i32);
    });
    (run, CancelOnSignal(task))
}

/// Waits for the signals until it is dropped.
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
