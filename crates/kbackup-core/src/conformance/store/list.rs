//! Listing.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};

use super::area::Area;
use crate::store::{ObjectStore, Prefix, Stored};

/// Names whose order differs between bytes, segments and dictionaries.
const TRICKY: [&str; 13] =
    ["B", "a-b", "a.b/x", "a/x", "a/y/z", "a0", "ab/x", "b", "b-/x", "b.", "c/d/e/f", "c0/d", "é"];

/// A list is in ascending order of keys as bytes (`a-b` before `a/x` before `a0`), with the size of each, and any
/// order of writing gives the same.
pub async fn listing_is_ordered_by_bytes(store: &Arc<dyn ObjectStore>) {
    let area = Area::new(store, "listing_is_ordered_by_bytes");
    for (size, name) in TRICKY.iter().enumerate().rev() {
        area.put(name, vec![b'x'; size]).await;
    }
    assert_eq!(area.names(&area.prefix).await, TRICKY);
    let listed: Vec<Stored> = store.list(&area.prefix).try_collect().await.expect("a list");
    for (size, stored) in listed.iter().enumerate() {
        assert_eq!(stored.size, size as u64, "{}", stored.key);
        assert_eq!(store.head(&stored.key).await.expect("it is listed"), *stored);
    }
}

/// More objects than a page of any store holds are listed to the end, each once and in order; a list can be dropped early.
pub async fn listing_pages_to_the_end(store: &Arc<dyn ObjectStore>) {
    let area = Area::new(store, "listing_pages_to_the_end");
    let names: Vec<String> = (0..1_103).map(|number| format!("{:02}/{number:04}", number / 100)).collect();
    let writes = futures::stream::iter(&names).map(|name| area.put(name, Bytes::from_static(b"x")));
    writes.buffer_unordered(16).collect::<Vec<_>>().await;
    assert_eq!(area.names(&area.prefix).await, names);
    let first: Vec<Stored> = store.list(&area.prefix).take(3).try_collect().await.expect("a list");
    assert_eq!(first.iter().map(|stored| area.name(&stored.key)).collect::<Vec<_>>(), names[..3]);
    assert_eq!(area.names(&area.prefix("07")).await, names[700..800]);
}

/// A prefix is of whole segments, need not exist, and does not contain itself.
pub async fn prefixes_end_at_segments(store: &Arc<dyn ObjectStore>) {
    let area = Area::new(store, "prefixes_end_at_segments");
    for name in ["nightly/a", "nightly/b/c", "nightly-2/a", "night"] {
        area.put(name, "x").await;
    }
    for (prefix, expect) in [
        ("nightly", &["nightly/a", "nightly/b/c"][..]),
        ("nightly/b", &["nightly/b/c"]),
        ("nightly/b/c", &[]),
        ("nightl", &[]),
        ("night", &[]),
        ("missing/deep/down", &[]),
    ] {
        assert_eq!(area.names(&area.prefix(prefix)).await, expect, "below {prefix}");
    }
    let root: Vec<Stored> = store.list(&Prefix::root()).try_collect().await.expect("a list");
    assert!(root.iter().any(|stored| stored.key == area.key("night")), "the root holds every key");
    assert!(root.iter().map(|stored| &stored.key).is_sorted(), "the root is in order");
}

/// The children of a prefix are each named once: objects, and prefixes that have objects below them, both ascending.
pub async fn children_are_single_segments(store: &Arc<dyn ObjectStore>) {
    let area = Area::new(store, "children_are_single_segments");
    for name in TRICKY {
        area.put(name, name).await;
    }
    for (prefix, objects, prefixes) in [
        (area.prefix.clone(), &["B", "a-b", "a0", "b", "b.", "é"][..], &["a", "a.b", "ab", "b-", "c", "c0"][..]),
        (area.prefix("a"), &["a/x"], &["a/y"]),
        (area.prefix("c"), &[], &["c/d"]),
        (area.prefix("b"), &[], &[]),
        (area.prefix("missing"), &[], &[]),
    ] {
        let children = store.list_children(&prefix).await.expect("children");
        let found: Vec<String> = children.objects.iter().map(|stored| area.name(&stored.key)).collect();
        assert_eq!(found, objects, "objects directly below {prefix}");
        let expect: Vec<Prefix> = prefixes.iter().map(|name| area.prefix(name)).collect();
        assert_eq!(children.prefixes, expect, "prefixes directly below {prefix}");
        for stored in &children.objects {
            assert_eq!(store.head(&stored.key).await.expect("it is listed"), *stored);
        }
    }
}
