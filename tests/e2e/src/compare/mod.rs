//! Compares two snapshots of a cluster object by object. What may differ is in one table, each entry with its reason
//! ([`rules::RULES`]); whatever is not in it must be equal.
//!
//! Uids are not ignored: each is replaced by the name of the object that it belongs to, so that a reference to an owner
//! must lead to the same owner as before. Objects that a controller makes under random names are compared as a set.

mod canonical;
mod diff;
pub mod rules;
#[cfg(test)]
mod tests;

pub use diff::{Comparison, Difference, compare};
