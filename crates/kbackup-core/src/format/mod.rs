//! The store format, version 1: key names, parts, index, manifest. `docs/format.md` is its authority.
//!
//! A backup is one folder of the store that stands alone. It exists if and only if its manifest does. The manifest has the
//! digest of every other file, the index has the digest of every object, so each byte that is restored was checked.
//! Files can be encrypted and the manifest can be signed: see [`crate::crypt`].

mod access;
mod body;
mod claim;
mod compressed;
mod error;
mod hold;
mod index;
mod inflate;
mod layout;
mod manifest;
mod marker;
mod part;
mod read;
mod records;
mod scan;
pub mod velero;
mod version;

pub use access::Access;
pub(crate) use body::{Body as CheckedBody, Contents};
pub use claim::{Claim, Location};
pub use compressed::FileWriter;
pub(crate) use compressed::hex;
pub use error::FormatError;
pub(crate) use hold::{Hold, NotHeld, TakeOver, read_claim};
pub use index::{IndexEntry, IndexLine, IndexReader, IndexWriter};
pub use layout::{BackupLayout, RestoreLayout, backups, location, probe, probes, restores};
pub(crate) use layout::{sealed, sealed_again, sealed_anew};
pub use manifest::{
    Caps, ClusterRecord, ConsistencyRecord, Counts, Exception, FileRecord, Manifest, PartRecord, Resolved,
    SnapshotRecord, Writer,
};
pub use marker::{LocationError, mark_location, read_marker};
pub use part::{PartWriter, entry_path};
pub use read::{ObjectCut, PartReader, digest_of, read_manifest, verify_file, verify_lines, verify_part};
pub use scan::{PartScan, scan_part};
pub use version::FormatVersion;
