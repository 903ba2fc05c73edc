//! Reading objects, whole and in ranges.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Bytes, BytesMut};
use futures::future::{join, join_all};
use futures::{StreamExt, TryStreamExt};

use super::area::{Area, assert_kind};
use crate::store::{ObjectStore, StoreErrorKind};

/// What is not there is `NotFound`, also where keys begin with it or it begins with a key.
pub async fn missing_keys_are_not_found(store: &Arc<dyn ObjectStore>) {
    let area = Area::new(store, "missing_keys_are_not_found");
    area.put("folder/object", "x").await;
    for name in ["missing", "missing/deeper", "folder", "folder/objec", "folder/object2", "folder/object/below"] {
        let key = area.key(name);
        assert_kind(store.head(&key).await, StoreErrorKind::NotFound, name);
        assert_kind(store.get(&key, None).await, StoreErrorKind::NotFound, name);
        assert_kind(store.get(&key, Some(0..1)).await, StoreErrorKind::NotFound, name);
    }
}

/// A range gives exactly its bytes, is cut at the end of the object, and is `Invalid` where it has none of them.
pub async fn ranges_are_cut_at_the_end(store: &Arc<dyn ObjectStore>) {
    let area = Area::new(store, "ranges_are_cut_at_the_end");
    let body: Bytes = (0..1_000_000_u32).map(|i| (i % 251) as u8).collect::<Vec<u8>>().into();
    let stored = area.put("object", body.clone()).await;
    let far = u64::MAX;
    for (asked, expect) in [
        (0..10, 0..10),
        (999_990..1_000_000, 999_990..1_000_000),
        (999_999..1_000_001, 999_999..1_000_000),
        (500_000..far, 500_000..1_000_000),
        (0..far, 0..1_000_000),
        (123_456..654_321, 123_456..654_321),
    ] {
        let download = store.get(&stored.key, Some(asked.clone())).await.expect("a range of the object");
        assert_eq!(download.range, expect, "{asked:?}");
        assert_eq!(download.stored, stored, "the size is that of the whole object");
        let read: BytesMut = download.body.try_collect().await.expect("a body");
        assert!(read == body[expect.start as usize..expect.end as usize], "{asked:?} gave other bytes");
    }
    let backwards = Range { start: 5, end: 4 };
    for asked in [1_000_000..1_000_001, far - 1..far, 5..5, backwards] {
        let what = format!("the range {asked:?}");
        assert_kind(store.get(&stored.key, Some(asked)).await, StoreErrorKind::Invalid, &what);
    }
}

/// While an object is replaced again and again, every reader sees one of its versions whole, with the size that it has.
pub async fn readers_see_old_or_new_whole(store: &Arc<dyn ObjectStore>) {
    let area = Area::new(store, "readers_see_old_or_new_whole");
    area.put("object", version(0)).await;
    let done = AtomicBool::new(false);
    let write = async {
        for number in 1..20 {
            area.put("object", version(number)).await;
        }
        done.store(true, Ordering::Release);
    };
    let read = async {
        while !done.load(Ordering::Acquire) {
            assert_whole(&area).await;
            tokio::task::yield_now().await;
        }
        assert_whole(&area).await;
    };
    join(write, join_all([read])).await;
    assert!(area.read("object").await == version(19), "the last version is not the one that is there");
}

fn version(number: u8) -> Bytes {
    Bytes::from(vec![number; 300_000 + usize::from(number) * 10_000])
}

async fn assert_whole(area: &Area<'_>) {
    let mut download = area.store.get(&area.key("object"), None).await.expect("there is always a version");
    let mut read = BytesMut::new();
    while let Some(piece) = download.body.next().await {
        read.extend_from_slice(&piece.expect("a piece"));
        tokio::task::yield_now().await;
    }
    assert_eq!(download.stored.size, read.len() as u64, "the size is not that of the bytes");
    assert!(read == version(read[0]), "a reader saw a mixture of versions");
}
