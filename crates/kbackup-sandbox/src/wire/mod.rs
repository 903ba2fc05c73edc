//! What goes over the wire: paths, queries, headers, bodies and errors, parsed once and without any state.

mod accept;
mod body;
mod error;
mod path;
mod query;
mod response;

pub(crate) use accept::{Accept, Shape};
pub use body::Body;
pub(crate) use body::{Chunks, read, read_object, read_value};
pub(crate) use error::{ApiError, ApiResult};
pub(crate) use path::{ResourcePath, Route};
pub(crate) use query::Query;
pub(crate) use response::{bytes_of_type, json, json_bytes, json_of_type, lines, text};
