//! Writing objects at once.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;

use super::area::{Area, assert_kind};
use crate::store::{ObjectStore, PutMode, StoreErrorKind};

/// A put makes an object, a second one replaces it; size and key are told by the put, by head and by get alike.
pub async fn overwrite_replaces_the_object(store: &Arc<dyn ObjectStore>) {
    let area = Area::new(store, "overwrite_replaces_the_object");
    for body in ["first, the longer one", "second"] {
        let stored = area.put("folder/object", body).await;
        assert_eq!(area.read("folder/object").await, body);
        assert_eq!((stored.size, &stored.key), (body.len() as u64, &area.key("folder/object")));
        assert_eq!(store.head(&stored.key).await.expect("it was written"), stored);
        assert_eq!(store.get(&stored.key, None).await.expect("it was written").stored, stored);
    }
    assert_eq!(area.names(&area.prefix).await, ["folder/object"], "nothing else was left behind");
}

/// An object without bytes can be written, described, read and listed.
pub async fn empty_objects_are_objects(store: &Arc<dyn ObjectStore>) {
    let area = Area::new(store, "empty_objects_are_objects");
    assert_eq!(area.put("nothing", Bytes::new()).await.size, 0);
    assert_eq!(store.head(&area.key("nothing")).await.expect("it was written").size, 0);
    assert!(area.read("nothing").await.is_empty());
    assert_eq!(area.names(&area.prefix).await, ["nothing"]);
    assert_kind(store.get(&area.key("nothing"), Some(0..1)).await, StoreErrorKind::Invalid, "a range of no bytes");
}

/// Keys are text: nothing in them is decoded, folded or cut.
pub async fn unusual_keys_are_kept(store: &Arc<dyn ObjectStore>) {
    let area = Area::new(store, "unusual_keys_are_kept");
    let segment = "long-".repeat(50);
    let long = [segment.as_str(); 3].join("/");
    let mut names = vec![
        "a b",
        "a%20b",
        "a+b",
        "a%2Fb",
        "a&b=c",
        "a?b#c",
        "a:b@c",
        "a'b\"c",
        "*",
        "~",
        "$x",
        "[x]",
        "{x}",
        "(x)!",
        ".hidden",
        "..c",
        "c..",
        "x.",
        "-x",
        "ü",
        "日本語/バックアップ",
        "🦀",
        "%",
        "%%",
        "a;b,c",
        "<x>|",
        &long,
    ];
    for name in &names {
        area.put(name, name.to_string()).await;
    }
    for name in &names {
        assert_eq!(area.read(name).await, name.as_bytes(), "{name}");
    }
    names.sort_unstable();
    assert_eq!(area.names(&area.prefix).await, names);
}

/// Create fails with `AlreadyExists` where the key is taken, by a put or an upload, and leaves the object as it is.
pub async fn create_refuses_a_taken_key(store: &Arc<dyn ObjectStore>) {
    let area = Area::new(store, "create_refuses_a_taken_key");
    let key = area.key("taken");
    store.put(&key, "first".into(), PutMode::Create).await.expect("the key is free");
    let again = store.put(&key, "second".into(), PutMode::Create).await;
    assert_kind(again, StoreErrorKind::AlreadyExists, "a second create");
    assert_eq!(area.read("taken").await, "first");
    area.put("taken", "third").await;
    assert_eq!(area.read("taken").await, "third", "overwrite is not bound by create");
    assert_eq!(area.names(&area.prefix).await, ["taken"], "nothing else was left behind");
}

/// Of eight writers that create one key at the same time, one wins, and its bytes are what is there. Ten rounds.
pub async fn exactly_one_of_eight_creates_wins(store: &Arc<dyn ObjectStore>) {
    let area = Area::new(store, "exactly_one_of_eight_creates_wins");
    for round in 0..10 {
        let name = format!("round-{round}/claim.json");
        let key = area.key(&name);
        let racers = (0..8).map(|racer| store.put(&key, format!("racer {racer}").into(), PutMode::Create));
        let results = join_all(racers).await;
        let winners: Vec<usize> = (0..8).filter(|racer| results[*racer].is_ok()).collect();
        assert_eq!(winners.len(), 1, "round {round}: {winners:?} won");
        for lost in results.into_iter().filter(Result::is_err) {
            assert_kind(lost, StoreErrorKind::AlreadyExists, "a create that lost");
        }
        assert_eq!(area.read(&name).await, format!("racer {}", winners[0]));
    }
}
