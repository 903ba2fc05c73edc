//! A Kubernetes cluster as kbackup's [cluster port](kbackup_core::cluster): over the kube client, streamed, and with
//! nothing cached.
//!
//! [`KubeCluster::connect`] finds the cluster as kubectl does; [`KubeCluster::new`] takes a client that you have.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod cluster;
mod connect;
mod discovery;
mod error;
mod exec;
mod http;
mod json;
mod limits;
mod list;
mod retry;
mod url;
mod wait;
mod write;

pub use cluster::KubeCluster;
pub use connect::{ConnectError, ConnectOptions};
pub use limits::CallLimits;
