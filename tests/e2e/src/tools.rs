//! Programs of others that a scenario needs.

use std::process::Command;

/// Whether `age`, `minisign`, `zstd` and `tar` are there.
///
/// # Panics
/// Where one is missing although `KBACKUP_TEST_REQUIRE=1`: what was skipped must not look green.
#[must_use]
pub fn tools_are_there() -> bool {
    let missing: Vec<&str> = [("age", "--version"), ("minisign", "-v"), ("zstd", "--version"), ("tar", "--version")]
        .into_iter()
        .filter(|(tool, version)| Command::new(tool).arg(version).output().is_err())
        .map(|(tool, _)| tool)
        .collect();
    if missing.is_empty() {
        return true;
    }
    let demanded = std::env::var_os("KBACKUP_TEST_REQUIRE").is_some_and(|value| value == "1");
    assert!(!demanded, "KBACKUP_TEST_REQUIRE=1, and these tools are missing: {missing:?} (apt-get install)");
    eprintln!("skipped: {missing:?} are missing");
    false
}
