//! Stores that change how another store behaves. Each is a store itself, so that they can be put around each other.

mod failures;
mod flaky;
mod limit;
mod prefix;
mod read_only;
mod retry;
mod retry_policy;

pub use failures::{Failures, Operation};
pub use flaky::FlakyStore;
pub use limit::LimitStore;
pub use prefix::PrefixStore;
pub use read_only::ReadOnlyStore;
pub use retry::RetryStore;
pub use retry_policy::RetryPolicy;
