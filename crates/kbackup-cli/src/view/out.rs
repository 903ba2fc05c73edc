//! The two streams, and the formats for programs.

use std::io::{self, Write};

use serde::Serialize;

use crate::args::{Global, Output};
use crate::error::Failure;

/// Writes a line to standard output. A reader that went away (`| head`) ends the program quietly.
pub(crate) fn line(text: impl AsRef<str>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written =
        out.write_all(text.as_ref().as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::failed("the result could not be printed").why(error)),
        Ok(()) => Ok(()),
    }
}

/// Writes a line to standard error; where that is closed, nobody wants to know.
pub(crate) fn note(text: impl AsRef<str>) {
    _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
}

/// Prints a result: as JSON or YAML for programs, as `names` or `table` otherwise.
pub(super) fn result(
    global: &Global,
    value: &impl Serialize,
    names: impl FnOnce() -> Vec<String>,
    table: impl FnOnce(bool) -> String,
) -> Result<(), Failure> {
    let unprintable = |error: &dyn std::fmt::Display| Failure::failed("the result could not be printed").why(error);
    match global.output {
        Output::Json => line(serde_json::to_string_pretty(value).map_err(|error| unprintable(&error))?),
        Output::Yaml => line(serde_saphyr::to_string(value).map_err(|error| unprintable(&error))?.trim_end()),
        Output::Name => names().iter().try_for_each(line),
        Output::Table => line(table(false)),
        Output::Wide => line(table(true)),
    }
}
