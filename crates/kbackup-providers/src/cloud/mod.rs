//! What all clouds share: one bridge from the `object_store` crate to the port, its errors, its uploads, its options.
//!
//! What this adds to `object_store`:
//! - A failure is told as the port tells it: what was tried, what the store answered and with which credentials, in one
//!   line. For this the [`http`] client reads refusals itself, `Retry-After` included.
//! - Nothing is tried again here. `object_store` could, but knows neither `Retry-After` nor [`Limits`]; the
//!   `RetryStore` of kbackup-core does it for every store alike.
//! - A body that ends early is an error, a [multipart upload](upload) can be tried again piece by piece, and one that
//!   must be the first at its key is decided by the store.
//!
//! [`Limits`]: kbackup_core::limits::Limits

mod bridge;
mod error;
mod http;
mod list;
mod options;
mod place;
mod upload;

#[cfg(feature = "s3")]
pub(crate) use bridge::Native;
pub(crate) use bridge::{Backend, CloudStore, Opener, Parts};
pub(crate) use error::{Attempt, CredentialFailure, Source, one_line, reasons};
#[cfg(feature = "azure")]
pub(crate) use http::SignAgain;
pub(crate) use http::Transport;
pub(crate) use options::Pairs;
pub use options::{ByteSize, OptionError, TransportOptions};
pub(crate) use place::Place;
