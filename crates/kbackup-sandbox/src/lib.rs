//! A small Kubernetes API server in memory.
//!
//! [`Sandbox`] puts the API of Kubernetes in front of a [`MemoryCluster`](kbackup_core::cluster::MemoryCluster): discovery,
//! reads at any revision, watches, all kinds of patches, custom types, tables for `kubectl get`. It is a tower service, so
//! that a client in the same process needs no socket; [`Server`] puts it on one, for `kubectl` and everything else.
//!
//! There are no controllers for workloads, no authorization and no schemas behind it: a Deployment makes no Pods, everybody
//! may do everything, and a field that a real server would not know is kept.
//!
//! [`manifest`] reads YAML files and loads them into any cluster; [`shop`] is a small application to begin with.
//!
//! ```
//! use kbackup_sandbox::{Sandbox, manifest, shop};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let sandbox = Sandbox::default();
//! let loaded = manifest::load(sandbox.cluster(), shop::manifests()?, "example").await?;
//! assert!(loaded.created > 30);
//! // let client = kube::Client::new(sandbox, "default");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod api;
mod discovery;
mod faults;
pub mod manifest;
mod protobuf;
mod sandbox;
mod server;
pub mod shop;
mod table;
mod wire;

pub use faults::{Fault, FaultRule, Faults};
pub use sandbox::Sandbox;
pub use server::{RunningServer, ServeError, Server, Transport};
pub use wire::Body;
