use futures::future::{BoxFuture, FutureExt};

use super::*;
use crate::store::MemoryStore;

fn limited(requests_max: usize) -> LimitStore {
    LimitStore::new(Arc::new(MemoryStore::new()), NonZeroUsize::new(requests_max).expect("at least one"))
}

fn key(key: &str) -> Key {
    key.parse().expect("a key")
}

#[tokio::test]
async fn a_limit_keeps_the_contract() {
    for requests_max in [1, 3, usize::MAX] {
        crate::conformance::store::all(Arc::new(limited(requests_max))).await;
    }
}

#[tokio::test]
async fn every_operation_waits_for_its_turn() {
    let store = limited(1);
    let (key, root) = (key("a"), Prefix::root());
    store.put(&key, "x".into(), PutMode::Create).await.expect("the key is free");
    let mut body = store.get(&key, None).await.expect("it was written").body;
    let mut list = store.list(&root);
    let [mut write, mut complete, mut abort] = [
        store.upload(&key, PutMode::Overwrite).await.expect("an upload"),
        store.upload(&key, PutMode::Overwrite).await.expect("an upload"),
        store.upload(&key, PutMode::Overwrite).await.expect("an upload"),
    ];
    let held = store.requests.acquire().await.expect("a turn");
    let mut waiting: Vec<(&str, BoxFuture<'_, bool>)> = vec![
        ("put", store.put(&key, "y".into(), PutMode::Overwrite).map(|answer| answer.is_ok()).boxed()),
        ("upload", store.upload(&key, PutMode::Overwrite).map(|answer| answer.is_ok()).boxed()),
        ("write", write.write("z".into()).map(|answer| answer.is_ok()).boxed()),
        ("complete", complete.complete().map(|answer| answer.is_ok()).boxed()),
        ("abort", abort.abort().map(|answer| answer.is_ok()).boxed()),
        ("get", store.get(&key, None).map(|answer| answer.is_ok()).boxed()),
        ("body", body.next().map(|item| item.is_some()).boxed()),
        ("head", store.head(&key).map(|answer| answer.is_ok()).boxed()),
        ("list", list.next().map(|item| item.is_some()).boxed()),
        ("list_children", store.list_children(&root).map(|answer| answer.is_ok()).boxed()),
        ("delete", store.delete(&[]).map(|answer| answer.is_ok()).boxed()),
    ];
    for (name, call) in &mut waiting {
        assert!(call.now_or_never().is_none(), "{name} did not wait");
    }
    drop(held);
    for (name, call) in waiting {
        assert!(call.await, "{name} failed after its turn had come");
    }
}

#[tokio::test]
async fn a_copy_does_not_wait_for_itself() {
    let store = limited(1);
    store.put(&key("a"), "content".into(), PutMode::Create).await.expect("the key is free");
    let mut body = store.get(&key("a"), None).await.expect("it was written").body;
    let mut upload = store.upload(&key("b"), PutMode::Create).await.expect("an upload");
    while let Some(piece) = body.next().await {
        upload.write(piece.expect("a piece")).await.expect("a piece");
    }
    assert_eq!(upload.complete().await.expect("the upload is complete").size, 7);
}
