//! Why a command could not be done: what, why, what to do next, on one line each; and the exit code that says it.

use std::error::Error;
use std::fmt::Display;

/// Exit codes that a script can rely on (docs/guide/cli.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Completed = 0,
    Failed = 1,
    PartiallyFailed = 2,
    Usage = 64,
    Cancelled = 130,
}

impl From<Code> for std::process::ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// Why a command could not be done.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) what: String,
    pub(crate) why: Vec<String>,
    pub(crate) next: Option<String>,
}

impl Failure {
    /// It could not be done.
    pub(crate) fn failed(what: impl Display) -> Self {
        Self { code: Code::Failed, what: what.to_string(), why: Vec::new(), next: None }
    }

    /// The request itself is wrong; nothing was touched.
    pub(crate) fn usage(what: impl Display) -> Self {
        Self { code: Code::Usage, ..Self::failed(what) }
    }

    /// An error with all that caused it.
    pub(crate) fn from_error(code: Code, error: &dyn Error) -> Self {
        let causes = std::iter::successors(error.source(), |cause| (*cause).source());
        Self { code, what: error.to_string(), why: causes.map(ToString::to_string).collect(), next: None }
    }

    pub(crate) fn why(mut self, why: impl Display) -> Self {
        self.why.push(why.to_string());
        self
    }

    pub(crate) fn next(mut self, next: impl Display) -> Self {
        self.next = Some(next.to_string());
        self
    }
}
