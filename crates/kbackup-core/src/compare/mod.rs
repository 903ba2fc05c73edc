//! Whether two states of a cluster are the same, but for what a server must change: the proof of a restore, for tests,
//! rehearsals and migrations.
//!
//! Two [`Snapshot`]s are compared object by object. What may differ is in one table, each entry with its reason
//! ([`rules::RULES`]); whatever is not in it must be equal.
//!
//! Uids are not ignored: each is replaced by the name of the object that it belongs to, so that a reference to an owner
//! must lead to the same owner as before. Objects that a controller makes under random names are compared as a set.

mod canonical;
mod changes;
mod diff;
mod normal;
pub mod rules;
mod snapshot;
#[cfg(test)]
mod tests;

pub use changes::{Change, changes};
pub use diff::{Comparison, Difference, compare};
pub use normal::ignore_servers_fields;
pub use snapshot::{LEFT_OUT, Snapshot};
