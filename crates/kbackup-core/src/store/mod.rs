//! The object store: where backups are kept.
//!
//! [`ObjectStore`] is the port, small on purpose; [`ObjectStoreExt`] is its comfort. What an implementation must
//! guarantee is in the prose of the trait, and `conformance::store` checks it for every implementation and decorator.

mod decorator;
mod error;
mod ext;
mod key;
mod memory;
mod port;

pub use decorator::{Failures, FlakyStore, LimitStore, Operation, PrefixStore, ReadOnlyStore, RetryPolicy, RetryStore};
pub use error::{StoreError, StoreErrorKind, StoreResult};
pub use ext::ObjectStoreExt;
pub use key::{Key, KeyError, Prefix};
pub use memory::MemoryStore;
pub use port::{Capabilities, Children, Download, ObjectStore, PutMode, Stored, Upload};

#[cfg(test)]
mod laws;
