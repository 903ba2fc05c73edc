//! The question before something is destroyed.

use std::io::{BufRead, IsTerminal};

use super::note;
use crate::args::Global;
use crate::error::Failure;

/// Asks, unless `--yes` has answered. Without a terminal and without it, the answer is no.
pub(crate) fn confirm(global: &Global, question: &str) -> Result<(), Failure> {
    if global.yes {
        return Ok(());
    }
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        let failure = Failure::usage("nothing was deleted: nobody is there to confirm it");
        return Err(failure.why("this destroys data, and standard input is not a terminal").next("add --yes"));
    }
    note(format!("{question} [y/N]"));
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer).map_err(|error| Failure::failed("the answer could not be read").why(error))?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::usage("nothing was deleted: the answer was no"))
}
