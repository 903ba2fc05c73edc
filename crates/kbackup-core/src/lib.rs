//! Back up, restore and migrate the objects of a Kubernetes cluster, as a library.
//!
//! The engines are async functions over three ports: a [cluster], an [object store](store) and a
//! [snapshot provider](snapshot). This crate holds the ports, in-memory implementations of all three, the
//! vocabulary and the engines; it carries no client, no cloud SDK and no TLS, so that it can be embedded anywhere.
//!
//! A module imports lower layers only (`cargo xtask tidy` checks it):
//!
//! | layer | modules |
//! |---|---|
//! | 0 | [`model`], [`clock`] |
//! | 1 | [`issue`], [`spec`], [`report`], [`event`], [`limits`], [`run`], [`patch`], [`modifier`], [`crypt`] |
//! | 2 | [`store`], [`cluster`], [`snapshot`] |
//! | 3 | [`filter`], [`action`], [`hook`], [`volume`], [`mod@format`], [`compare`] |
//! | 4 | [`backup`], [`restore`], [`catalog`] |
//! | 5 | [`engine`], [`scheduler`] |

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::panic,
        clippy::needless_pass_by_value,
        reason = "tests may end loudly, and take rows by value"
    )
)]

pub mod action;
pub mod backup;
pub mod catalog;
pub mod clock;
pub mod cluster;
pub mod compare;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod crypt;
pub mod engine;
pub mod event;
pub mod filter;
pub mod format;
pub mod hook;
pub mod issue;
pub mod limits;
pub mod model;
pub mod modifier;
pub mod patch;
pub mod report;
pub mod restore;
pub mod run;
pub mod scheduler;
pub mod snapshot;
pub mod spec;
pub mod store;
pub mod volume;

#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
