//! What the operating system says, as the store's errors.

use std::io::{Error, ErrorKind};
use std::path::Path;

use kbackup_core::store::{Key, StoreError, StoreErrorKind, StoreResult};

/// The error of trying to `what` (a verb: "write", "list") at `path`.
pub(super) fn failed(what: &str, path: &Path, error: Error) -> StoreError {
    let (kind, why) = match error.kind() {
        ErrorKind::NotFound => (StoreErrorKind::NotFound, ": it does not exist"),
        ErrorKind::PermissionDenied => {
            (StoreErrorKind::PermissionDenied, ": this user is not allowed to; change its owner or mode")
        }
        ErrorKind::ReadOnlyFilesystem => {
            (StoreErrorKind::PermissionDenied, ": the file system is mounted read-only; mount it read-write")
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            (StoreErrorKind::Full, ": there is no space left for it; free some, or use another folder")
        }
        ErrorKind::NotADirectory | ErrorKind::IsADirectory | ErrorKind::DirectoryNotEmpty => {
            (StoreErrorKind::Invalid, ": in a folder, no name can be both an object and the beginning of other keys")
        }
        ErrorKind::InvalidFilename => (StoreErrorKind::Invalid, ": the file system cannot hold a name like this"),
        ErrorKind::Interrupted | ErrorKind::TimedOut | ErrorKind::StaleNetworkFileHandle => {
            (StoreErrorKind::Unavailable, ": the file system does not answer")
        }
        _ => (StoreErrorKind::Other, ""),
    };
    StoreError::new(kind, format!("cannot {what} {}{why}", path.display())).with_source(error)
}

/// Whether the error says that nothing is there: no such name, or a file where a folder would have to be.
pub(super) fn is_missing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// The error of asking for an object that is not there.
pub(super) fn not_found(key: &Key, root: &Path) -> StoreError {
    StoreError::new(StoreErrorKind::NotFound, format!("there is no {key} in {}", root.display()))
}

/// Runs blocking work away from the async threads, and waits for it.
///
/// Where the waiting future is dropped, work that has begun still runs to its end: every piece of work is whole in
/// itself, so that its end is as safe as its absence.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> StoreResult<T> + Send + 'static,
) -> StoreResult<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(StoreError::new(StoreErrorKind::Other, "the work on a folder was cut off").with_source(error))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_decisions() {
        for (kind, expect) in [
            (ErrorKind::StorageFull, StoreErrorKind::Full),
            (ErrorKind::QuotaExceeded, StoreErrorKind::Full),
            (ErrorKind::PermissionDenied, StoreErrorKind::PermissionDenied),
            (ErrorKind::ReadOnlyFilesystem, StoreErrorKind::PermissionDenied),
            (ErrorKind::NotADirectory, StoreErrorKind::Invalid),
            (ErrorKind::StaleNetworkFileHandle, StoreErrorKind::Unavailable),
            (ErrorKind::Deadlock, StoreErrorKind::Other),
        ] {
            let error = failed("write", Path::new("/srv/backups/a"), kind.into());
            assert_eq!(error.kind(), expect, "{kind:?}");
            assert!(error.to_string().starts_with("cannot write /srv/backups/a"), "{error}");
        }
    }
}
