//! The suite of [`ClusterReader`](crate::cluster::ClusterReader) and [`ClusterWriter`](crate::cluster::ClusterWriter): what
//! every cluster and every decorator of one must do.
//!
//! [`all`] runs it whole. Each function works in a namespace of its own, which it deletes whatever happens, so that the
//! suite can run against a cluster that others use too, and its functions at the same time. It needs the rights to create
//! and delete namespaces, and CustomResourceDefinitions of the group `conformance.kbackup.dev`.
//!
//! ```
//! use std::sync::Arc;
//! use kbackup_core::{cluster::MemoryCluster, conformance};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! conformance::cluster::all(Arc::new(MemoryCluster::new())).await;
//! # });
//! ```

pub(super) mod area;
mod custom;
mod delete;
mod list;
mod patch;
mod suite;
mod write;

pub use custom::a_new_definition_is_discovered_at_once;
pub use delete::{
    deletions_ask_for_one_uid, finalizers_hold_an_object, missing_objects_can_be_deleted, waits_end_in_time,
};
pub use list::{
    a_name_selects, labels_select, lists_at_a_revision_show_that_revision, metadata_lists_hold_no_data,
    pages_hold_each_object_once, types_that_are_not_served_are_not_found,
};
pub use patch::{apply_shares_an_object_between_managers, patches_change_what_they_name, patches_need_an_object};
pub use suite::{all, compacted_revisions_are_expired, writes_are_refused};
pub use write::{
    creates_tell_what_exists, dry_runs_change_nothing, older_states_do_not_replace,
    terminating_namespaces_take_nothing, wrong_objects_are_invalid,
};
