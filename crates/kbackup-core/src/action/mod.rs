//! What backup and restore know about single kinds, and where an embedding tool adds what it knows.
//!
//! - [`RestoreTransform`] makes an object of a backup fit to be created in another cluster, or leaves it out;
//!   [`Transforms`] is the ordered chain of them. `builtin/` has one file a kind: kind-specific knowledge lives there and
//!   nowhere else.
//! - [`BackupAction`] tells what an object needs of others, so that a backup of some objects is complete; `needs/` has one
//!   file a kind.
//! - [`Wave`] is the order in which types are restored.
//! - [`is_remade`], [`is_lost_with`], [`owns_only_copies`] and [`relink`] are about objects that belong to another one.
//!
//! All of it is pure.

mod builtin;
mod json;
mod modify;
mod needs;
mod order;
mod owned;
mod status;
mod transform;
mod transforms;

pub use builtin::{NamedClass, converts_by_renaming, definition_of, is_confidential, named_classes, storage_classes};
pub(crate) use needs::ask;
pub use needs::{ActionError, BackupAction, BackupActions, Related};
pub use order::Wave;
pub use owned::{is_lost_with, is_remade, owns_only_copies, relink};
pub use status::wanted_status;
pub use transform::{Decision, RestoreTransform, TransformContext, TransformError, target_of};
pub use transforms::{Transformed, Transforms};
