//! The suite as a whole, and the one of stores that only read.

use std::sync::Arc;

use futures::TryStreamExt;

use super::area::assert_kind;
use super::{bulk, delete, get, list, put, upload};
use crate::store::{Key, ObjectStore, Prefix, PutMode, StoreErrorKind, Stored};

/// Runs every function of the suite, one after the other, and panics at the first that fails.
///
/// The store must be writable, and empty below `conformance/`. What its [`Capabilities`](crate::store::Capabilities)
/// exclude is not asked of it.
pub async fn all(store: Arc<dyn ObjectStore>) {
    let store = &store;
    assert!(store.capabilities().writable, "{store} is read-only: the suite cannot run");
    put::overwrite_replaces_the_object(store).await;
    put::empty_objects_are_objects(store).await;
    put::unusual_keys_are_kept(store).await;
    get::missing_keys_are_not_found(store).await;
    get::ranges_are_cut_at_the_end(store).await;
    get::readers_see_old_or_new_whole(store).await;
    upload::uploads_keep_every_piece_in_order(store).await;
    upload::abandoned_uploads_leave_nothing(store).await;
    upload::completing_twice_gives_the_same(store).await;
    list::listing_is_ordered_by_bytes(store).await;
    list::listing_pages_to_the_end(store).await;
    list::prefixes_end_at_segments(store).await;
    list::children_are_single_segments(store).await;
    delete::batches_are_deleted_and_missing_keys_are_fine(store).await;
    delete::deleted_keys_can_be_taken_again(store).await;
    if store.capabilities().conditional_create {
        put::create_refuses_a_taken_key(store).await;
        put::exactly_one_of_eight_creates_wins(store).await;
        upload::create_uploads_race_at_complete(store).await;
    }
}

/// Runs what takes ten thousand objects and one of 300 MiB, as [`all`] runs the rest.
pub async fn heavy(store: Arc<dyn ObjectStore>) {
    let store = &store;
    bulk::many_keys_are_listed_and_deleted(store, 10_000).await;
    bulk::large_uploads_come_back_whole(store).await;
}

/// A store that says that it is not writable refuses every write and deletion as `PermissionDenied`, before anything
/// changes. `taken` is the key of an object in it.
pub async fn writes_are_refused(store: Arc<dyn ObjectStore>, taken: &Key) {
    assert!(!store.capabilities().writable, "{store} says that it is writable");
    let before = listed(&store).await;
    assert!(before.iter().any(|stored| stored.key == *taken), "there is no {taken} in {store}");
    let free: Key = "conformance/refused".parse().expect("a key");
    for mode in [PutMode::Create, PutMode::Overwrite] {
        assert_kind(store.put(&free, "x".into(), mode).await, StoreErrorKind::PermissionDenied, "a put");
        assert_kind(store.put(taken, "x".into(), mode).await, StoreErrorKind::PermissionDenied, "a put");
        assert_kind(store.upload(&free, mode).await, StoreErrorKind::PermissionDenied, "an upload");
    }
    assert_kind(store.delete(std::slice::from_ref(taken)).await, StoreErrorKind::PermissionDenied, "a deletion");
    assert_eq!(listed(&store).await, before, "a refused write changed something");
}

async fn listed(store: &Arc<dyn ObjectStore>) -> Vec<Stored> {
    store.list(&Prefix::root()).try_collect().await.expect("a list")
}
