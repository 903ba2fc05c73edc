//! Deleting.

use std::sync::Arc;

use super::area::{Area, assert_kind};
use crate::store::{Key, ObjectStore, PutMode, StoreErrorKind};

/// Many keys are deleted at once, those that are not there are fine, and neighbours stay.
pub async fn batches_are_deleted_and_missing_keys_are_fine(store: &Arc<dyn ObjectStore>) {
    let area = Area::new(store, "batches_are_deleted_and_missing_keys_are_fine");
    for number in 0..30 {
        area.put(&format!("batch/{number}"), "x").await;
    }
    area.put("batch-2/0", "stays").await;
    area.put("keep/batch", "stays").await;
    // More than a store takes in one request, most of them missing, one twice, and one that is only a beginning of keys.
    let mut keys: Vec<Key> = (0..1_010).map(|number| area.key(&format!("batch/{number}"))).collect();
    keys.extend([area.key("batch/3"), area.key("keep"), area.key("keep/batch/below")]);
    store.delete(&keys).await.expect("a deletion");
    store.delete(&keys).await.expect("a deletion of what is gone");
    store.delete(&[]).await.expect("a deletion of nothing");
    assert_eq!(area.names(&area.prefix).await, ["batch-2/0", "keep/batch"]);
    assert_kind(store.head(&area.key("batch/3")).await, StoreErrorKind::NotFound, "a deleted object");
    let children = store.list_children(&area.prefix).await.expect("children");
    assert_eq!(children.prefixes, [area.prefix("batch-2"), area.prefix("keep")], "a prefix without objects is none");
}

/// A key that was deleted is free: to be created again, and to become the beginning of other keys.
pub async fn deleted_keys_can_be_taken_again(store: &Arc<dyn ObjectStore>) {
    let area = Area::new(store, "deleted_keys_can_be_taken_again");
    for name in ["object", "object/below", "object"] {
        let key = area.key(name);
        store.put(&key, name.to_owned().into(), PutMode::Create).await.expect("the key is free");
        assert_eq!(area.names(&area.prefix).await, [name]);
        store.delete(&[key]).await.expect("a deletion");
        assert!(area.names(&area.prefix).await.is_empty());
    }
}
