//! The backups in a store: which there are, and their end.

mod delete;
mod error;
mod list;

pub use delete::delete;
pub use error::CatalogError;
pub use list::{Listed, list, names};
