//! What the scenarios are made of: clusters to run on, manifests to load, snapshots of all objects, and a comparison that
//! names every field it ignores.
//!
//! The scenarios themselves are in `tests/`. Each runs against the sandbox always, and against a real API server where
//! `KBACKUP_TEST_KUBECONFIG` names one (for scenarios that need a server that soon forgets its history,
//! `KBACKUP_TEST_FORGETFUL_KUBECONFIG`); with `KBACKUP_TEST_REQUIRE=1` a missing one is a failure.

#![allow(clippy::panic, clippy::print_stderr, reason = "this library is a part of tests")]

pub mod archive;
pub mod fixtures;
pub mod forgetful;
pub mod journal;
pub mod machine;
pub mod proxy;
pub mod stopping;
pub mod target;
pub mod tools;
