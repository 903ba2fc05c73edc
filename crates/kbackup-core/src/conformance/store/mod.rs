//! The suite of [`ObjectStore`](crate::store::ObjectStore): what every store and every decorator of one must do.
//!
//! [`all`] runs it whole, but for what takes many objects or large ones, which is [`heavy`]. Each function works below a prefix of its own (`conformance/<function>`), so that they can run
//! one after the other, or at the same time, against one store that was empty there before. None removes what it wrote.
//!
//! ```
//! use std::sync::Arc;
//! use kbackup_core::{conformance, store::MemoryStore};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! conformance::store::all(Arc::new(MemoryStore::new())).await;
//! # });
//! ```

mod area;
mod bulk;
mod delete;
mod get;
mod list;
mod put;
mod suite;
mod upload;

pub use bulk::{large_uploads_come_back_whole, many_keys_are_listed_and_deleted};
pub use delete::{batches_are_deleted_and_missing_keys_are_fine, deleted_keys_can_be_taken_again};
pub use get::{missing_keys_are_not_found, ranges_are_cut_at_the_end, readers_see_old_or_new_whole};
pub use list::{
    children_are_single_segments, listing_is_ordered_by_bytes, listing_pages_to_the_end, prefixes_end_at_segments,
};
pub use put::{
    create_refuses_a_taken_key, empty_objects_are_objects, exactly_one_of_eight_creates_wins,
    overwrite_replaces_the_object, unusual_keys_are_kept,
};
pub use suite::{all, heavy, writes_are_refused};
pub use upload::{
    abandoned_uploads_leave_nothing, completing_twice_gives_the_same, create_uploads_race_at_complete,
    uploads_keep_every_piece_in_order,
};
