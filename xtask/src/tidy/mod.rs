//! The rules of this repository that the compiler does not know.
//!
//! Each rule is a pure function from what was read to findings; [`check`] reads the files and runs them all.

mod crates;
mod files;
mod finding;
mod kinds;
mod layers;
mod layout;
mod lexer;
mod links;
mod size;
mod source;
mod tests_rule;

pub(crate) use files::check;
