//! Lists: read as a stream, cut into objects, and paged by what the objects weigh.

mod item;
mod pages;
mod scan;
mod sizing;

pub(crate) use pages::pages;
pub(crate) use scan::ListMeta;
