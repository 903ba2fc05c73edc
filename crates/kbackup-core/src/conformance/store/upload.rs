//! Writing objects in pieces.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::future::join_all;

use super::area::{Area, assert_kind};
use crate::store::{ObjectStore, PutMode, StoreErrorKind};

/// An upload is invisible until it is complete, and then holds its pieces in order: none, empty, many small, few large.
pub async fn uploads_keep_every_piece_in_order(store: &Arc<dyn ObjectStore>) {
    let area = Area::new(store, "uploads_keep_every_piece_in_order");
    for (name, sizes) in [
        ("without-pieces", vec![]),
        ("empty-pieces", vec![0, 0]),
        ("small-pieces", (0..500).map(|i| i % 7).collect()),
        ("large-pieces", vec![9 << 20, 1, 7 << 20]),
    ] {
        let mut upload = store.upload(&area.key(name), PutMode::Overwrite).await.expect("an upload");
        let mut whole = BytesMut::new();
        for (number, size) in sizes.into_iter().enumerate() {
            let piece = Bytes::from(vec![(number % 251) as u8; size]);
            whole.extend_from_slice(&piece);
            upload.write(piece).await.expect("a piece");
        }
        assert_kind(store.head(&area.key(name)).await, StoreErrorKind::NotFound, "an unfinished upload");
        let stored = upload.complete().await.expect("the upload is complete");
        assert_eq!((stored.size, &stored.key), (whole.len() as u64, &area.key(name)));
        assert!(area.read(name).await == whole, "{name} has other bytes");
        assert_eq!(store.head(&area.key(name)).await.expect("it was completed"), stored);
    }
}

/// An upload that is aborted or dropped leaves nothing visible, and what was there before stays.
pub async fn abandoned_uploads_leave_nothing(store: &Arc<dyn ObjectStore>) {
    let area = Area::new(store, "abandoned_uploads_leave_nothing");
    area.put("before", "as it was").await;
    for name in ["before", "folder/new"] {
        let mut upload = store.upload(&area.key(name), PutMode::Overwrite).await.expect("an upload");
        upload.write("given up".into()).await.expect("a piece");
        upload.abort().await.expect("an abort");
        upload.abort().await.expect("a second abort");
        assert_kind(upload.write("more".into()).await, StoreErrorKind::Invalid, "a piece after an abort");
        assert_kind(upload.complete().await, StoreErrorKind::Invalid, "a completion after an abort");
        let mut upload = store.upload(&area.key(name), PutMode::Overwrite).await.expect("an upload");
        upload.write("dropped".into()).await.expect("a piece");
        drop(upload);
    }
    assert_eq!(area.names(&area.prefix).await, ["before"]);
    assert_eq!(area.read("before").await, "as it was");
    let children = store.list_children(&area.prefix).await.expect("children");
    assert!(children.prefixes.is_empty(), "{:?} has no object", children.prefixes);
}

/// Completing again gives the same answer, whatever the mode; an abort afterwards changes nothing.
pub async fn completing_twice_gives_the_same(store: &Arc<dyn ObjectStore>) {
    let area = Area::new(store, "completing_twice_gives_the_same");
    for (name, mode) in [("create", PutMode::Create), ("overwrite", PutMode::Overwrite)] {
        let mut upload = store.upload(&area.key(name), mode).await.expect("an upload");
        upload.write("once".into()).await.expect("a piece");
        let stored = upload.complete().await.expect("the upload is complete");
        assert_eq!(upload.complete().await.expect("it was complete before"), stored);
        upload.abort().await.expect("an abort of what is complete");
        drop(upload);
        assert_eq!(area.read(name).await, "once", "what was completed stays");
    }
}

/// Of four uploads that create one key, one wins at `complete`; one that was begun before the key was taken loses too.
pub async fn create_uploads_race_at_complete(store: &Arc<dyn ObjectStore>) {
    let area = Area::new(store, "create_uploads_race_at_complete");
    let key = area.key("folder/object");
    let mut uploads = Vec::new();
    for racer in 0..4 {
        let mut upload = store.upload(&key, PutMode::Create).await.expect("the key is free");
        upload.write(format!("racer {racer}").into()).await.expect("a piece");
        uploads.push(upload);
    }
    let mut late = store.upload(&key, PutMode::Create).await.expect("the key is free");
    let results = join_all(uploads.iter_mut().map(|upload| upload.complete())).await;
    let winners: Vec<usize> = (0..4).filter(|racer| results[*racer].is_ok()).collect();
    assert_eq!(winners.len(), 1, "{winners:?} won");
    for lost in results.into_iter().filter(Result::is_err) {
        assert_kind(lost, StoreErrorKind::AlreadyExists, "an upload that lost");
    }
    assert_kind(late.complete().await, StoreErrorKind::AlreadyExists, "an upload that came late");
    assert_eq!(area.read("folder/object").await, format!("racer {}", winners[0]));
    drop((uploads, late));
    assert_eq!(area.names(&area.prefix).await, ["folder/object"]);
}
