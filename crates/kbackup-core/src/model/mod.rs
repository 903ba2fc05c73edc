//! The vocabulary: what a cluster holds, and how its parts are named. Nothing here does IO.

mod depth;
mod discovery;
mod glob;
mod labels;
mod lock;
mod name;
mod nearest;
mod object;
mod quantity;
mod resource;
mod revision;

pub use discovery::{BrokenGroup, Discovery};
pub use glob::Glob;
pub use labels::{LabelSelector, Operator, Requirement, SelectorError};
pub use lock::{Lock, LockMode, LockModeError};
pub use name::{BackupName, NameError};
pub use nearest::{edit_distance, nearest};
pub use object::{Object, ObjectError, ObjectMeta, OwnerRef};
pub use quantity::{Quantity, QuantityError};
pub use resource::{Gvk, Gvr, GvrError, ObjectRef, ResourceType, Verb};
pub use revision::{Revision, RevisionError};

#[cfg(test)]
mod laws;
