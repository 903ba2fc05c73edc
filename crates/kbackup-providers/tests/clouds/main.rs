//! The clouds, each against the whole conformance suite and what the suite cannot ask: emulators where there are some,
//! servers of our own that fail where and how a test wants it.

#![allow(clippy::panic, clippy::print_stderr, clippy::unwrap_used, reason = "a test that fails says so")]

mod azure;
mod emulators;
mod fake_gcs;
mod faults;
mod gcs;
mod held;
mod lock;
mod proxy;
mod s3;
mod server;
mod signing;
