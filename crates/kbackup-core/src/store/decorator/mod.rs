//! Stores that change how another store behaves. Each is a store itself, so that they can be put around each other.

mod prefix;
mod read_only;

pub use prefix::PrefixStore;
pub use read_only::ReadOnlyStore;
