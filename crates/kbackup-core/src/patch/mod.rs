//! The four ways to change an object by a patch (<https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply>),
//! as pure functions over JSON trees; and laying one object over another.

mod apply;
mod error;
mod fields;
mod json;
mod last_applied;
mod lists;
mod merge;
mod overlay;
mod strategic;

pub use apply::{Applier, apply};
pub use error::PatchError;
pub use json::json;
pub use lists::Lists;
pub use merge::merge;
pub use overlay::{beyond, forget, overlay};
pub use strategic::strategic;
