//! Velero's layout of a bucket: its backups are read as they are, through the same manifest and index as kbackup's own.
//!
//! A backup of Velero is `backups/<name>/velero-backup.json`, by which it exists, a tarball of all objects
//! (`<name>.tar.gz`), and small files beside it. There is no index and there are no digests: the index is made by reading
//! the tarball, and the digest of each object with it, so that a plan and what applies it agree on every byte.
//!
//! kbackup writes nothing of its own to a place where Velero's backups are. [`VeleroWriter`] writes a backup in this layout, for
//! Velero to read.

mod check;
mod documents;
mod gzip;
mod layout;
mod location;
mod log;
mod manifest;
mod read;
mod tar_entry;
mod tarball;
mod write;

pub use check::{Checked, check};
pub use layout::VeleroLayout;
pub use location::{has_marker, is_location};
pub(super) use log::read_log;
pub(super) use read::{read_index, read_issues, read_manifest};
pub(crate) use write::written_keys;
pub use write::{VeleroCommit, VeleroWriter};
