//! A cluster in memory: what tests, examples and the sandbox run on.
//!
//! [`MemoryCluster`] keeps every revision until it is compacted, as etcd does, and treats writes as kube-apiserver does:
//! metadata, namespaces, finalizers, owners, custom types, patches, watches. It has no workload controllers, no
//! authorization and no schemas: a field that a real server would not know is kept.

mod addresses;
mod admission;
mod builtin;
mod cluster;
mod controllers;
mod convert;
mod counts;
mod crds;
mod delete;
mod errors;
mod exec;
mod fields;
mod list;
mod load;
mod meta;
mod names;
mod ports;
mod random;
mod request;
mod state;
mod table;
#[cfg(test)]
mod tests;
mod tree;
mod types;
mod watch;
mod write;

pub use cluster::{MemoryCluster, MemoryClusterBuilder};
pub use counts::{Request, RequestCounts};
pub use exec::ScriptedExec;
pub use fields::{FieldSelector, FieldSelectorError};
pub use request::{Deleted, ListAt, ListPage, ListRequest, WatchEvent, WatchRequest};
