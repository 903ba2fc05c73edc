//! A process that is killed at any moment of a backup leaves no backup that lists, and loses none that did.

use std::process::Stdio;

use kbackup_core::catalog;
use kbackup_core::format::{read_manifest, verify_part};
use kbackup_core::limits::Limits;
use kbackup_core::store::ObjectStore;
use kbackup_e2e::archive;
use kbackup_providers::fs::FolderStore;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// A backup begins and completes at least ten writes, each with a point before and one after it.
const POINTS_MIN: usize = 20;
const POINTS_MAX: usize = 200;

pub(crate) async fn a_killed_backup_is_not_listed_and_harms_no_other() {
    let folder = tempfile::tempdir().expect("a folder for the backups");
    assert!(victim(folder.path(), "first", None).await.starts_with("done"), "the first backup is made");

    for point in 0..POINTS_MAX {
        let name = format!("killed-at-{point}");
        let said = victim(folder.path(), &name, Some(point)).await;
        check(folder.path(), &name).await;
        if said.starts_with("done") {
            assert!(point >= POINTS_MIN, "a backup has more points than {point}: {said}");
            return;
        }
    }
    panic!("a backup of a shop has less than {POINTS_MAX} points");
}

/// Runs the victim until it has said one line, then kills it (SIGKILL: nothing of it can clean up).
async fn victim(folder: &std::path::Path, name: &str, point: Option<usize>) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_victim"));
    command.arg(folder).arg(name).args(point.map(|point| point.to_string()));
    let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("the victim starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
    let line = lines.next_line().await.expect("its output is text").expect("it says something before it ends");
    child.kill().await.expect("it can be killed");
    line
}

/// The killed backup lists only where it is complete; the first one is as it was.
async fn check(folder: &std::path::Path, killed: &str) {
    let store = FolderStore::open(folder).expect("the folder is a store");
    let listed = catalog::list(&store, &Limits::default()).await.expect("the backups can be listed");
    assert!(listed.iter().any(|backup| backup.name.as_str() == "first"), "the first backup is listed after {killed}");
    for backup in listed.iter().filter(|backup| backup.name.as_str() == "first" || backup.name.as_str() == killed) {
        let manifest = read_manifest(&store, &backup.name).await.expect("a listed backup has a manifest");
        for part in &manifest.parts {
            verify_part(&store as &dyn ObjectStore, &backup.name, part).await.expect("its parts are whole");
        }
        let objects = archive::objects(&store, &manifest).await.expect("its objects can be read");
        assert_eq!(objects.len() as u64, manifest.counts.objects, "all objects of {} are there", backup.name);
    }
}
