//! The port against API servers: one that answers from a script, the sandbox, and a real one where there is one.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod exec;
mod scripted;
mod servers;
