//! The public conformance suites of the ports: what every implementation and every decorator must pass.
//!
//! The feature `conformance` brings them. Each suite is a set of async functions that take an implementation and panic
//! with what it did wrong, so that a test of an adapter is one line.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a suite is test code that happens to be public")]

pub mod cluster;
pub mod exec;
pub mod snapshot;
pub mod store;
