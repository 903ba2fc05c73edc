//! Object stores of kbackup, and the [registry] that opens one from a URL.
//!
//! | feature | brings | URL |
//! |---|---|---|
//! | `fs` (default) | a folder: a local disk, a mounted volume, a network share | `file:///srv/backups` |
//! | `s3` | Amazon S3 and its kin: MinIO, Ceph, R2, B2 | `s3://bucket/prefix?region=eu-west-1` |
//! | `gcs` | Google Cloud Storage | `gs://bucket/prefix` |
//! | `azure` | Azure Blob Storage | `az://container/prefix?account=name` |
//! | always | memory, for tests and demos | `memory://name` |
//!
//! A cloud is tried again and asked a bounded number of things at a time, as the
//! [`Limits`](kbackup_core::limits::Limits) of the run say. Credentials are found as each cloud's own tools find them; none
//! is ever in a URL.

#[cfg(feature = "azure")]
pub mod azure;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
mod cloud;
#[cfg(feature = "fs")]
pub mod fs;
#[cfg(feature = "gcs")]
pub mod gcs;
pub mod location;
pub mod registry;
#[cfg(feature = "s3")]
pub mod s3;

#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
pub use cloud::{ByteSize, OptionError, TransportOptions};
