//! Amazon S3 and its kin (`s3://bucket/prefix`): MinIO, Ceph, Cloudflare R2, Backblaze B2 and whatever else speaks it.

mod credentials;
mod lock;
mod open;
mod options;

pub(crate) use open::open;
pub use options::{Checksum, Encryption, S3Options};
