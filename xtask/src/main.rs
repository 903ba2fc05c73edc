//! Chores of the repository: `cargo xtask tidy` and `cargo xtask ci`. Plain Rust, so that it compiles in a moment.

mod tidy;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const USAGE: &str = "usage: cargo xtask <tidy|ci>
  tidy   checks the rules that the compiler does not know: layers, sizes, docs, links, tests
  ci     runs .ci/run, all that must pass before a change goes in";

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    let done = match task.as_deref() {
        Some("tidy") => run_tidy(&root()),
        Some("ci") => run_ci(&root()),
        _ => writeln!(io::stderr(), "{USAGE}").map(|()| ExitCode::from(64)),
    };
    done.unwrap_or_else(|error| {
        // Where even the standard error is closed, there is nobody left to tell.
        let _ = writeln!(io::stderr(), "error: {error}");
        ExitCode::FAILURE
    })
}

/// The checkout that cargo runs this program for: two that share a target folder share its binary too.
fn root() -> PathBuf {
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    own.parent().map_or_else(|| own.clone(), Path::to_path_buf)
}

fn run_tidy(root: &Path) -> io::Result<ExitCode> {
    let (files, findings) = tidy::check(root)?;
    let mut out = io::stdout().lock();
    for finding in &findings {
        writeln!(out, "{finding}")?;
    }
    writeln!(out, "tidy: {files} files, {} findings", findings.len())?;
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_ci(root: &Path) -> io::Result<ExitCode> {
    let status = Command::new(root.join(".ci/run")).current_dir(root).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
