use std::time::Duration;

use futures::{StreamExt, TryStreamExt};

use super::*;
use crate::clock::ManualClock;
use crate::conformance;
use crate::store::{Failures, FlakyStore, MemoryStore, Operation};

struct Bench {
    memory: MemoryStore,
    flaky: FlakyStore,
    clock: Arc<ManualClock>,
    store: RetryStore,
}

fn bench(plan: Failures) -> Bench {
    bench_with(plan, RetryPolicy { attempts_max: 4, ..RetryPolicy::default() })
}

fn bench_with(plan: Failures, policy: RetryPolicy) -> Bench {
    let memory = MemoryStore::new();
    let flaky = FlakyStore::new(Arc::new(memory.clone()), plan);
    let clock = Arc::new(ManualClock::at("2026-11-23T00:00:00Z".parse().expect("a time")));
    let store = RetryStore::new(Arc::new(flaky.clone()), policy, Arc::<ManualClock>::clone(&clock));
    Bench { memory, flaky, clock, store }
}

fn key(key: &str) -> Key {
    key.parse().expect("a key")
}

#[tokio::test]
async fn failures_are_invisible_when_they_pass() {
    for plan in [
        Failures::none(),
        Failures::every_nth(2),
        Failures::every_nth(3),
        Failures::every_nth(2).after_effect(),
        Failures::every_nth(3).after_effect(),
        Failures::every_nth(2).after_effect().kind(StoreErrorKind::Throttled),
    ] {
        let fails = plan != Failures::none();
        // Among sixteen writers that take turns, one can be every second for a long time.
        let policy = RetryPolicy { attempts_max: 100, ..RetryPolicy::default() };
        let Bench { store, flaky, .. } = bench_with(plan, policy);
        conformance::store::all(Arc::new(store)).await;
        assert_eq!(flaky.failures() > 100, fails);
    }
}

#[tokio::test]
async fn attempts_are_bounded() {
    for operation in [Operation::Head, Operation::Put, Operation::Delete, Operation::List, Operation::ListChildren] {
        let Bench { store, flaky, .. } = bench(Failures::every_nth(1).of(&[operation]));
        let error = match operation {
            Operation::Head => store.head(&key("a")).await.err(),
            Operation::Put => store.put(&key("a"), "x".into(), PutMode::Create).await.err(),
            Operation::Delete => store.delete(&[key("a")]).await.err(),
            Operation::List => store.list(&Prefix::root()).try_next().await.err(),
            _ => store.list_children(&Prefix::root()).await.err(),
        };
        assert_eq!(error.expect("it fails each time").kind(), StoreErrorKind::Unavailable, "{operation}");
        assert_eq!(flaky.operations(), 4, "{operation}");
    }
}

#[tokio::test]
async fn what_no_retry_helps_fails_at_once() {
    let denied = StoreErrorKind::PermissionDenied;
    let Bench { store, flaky, .. } = bench(Failures::every_nth(1).kind(denied));
    assert_eq!(store.head(&key("a")).await.expect_err("it is denied").kind(), denied);
    assert_eq!(flaky.operations(), 1);
}

#[tokio::test]
async fn waits_grow_on_the_given_clock() {
    let Bench { store, clock, .. } = bench(Failures::every_nth(1));
    let before = clock.now();
    store.head(&key("a")).await.expect_err("it fails each time");
    let waited = Duration::try_from(clock.now().duration_since(before)).expect("time goes on");
    let (least, most) = (Duration::from_millis(1_750), Duration::from_millis(3_500));
    assert!((least..=most).contains(&waited), "0.5 s, 1 s and 2 s, each from half of it on, are not {waited:?}");
}

#[tokio::test]
async fn a_create_knows_its_own_object() {
    let Bench { store, memory, .. } = bench(Failures::at_nth(1).of(&[Operation::Put]).after_effect());
    store.put(&key("a"), "mine".into(), PutMode::Create).await.expect("the first attempt had written it");
    memory.put(&key("b"), "theirs".into(), PutMode::Create).await.expect("the key is free");
    for body in ["mine!!", "mine"] {
        let Bench { store, memory, .. } = bench(Failures::at_nth(1).of(&[Operation::Put]));
        memory.put(&key("b"), "theirs".into(), PutMode::Create).await.expect("the key is free");
        let error = store.put(&key("b"), body.into(), PutMode::Create).await.expect_err("it is another's");
        assert_eq!(error.kind(), StoreErrorKind::AlreadyExists);
    }
}

#[tokio::test]
async fn a_broken_body_goes_on_where_it_broke() {
    let Bench { store, flaky, memory, .. } = bench(Failures::every_nth(1).of(&[Operation::Get]).after_effect());
    let whole: Bytes = (0..10_000_u32).map(|i| (i % 251) as u8).collect::<Vec<u8>>().into();
    memory.put(&key("a"), whole.clone(), PutMode::Create).await.expect("the key is free");
    let pieces: Vec<Bytes> =
        store.get(&key("a"), Some(5..9_005)).await.expect("it opens").body.try_collect().await.expect("a body");
    assert!(pieces.concat() == whole[5..9_005]);
    assert!(flaky.failures() >= 13, "each of {} requests gave half of the rest", flaky.failures());
}

#[tokio::test]
async fn a_body_is_not_mixed_of_two_objects() {
    let Bench { store, memory, .. } = bench(Failures::at_nth(1).of(&[Operation::Get]).after_effect());
    memory.put(&key("a"), "0123456789".into(), PutMode::Create).await.expect("the key is free");
    let mut body = store.get(&key("a"), None).await.expect("it opens").body;
    assert_eq!(body.next().await.expect("a piece").expect("the first half"), "01234");
    memory.put(&key("a"), "something else".into(), PutMode::Overwrite).await.expect("it is replaced");
    let error = body.next().await.expect("an item").expect_err("the rest is of another object");
    assert!(error.to_string().contains("replaced while it was read"), "{error}");
}

#[tokio::test]
async fn a_broken_list_goes_on_behind_the_last_key() {
    let Bench { store, memory, .. } = bench(Failures::at_nth(1).of(&[Operation::List]).after_effect());
    for name in ["a", "b", "c"] {
        memory.put(&key(name), "x".into(), PutMode::Create).await.expect("the key is free");
    }
    let listed: Vec<Stored> = store.list(&Prefix::root()).try_collect().await.expect("a list");
    assert_eq!(listed.iter().map(|stored| stored.key.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
}
