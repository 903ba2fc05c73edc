//! What is only found with much of it.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};

use super::area::Area;
use crate::store::{Key, ObjectStore, PutMode, Stored};

/// So many keys are listed in order, each once, and deleted in batches; a neighbour stays.
pub async fn many_keys_are_listed_and_deleted(store: &Arc<dyn ObjectStore>, count: usize) {
    let area = Area::new(store, "many_keys_are_listed_and_deleted");
    area.put("neighbour", "stays").await;
    let keys: Vec<Key> = (0..count).map(|number| area.key(&format!("many/{number:05}"))).collect();
    let body = Bytes::from_static(b"x");
    let puts = futures::stream::iter(&keys).map(|key| store.put(key, body.clone(), PutMode::Overwrite));
    puts.buffer_unordered(32).try_collect::<Vec<Stored>>().await.expect("every key is written");
    let listed: Vec<Stored> = store.list(&area.prefix("many")).try_collect().await.expect("a list");
    assert!(listed.iter().map(|stored| &stored.key).eq(&keys), "{} of {count} keys, or another order", listed.len());
    for batch in keys.chunks(2_500) {
        store.delete(batch).await.expect("a deletion");
    }
    assert_eq!(area.names(&area.prefix).await, ["neighbour"]);
}

/// An upload of 300 MiB in pieces of odd sizes comes back byte for byte; a range in its middle too; one that is given up
/// half-way leaves nothing.
pub async fn large_uploads_come_back_whole(store: &Arc<dyn ObjectStore>) {
    const BYTES: usize = 300 << 20;
    const PIECE: usize = (8 << 20) - 12_345;
    let area = Area::new(store, "large_uploads_come_back_whole");
    let mut upload = store.upload(&area.key("large"), PutMode::Overwrite).await.expect("an upload");
    let mut given_up = store.upload(&area.key("given-up"), PutMode::Overwrite).await.expect("an upload");
    let mut written = 0;
    while written < BYTES {
        let piece = pattern(written, PIECE.min(BYTES - written));
        written += piece.len();
        upload.write(piece.clone()).await.expect("a piece");
        if written < BYTES / 10 {
            given_up.write(piece).await.expect("a piece");
        }
    }
    given_up.abort().await.expect("an abort");
    assert_eq!(upload.complete().await.expect("it is complete").size, BYTES as u64);
    assert_eq!(area.names(&area.prefix).await, ["large"]);
    assert_content(store, &area.key("large"), 0, BYTES).await;
    assert_content(store, &area.key("large"), 100_000_001, 123_456).await;
    store.delete(&[area.key("large")]).await.expect("a deletion");
}

/// Bytes that tell where they stand.
fn pattern(at: usize, len: usize) -> Bytes {
    (at..at + len).map(|at| (at % 251) as u8 ^ (at >> 16) as u8).collect::<Vec<u8>>().into()
}

async fn assert_content(store: &Arc<dyn ObjectStore>, key: &Key, start: usize, len: usize) {
    let range = start as u64..(start + len) as u64;
    let mut body = store.get(key, Some(range)).await.expect("a body").body;
    let mut at = start;
    while let Some(piece) = body.next().await {
        let piece = piece.expect("a piece");
        assert!(piece == pattern(at, piece.len()), "other bytes at {at}");
        at += piece.len();
    }
    assert_eq!(at, start + len, "the body has another length");
}
