//! Google Cloud Storage (`gs://bucket/prefix`).

mod credentials;
mod lock;
mod open;
mod options;

pub(crate) use open::open;
pub use options::GcsOptions;
