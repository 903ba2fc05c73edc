//! Failures, usage errors and the log.

use std::io::IsTerminal;
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use super::note;
use crate::args::{Global, LogFormat};
use crate::error::{Code, Failure};

/// Tells why a command could not be done: what, why, what to do next, one line each.
pub(crate) fn failure(failure: &Failure) -> ExitCode {
    note(format!("error: {}", one_line(&failure.what)));
    for why in &failure.why {
        note(format!("  why: {}", one_line(why)));
    }
    if let Some(next) = &failure.next {
        note(format!("  next: {}", one_line(next)));
    }
    failure.code.into()
}

/// A help text that was asked for is a result; a command line that makes no sense is a request that is wrong.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    // Where nobody reads there is nobody to tell.
    _ = error.print();
    let code = if error.use_stderr() { Code::Usage } else { Code::Completed };
    code.into()
}

/// Sends the log to standard error, as much of it as the flags ask for; `KBACKUP_LOG` has the last word.
pub(crate) fn log(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => "error,kube_client=off",
        // What the client thinks of an answer is in our own words already.
        (_, 0) => "warn,kube_client=off",
        (_, 1) => "kbackup=debug,info,kube_client=off",
        _ => "kbackup=trace,debug",
    };
    let filter = EnvFilter::try_from_env("KBACKUP_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(!global.no_color && std::env::var_os("NO_COLOR").is_none() && std::io::stderr().is_terminal());
    // A second logger can't be there: this is the first thing that the program does.
    _ = match global.log_format {
        LogFormat::Text => log.without_time().try_init(),
        LogFormat::Json => log.json().try_init(),
    };
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
