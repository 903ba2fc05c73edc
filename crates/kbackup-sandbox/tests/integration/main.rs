//! The sandbox from outside: as a service, through a Kubernetes client, over sockets, and through kubectl.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test that fails says so")]

mod client;
mod kubectl;
mod server;
mod service;
