//! Makes one backup of a sandbox into a folder and stands still on the way, so that a test can kill it there.
//!
//! `victim FOLDER NAME [POINT]`: prints `at the point` when it stands still, or `done POINTS` at the end of the backup.

use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;

use kbackup_core::backup;
use kbackup_core::run::Run;
use kbackup_core::spec::BackupSpec;
use kbackup_e2e::fixtures;
use kbackup_e2e::stopping::StoppingStore;
use kbackup_e2e::target::Target;
use kbackup_providers::fs::FolderStore;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("a folder is needed")?;
    let name = args.next().ok_or("a name is needed")?.parse()?;
    let stop_at = args.next().map(|point| point.parse()).transpose()?;
    let target = Target::sandbox();
    target.load(&fixtures::shop()).await;
    let store = StoppingStore::new(Arc::new(FolderStore::open(folder)?), stop_at, || say("at the point"));
    backup::run(&backup::Ports::new(&*target.cluster, &store), &name, &BackupSpec::default(), &Run::default()).await?;
    say(&format!("done {}", store.passed()));
    Ok(())
}

/// Says one line at once. Where nobody listens any more, nobody waits for it either.
fn say(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
