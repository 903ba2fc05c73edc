//! The cluster: where objects come from and go to.
//!
//! [`ClusterReader`], [`ClusterWriter`] and [`PodExec`] are the ports; whoever only reads holds a reader and cannot write.
//! [`MemoryCluster`] is a cluster in memory; `conformance::cluster` checks what every implementation and decorator guarantees.

mod decorator;
mod error;
pub mod memory;
mod port;

pub use decorator::{Failures, FlakyCluster, Operation, ReadOnlyCluster};
pub use error::{ClusterError, ClusterErrorKind, ClusterResult, FieldError};
pub use memory::MemoryCluster;
pub use port::{
    At, ClusterInfo, ClusterReader, ClusterWriter, Condition, Created, DeleteOptions, ExecCommand, ExecOutput,
    ListQuery, Page, PageSize, Part, Patch, PodExec, Propagation, Waited, WriteOptions,
};
