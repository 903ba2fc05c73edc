//! Which objects a backup takes and a restore brings back.
//!
//! All of it is pure: a spec and what there is (the types and namespaces of a cluster, or of a backup) become
//! [`Rules`], and [`Rules::verdict`] answers for one object by its type, namespace, name and labels alone. Backup and
//! restore share the rules, so an include list means the same in both.
//!
//! [`Selection`] adds what to ask of the cluster, [`RestoreSelection`] what no restore brings back. Whatever was asked
//! for and cannot be had is a violation or an issue; nothing is dropped in silence.

mod chosen;
mod fine;
mod lists;
mod names;
mod needs;
mod never;
mod restore;
mod rules;
mod selection;
mod server_side;
#[cfg(test)]
mod tests;
mod types;

pub use needs::Needs;
pub use never::{NeverRestored, never_restored};
pub use restore::{ArchivedType, RestoreSelection};
pub use rules::{Reason, Rules, Verdict};
pub use selection::{NamespaceInfo, Query, Selection};
