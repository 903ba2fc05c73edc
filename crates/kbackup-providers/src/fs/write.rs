//! Writing files so that they are there whole, for good, or not at all; and removing them.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kbackup_core::clock::{Clock, SystemClock};
use kbackup_core::store::{Key, PutMode, StoreError, StoreErrorKind, StoreResult, Stored};
use uuid::Uuid;

use super::error::{failed, is_missing};
use super::read::stored;
use super::root::Root;

/// After this time without a write, a temporary file belongs to nobody. A running upload writes far more often.
const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 3_600);
/// How often a name is tried while others remove the folder that it goes into, because it was empty.
const TRIES_MAX: usize = 16;

/// A file that nobody sees until it is published. Dropping it removes it.
#[derive(Debug)]
pub(super) struct TempFile {
    root: Arc<Root>,
    path: PathBuf,
    file: File,
}

impl TempFile {
    /// An empty one. The root of the store is made where it is missing.
    pub(super) fn create(root: &Arc<Root>) -> StoreResult<Self> {
        let folder = root.temp();
        make_folder(&folder).map_err(|error| failed("make the folder", &folder, error))?;
        root.swept.call_once(|| sweep(&folder, SystemClock.now()));
        let path = folder.join(Uuid::new_v4().to_string());
        let file = private_file(&path).map_err(|error| failed("write", &path, error))?;
        Ok(Self { root: Arc::clone(root), path, file })
    }

    /// Appends bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> StoreResult<()> {
        self.file.write_all(bytes).map_err(|error| failed("write", &self.path, error))
    }

    /// Gives the file its name, for good.
    ///
    /// # Errors
    /// `AlreadyExists` where `mode` is `Create` and the name is taken.
    pub(super) fn publish(&self, key: &Key, mode: PutMode) -> StoreResult<Stored> {
        self.file.sync_all().map_err(|error| failed("write", &self.path, error))?;
        let target = self.root.file(key)?;
        let folder = target.parent().unwrap_or(&self.root.path);
        self.name(&target, folder, mode)?;
        self.sync_up(folder)?;
        let metadata = self.file.metadata().map_err(|error| failed("look at", &target, error))?;
        Ok(stored(key, &metadata))
    }

    fn name(&self, target: &Path, folder: &Path, mode: PutMode) -> StoreResult<()> {
        for _ in 0..TRIES_MAX {
            make_folder(folder).map_err(|error| failed("make the folder", folder, error))?;
            let named = match mode {
                PutMode::Create => fs::hard_link(&self.path, target),
                PutMode::Overwrite => fs::rename(&self.path, target),
            };
            match named {
                Ok(()) => return Ok(()),
                // A deletion elsewhere removed the folder, because it was empty.
                Err(error) if error.kind() == ErrorKind::NotFound && self.path.exists() => {}
                // A folder without files stands where the file goes: it is no object and can make room.
                Err(_) if target.is_dir() && fs::remove_dir(target).is_ok() => {}
                Err(error) => return Err(not_named(target, mode, error)),
            }
        }
        Err(StoreError::new(
            StoreErrorKind::Unavailable,
            format!("cannot write {}: its folder is removed again and again", target.display()),
        ))
    }

    /// Forces the names on the way from the root to `folder` to disk: another process may have made them, and not yet
    /// have come to it.
    fn sync_up(&self, folder: &Path) -> StoreResult<()> {
        for step in folder.ancestors().take_while(|step| step.starts_with(&self.root.path)) {
            sync_folder(step).map_err(|error| failed("force to disk", step, error))?;
        }
        Ok(())
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        // After a rename nothing is left of that name; what else fails is swept later.
        _ = fs::remove_file(&self.path);
    }
}

/// Deletes files, and the folders that are empty then. What is not there is fine.
pub(super) fn remove(root: &Root, keys: &[Key]) -> StoreResult<()> {
    let mut folders = BTreeSet::new();
    for key in keys {
        let path = root.file(key)?;
        match fs::remove_file(&path) {
            Ok(()) => _ = path.parent().map(|folder| folders.insert(folder.to_owned())),
            Err(error) if is_missing(&error) || path.is_dir() => {}
            Err(error) => return Err(failed("delete", &path, error)),
        }
    }
    for folder in folders {
        let left = prune(root, &folder);
        match sync_folder(left) {
            Err(error) if !is_missing(&error) => return Err(failed("force to disk", left, error)),
            _ => {}
        }
    }
    Ok(())
}

/// Removes `folder` and those above it, up to the root, as far as they are empty. Gives the first that is left.
fn prune<'a>(root: &Root, folder: &'a Path) -> &'a Path {
    let mut left = folder;
    while left != root.path && fs::remove_dir(left).is_ok() {
        let Some(parent) = left.parent() else { break };
        left = parent;
    }
    left
}

/// Removes the temporary files of writers that are gone. One that cannot be removed harms nobody.
fn sweep(folder: &Path, now: Timestamp) {
    let abandoned = |entry: &fs::DirEntry| {
        let modified = entry.metadata().ok().and_then(|metadata| metadata.modified().ok());
        let modified = modified.and_then(|time| Timestamp::try_from(time).ok());
        modified
            .and_then(|time| Duration::try_from(now.duration_since(time)).ok())
            .is_some_and(|age| age > ABANDONED_AFTER)
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten().filter(abandoned) {
        _ = fs::remove_file(entry.path());
    }
}

fn not_named(target: &Path, mode: PutMode, error: io::Error) -> StoreError {
    const EPERM: i32 = 1;
    let no_links = error.kind() == ErrorKind::Unsupported || error.raw_os_error() == Some(EPERM);
    let (kind, why) = match (error.kind(), mode) {
        _ if target.is_dir() => {
            (StoreErrorKind::Invalid, "there are objects below it, and in a folder no name can be both")
        }
        (ErrorKind::AlreadyExists, _) => (StoreErrorKind::AlreadyExists, "it exists already"),
        (_, PutMode::Create) if no_links => (
            StoreErrorKind::Unsupported,
            "the file system has no hard links, by which kbackup makes sure that one of several writers wins; use another",
        ),
        _ => return failed("write", target, error),
    };
    StoreError::new(kind, format!("cannot write {}: {why}", target.display())).with_source(error)
}

/// Makes a folder and those above it, each forced to disk.
fn make_folder(path: &Path) -> io::Result<()> {
    match private_folder(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            path.parent().map_or(Err(error), make_folder)?;
            ignore_existing(private_folder(path), path)?;
        }
        made => {
            if !ignore_existing(made, path)? {
                return Ok(());
            }
        }
    }
    path.parent().map_or(Ok(()), sync_folder)
}

/// Whether the folder was made, rather than there before.
fn ignore_existing(made: io::Result<()>, path: &Path) -> io::Result<bool> {
    match made {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            if path.is_dir() {
                Ok(false)
            } else {
                Err(ErrorKind::NotADirectory.into())
            }
        }
        Err(error) => Err(error),
    }
}

fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Forces the names in a folder to disk, where the system offers it.
fn sync_folder(path: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    match File::open(path)?.sync_all() {
        // Some network file systems know no such request; their servers decide when a name is durable.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_takes_old_files_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let now = Timestamp::now();
        for (name, age) in [("old", Duration::from_secs(25 * 3_600)), ("young", Duration::from_secs(23 * 3_600))] {
            let file = File::create(folder.path().join(name)).expect("a file");
            file.set_modified((now - age).into()).expect("a time");
        }
        sweep(folder.path(), now);
        assert!(!folder.path().join("old").exists());
        assert!(folder.path().join("young").exists());
    }

    #[test]
    fn a_dropped_file_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = Arc::new(Root::new(folder.path().join("deep/er")));
        let mut file = TempFile::create(&root).expect("a temporary file");
        file.write(b"x").expect("a write");
        assert!(file.path.exists());
        drop(file);
        assert_eq!(fs::read_dir(root.temp()).expect("it was made").count(), 0);
    }
}
