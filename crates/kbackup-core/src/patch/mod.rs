//! The four ways to change an object by a patch (<https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply>),
//! as pure functions over JSON trees.

mod apply;
mod error;
mod fields;
mod json;
mod last_applied;
mod lists;
mod merge;
mod strategic;

pub use apply::{Applier, apply};
pub use error::PatchError;
pub use json::json;
pub use lists::Lists;
pub use merge::merge;
pub use strategic::strategic;
