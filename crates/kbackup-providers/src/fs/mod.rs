//! A folder as an object store (`file:///srv/backups`): a local disk, a mounted volume, a network share.
//!
//! An object is a file, and its key is its path below the root. What makes that safe:
//! - A write goes to a file in `.kbackup-tmp/` below the root, is forced to disk, and only then gets its name: by a
//!   rename where it may replace, by a hard link where it must be the first. Both happen whole or not at all, and of
//!   several links to one name exactly one succeeds. Then the folder is forced to disk too.
//! - Symbolic links below the root are never followed, so that no key leads out of it. Lists don't show them.
//! - Files can be read by their owner only: backups hold Secrets.
//! - Temporary files that a crash left behind are removed a day later, by the next write.

mod error;
mod list;
mod read;
mod root;
mod store;
mod upload;
mod write;

pub use store::FolderStore;
