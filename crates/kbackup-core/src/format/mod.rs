//! The store format, version 1: key names, parts, index, manifest. `docs/format.md` is its authority.
//!
//! A backup is one folder of the store that stands alone. It exists if and only if its manifest does. The manifest has the
//! digest of every other file, the index has the digest of every object, so each byte that is restored was checked.

mod claim;
mod compressed;
mod error;
mod index;
mod inflate;
mod layout;
mod manifest;
mod part;
mod read;
pub mod velero;
mod version;

pub use claim::{Claim, Location};
pub use compressed::FileWriter;
pub use error::FormatError;
pub use index::{IndexEntry, IndexLine, IndexReader, IndexWriter};
pub use layout::{BackupLayout, RestoreLayout, backups, location, restores};
pub use manifest::{
    Caps, ClusterRecord, ConsistencyRecord, Counts, Exception, FileRecord, Manifest, PartRecord, Resolved, Writer,
};
pub use part::{PartWriter, entry_path};
pub use read::{ObjectCut, PartReader, digest_of, read_manifest, verify_part};
pub use version::FormatVersion;
