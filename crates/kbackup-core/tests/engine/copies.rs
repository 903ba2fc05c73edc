//! Copies that are encrypted or signed otherwise than their original, and places that believe only what is signed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use kbackup_core::catalog::{
    CatalogError, Copied, Depth, Policies, Policy, Reseal, Verification, copy, copy_as, delete, expiry, verify,
};
use kbackup_core::clock::{Clock, ManualClock, SystemClock};
use kbackup_core::crypt::{Identities, Keyring, Passphrase, Protection, Recipients, SigningKey};
use kbackup_core::format::{Access, BackupLayout, Claim, FormatError, Manifest, read_manifest};
use kbackup_core::run::{Cancel, Run};
use kbackup_core::spec::{BackupSpec, RestoreSpec, Retention};
use kbackup_core::store::{Failures, FlakyStore, MemoryStore, ObjectStore, ObjectStoreExt, PutMode};

use crate::crash::{plans, poll_times, whole, whole_backups};
use crate::life::none;
use crate::world::{World, completed, identity, keys, name, small};

fn signer() -> SigningKey {
    SigningKey::generate().expect("there is randomness")
}

fn trust(signer: &SigningKey) -> Keyring {
    Keyring::default().trust(signer.public().expect("it is whole"))
}

fn opened_by(identities: &Identities) -> Keyring {
    Keyring::default().identities(identities.clone())
}

fn encrypt(recipient: &str) -> Protection {
    Protection::default().encrypt(Recipients::of([recipient]).expect("it is one"))
}

/// A world whose backup `a` is encrypted for Alice, in several parts.
async fn of_alice() -> World {
    let (alice, identities) = identity();
    let world = World { protection: encrypt(&alice), keyring: opened_by(&identities), ..World::shop() };
    world.engine().backup(&name("a"), &BackupSpec::default(), &small()).await.expect("it is made");
    world
}

async fn manifest(store: &MemoryStore) -> Manifest {
    read_manifest(store, &name("a")).await.expect("it exists")
}

/// Every object of the copy comes back.
async fn comes_back(world: &World, store: &MemoryStore, keyring: Keyring) {
    let whole = verify(Access::new(store, &keyring), &name("a"), Depth::Entries, &Run::default()).await;
    let whole = whole.expect("it can be read");
    assert!(whole.is_whole(), "{whole:?}");
    let elsewhere = World { store: store.clone(), keyring, ..world.elsewhere() };
    completed(&elsewhere.restore("r", &RestoreSpec::from_backup(name("a"))).await);
}

#[tokio::test]
async fn a_copy_can_be_for_others_and_signed_by_another() {
    let (world, (bob, of_bob), signer) = (of_alice().await, identity(), signer());
    let target = MemoryStore::named("b");
    let reseal = Reseal::Always(encrypt(&bob).sign(signer.clone()));
    let copied = copy_as(world.access(), &target, &name("a"), &reseal, &small()).await.expect("it is copied");
    let (original, there) = (manifest(&world.store).await, manifest(&target).await);
    assert_eq!(copied.files, (there.parts.len() + there.files.len()) as u64);
    assert_eq!(there.encryption.expect("it is encrypted").recipients, [bob]);
    assert_eq!((there.run_id, &there.resolved), (original.run_id, &original.resolved));
    let stored: u64 =
        there.parts.iter().map(|part| part.file.bytes).chain(there.files.values().map(|it| it.bytes)).sum();
    assert_eq!(there.counts.bytes_stored, stored);

    comes_back(&world, &target, opened_by(&of_bob).trust(signer.public().expect("it is whole"))).await;
    let closed = there.parts[0].file.key.clone();
    let elsewhere = Access::new(&target, &world.keyring);
    let refused = manifest(&target).await.read_index(elsewhere).await;
    assert!(matches!(refused, Err(FormatError::Encrypted { .. })), "{closed}: {refused:?}");

    let again = copy_as(world.access(), &target, &name("a"), &reseal, &small()).await.expect("it is there");
    assert_eq!(again, Copied { reused: copied.files, ..Copied::default() });
    let other = copy(world.access(), &target, &name("a"), &small()).await;
    assert!(matches!(other, Err(CatalogError::OtherCopy { .. })), "{other:?}");
    delete(&target, &none(), &name("a"), &Run::default()).await.expect("deleted");
    assert!(keys(&target).await.iter().all(|key| !key.starts_with("backups/")));
}

#[tokio::test]
async fn what_is_open_is_encrypted_on_its_way_and_what_is_not_stays_as_it_is() {
    let (alices, (bob, of_bob)) = (of_alice().await, identity());
    let open = World::shop();
    open.engine().backup(&name("a"), &BackupSpec::default(), &small()).await.expect("it is made");
    let if_open = Reseal::IfOpen(encrypt(&bob));
    for (world, encrypted) in [(&open, true), (&alices, false)] {
        let target = MemoryStore::named("b");
        copy_as(&world.store, &target, &name("a"), &if_open, &small()).await.expect("no key is needed");
        let (original, there) = (manifest(&world.store).await, manifest(&target).await);
        assert_eq!(there != original, encrypted);
        let keyring = if encrypted { opened_by(&of_bob) } else { world.keyring.clone() };
        comes_back(world, &target, keyring).await;
    }
    let phrase = Passphrase::new("open sesame").expect("it is one");
    let under = Protection::default().encrypt(Recipients::of_passphrase(phrase.clone()).work(4));
    let target = MemoryStore::named("c");
    let reseal = Reseal::Always(under);
    copy_as(alices.access(), &target, &name("a"), &reseal, &small()).await.expect("it is copied");
    comes_back(&alices, &target, Keyring::default().passphrase(phrase)).await;
}

#[tokio::test]
async fn what_can_not_be_opened_or_is_damaged_is_not_copied() {
    let (world, (bob, _)) = (of_alice().await, identity());
    let reseal = Reseal::Always(encrypt(&bob));
    let target = MemoryStore::named("b");
    let closed = copy_as(&world.store, &target, &name("a"), &reseal, &small()).await;
    assert!(matches!(closed, Err(CatalogError::Backup(FormatError::Encrypted { .. }))), "{closed:?}");
    let file = manifest(&world.store).await.parts[1].file.key.clone();
    let mut bytes = world.store.get_bytes(&file, u64::MAX).await.expect("it is there").to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    world.store.put(&file, bytes.into(), PutMode::Overwrite).await.expect("stored");
    let damaged = copy_as(world.access(), &target, &name("a"), &reseal, &small()).await;
    assert!(matches!(damaged, Err(CatalogError::Backup(FormatError::Damaged { .. }))), "{damaged:?}");
    let cancel = Cancel::default();
    cancel.cancel();
    let cancelled = copy_as(world.access(), &target, &name("a"), &reseal, &small().cancel(cancel)).await;
    assert!(matches!(cancelled, Err(CatalogError::Cancelled)), "{cancelled:?}");
    assert!(whole_backups(&target).await.is_empty());
    assert!(!target.exists(&file).await.expect("it can be asked"), "what is damaged does not become visible");
}

/// A clock that is so many seconds late, and goes on when somebody waits.
fn late(seconds: i64) -> Arc<ManualClock> {
    let now = SystemClock.now().saturating_add(jiff::SignedDuration::from_secs(seconds)).expect("it is a time");
    Arc::new(ManualClock::at(now))
}

/// A run so many seconds from now: a claim that is five minutes old is one of a copy that is dead.
fn later(seconds: i64) -> Run {
    small().clock(late(seconds))
}

/// The clock of who waits, while the holder of the claim renews it.
#[derive(Debug)]
struct Renewing(Arc<ManualClock>, MemoryStore);

#[async_trait]
impl Clock for Renewing {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
        let key = BackupLayout::new(&name("a")).claim();
        let claim = self.1.get_bytes(&key, 4_096).await.expect("it is there");
        let claim: Claim = serde_json::from_slice(&claim).expect("a claim");
        let renewed = serde_json::to_vec(&Claim { heartbeat_at: self.now(), ..claim }).expect("plain data");
        self.1.put(&key, renewed.into(), PutMode::Overwrite).await.expect("stored");
    }
}

/// Copies for Bob, for who knows a passphrase, and for both, signed; each with what opens it.
fn sorts() -> Vec<(Reseal, Keyring)> {
    let ((bob, of_bob), signer) = (identity(), signer());
    let phrase = Passphrase::new("open sesame").expect("it is one");
    let by_phrase = Recipients::of_passphrase(phrase.clone()).work(4);
    let both = Recipients::of([&bob]).expect("it is one").and(by_phrase.clone()).work(4);
    vec![
        (Reseal::Always(encrypt(&bob)), opened_by(&of_bob)),
        (Reseal::Always(Protection::default().encrypt(by_phrase)), Keyring::default().passphrase(phrase)),
        (Reseal::Always(Protection::default().encrypt(both).sign(signer.clone())), trust(&signer).identities(of_bob)),
    ]
}

async fn is_whole(store: &MemoryStore, keyring: &Keyring, case: &str) {
    assert_eq!(whole(Access::new(store, keyring)).await, ["a"], "{case}");
    let found = verify(Access::new(store, keyring), &name("a"), Depth::Entries, &Run::default()).await;
    assert!(found.as_ref().is_ok_and(Verification::is_whole), "{case}: {found:?}");
}

#[tokio::test]
async fn a_copy_for_others_that_broke_off_goes_on_and_never_lists_before_it_is_whole() {
    let world = of_alice().await;
    // That with everything: who is killed does it in all sorts, below.
    for (reseal, keyring) in sorts().into_iter().skip(2) {
        let mut reused = 0;
        for n in 1.. {
            let mut failures = 0;
            for (how, plan) in plans(n) {
                let target = MemoryStore::named("b");
                let flaky = FlakyStore::new(Arc::new(target.clone()), plan);
                let first = copy_as(world.access(), &flaky, &name("a"), &reseal, &small()).await;
                failures += flaky.failures();
                let case = format!("{reseal:?}: operation {n} fails {how}: {first:?}");
                let listed = whole(Access::new(&target, &keyring)).await;
                assert!(listed.is_empty() || listed == ["a"], "{case}");
                let second = copy_as(world.access(), &target, &name("a"), &reseal, &later(1)).await;
                let second = second.unwrap_or_else(|error| unreachable!("{case}, then {error}"));
                reused += u64::from(first.is_err() && second.reused > 0);
                is_whole(&target, &keyring, &case).await;
            }
            if failures == 0 {
                break;
            }
        }
        assert!(reused > 10, "{reseal:?}: what was copied is not copied again: {reused}");
    }
}

/// Polls of a copy, from the first ones on to where it ends.
fn polls() -> impl Iterator<Item = usize> {
    (1..60).chain((6..).map(|power| 1 << power))
}

#[tokio::test]
async fn a_copy_for_others_that_was_killed_goes_on_within_minutes() {
    let world = of_alice().await;
    for (reseal, keyring) in sorts() {
        let mut reused = 0;
        for polls in polls() {
            let target = MemoryStore::named("b");
            let (a, run) = (name("a"), small());
            let finished = {
                let copying = copy_as(world.access(), &target, &a, &reseal, &run);
                futures::pin_mut!(copying);
                poll_times(copying, polls).await
            };
            let clock = late(1);
            let began = clock.now();
            let second = copy_as(world.access(), &target, &a, &reseal, &small().clock(clock.clone())).await;
            let case = format!("{reseal:?}: {polls} polls, then {second:?}");
            reused += second.as_ref().map_or(0, |copied| copied.reused);
            assert!(second.is_ok(), "{case}");
            assert!(clock.now().duration_since(began).as_secs() <= 90, "{case}");
            is_whole(&target, &keyring, &case).await;
            if finished.is_some() {
                break;
            }
        }
        assert!(reused > 0, "{reseal:?}");
    }
}

/// A laptop that slept: what it writes when it wakes up is not mixed up with what was written meanwhile.
#[tokio::test]
async fn a_copy_that_was_taken_for_dead_and_wakes_up_harms_nothing() {
    let world = of_alice().await;
    for (reseal, keyring) in sorts() {
        for polls in polls() {
            let target = MemoryStore::named("b");
            let (a, run) = (name("a"), small());
            let sleeper = copy_as(world.access(), &target, &a, &reseal, &run);
            futures::pin_mut!(sleeper);
            let finished = poll_times(sleeper.as_mut(), polls).await;
            copy_as(world.access(), &target, &a, &reseal, &later(1)).await.expect("it goes on");
            if finished.is_some() {
                break;
            }
            let woken = sleeper.await;
            let case = format!("{reseal:?}: {polls} polls, woken up: {woken:?}");
            is_whole(&target, &keyring, &case).await;
            assert!(!keys(&target).await.contains(&"backups/a/claim.json".to_owned()), "{case}");
        }
    }
}

/// Who can write to the other store, and can't sign, brings nothing into what is signed there.
#[tokio::test]
async fn a_copy_that_is_signed_goes_on_only_with_what_its_key_has_noted() {
    let (world, (bob, _), own) = (of_alice().await, identity(), signer());
    let protected = |signer: &SigningKey| Reseal::Always(encrypt(&bob).sign(signer.clone()));
    for (signer, goes_on) in [(own.clone(), true), (signer(), false)] {
        let target = MemoryStore::named("b");
        let flaky = FlakyStore::new(Arc::new(target.clone()), Failures::from_nth(60));
        copy_as(world.access(), &flaky, &name("a"), &protected(&signer), &small())
            .await
            .expect_err("the store is gone");
        let copied =
            copy_as(world.access(), &target, &name("a"), &protected(&own), &later(1)).await.expect("it goes on");
        assert_eq!(copied.reused > 0, goes_on, "{copied:?}");
    }
}

#[tokio::test]
async fn two_copies_for_others_do_not_mix() {
    let (world, (bob, _)) = (of_alice().await, identity());
    let reseal = Reseal::Always(encrypt(&bob));
    let target = MemoryStore::named("b");
    let flaky = FlakyStore::new(Arc::new(target.clone()), Failures::from_nth(12));
    copy_as(world.access(), &flaky, &name("a"), &reseal, &small()).await.expect_err("the store is gone");
    let other = copy(world.access(), &target, &name("a"), &later(60)).await;
    assert!(matches!(other, Err(CatalogError::InProgress { .. })), "one of the other sort: {other:?}");
    let dead = copy(world.access(), &target, &name("a"), &later(301)).await;
    assert!(matches!(dead, Err(CatalogError::Unfinished { .. })), "{dead:?}");
    let renewing = small().clock(Arc::new(Renewing(late(60), target.clone())));
    let alive = copy_as(world.access(), &target, &name("a"), &reseal, &renewing).await;
    assert!(matches!(alive, Err(CatalogError::InProgress { .. })), "it may go on: {alive:?}");
    copy_as(world.access(), &target, &name("a"), &reseal, &later(60)).await.expect("it goes on");
}

#[tokio::test]
async fn a_place_that_demands_signatures_takes_only_what_it_believes() {
    let (world, (bob, of_bob)) = (of_alice().await, identity());
    let (own, foreign) = (signer(), signer());
    let trusting = trust(&own);
    let target = MemoryStore::named("b");
    let there = || Access::new(&target, &trusting);
    let unsigned = copy(world.access(), there(), &name("a"), &small()).await;
    let Err(CatalogError::NotTrusted { source: FormatError::Untrusted { why, .. }, .. }) = unsigned else {
        unreachable!("{unsigned:?}")
    };
    assert_eq!(why, "it is not signed");
    for protection in [encrypt(&bob), encrypt(&bob).sign(foreign)] {
        let refused = copy_as(world.access(), there(), &name("a"), &Reseal::Always(protection), &small()).await;
        assert!(matches!(refused, Err(CatalogError::Protection(_))), "{refused:?}");
    }
    assert!(keys(&target).await.is_empty(), "nothing was written");
    let reseal = Reseal::Always(encrypt(&bob).sign(own.clone()));
    copy_as(world.access(), there(), &name("a"), &reseal, &small()).await.expect("it is believed");
    comes_back(&world, &target, opened_by(&of_bob).trust(own.public().expect("it is whole"))).await;
    let third = MemoryStore::named("c");
    copy(&target, Access::new(&third, &trusting), &name("a"), &small()).await.expect("the signature goes with it");
    assert!(read_manifest(Access::new(&third, &trusting), &name("a")).await.is_ok());
}

/// Whoever can write to the store, and can't sign, makes nothing go.
#[tokio::test]
async fn a_rule_counts_only_backups_that_are_believed() {
    let signer = signer();
    let world = World { protection: Protection::default().sign(signer.clone()), ..World::shop() };
    let spec = BackupSpec { ttl: "1s".parse().expect("a time"), ..BackupSpec::default() };
    world.back_up("own", &spec).await;
    let forger = World { protection: Protection::default(), ..world.clone() };
    forger.engine().backup(&name("forged"), &spec, &later(10)).await.expect("it is made");
    let policies =
        Policies { default: Policy::new(Retention { keep_last: 1, ..Retention::default() }), ..Policies::default() };
    let trusting = trust(&signer);
    let decided = async |access: Access<'_>| -> Vec<(String, bool)> {
        let verdicts = expiry(access, &policies, &later(3_600)).await.expect("it can be listed");
        verdicts.iter().map(|it| (it.record.name.to_string(), it.keeps())).collect()
    };
    let told = decided(Access::new(&world.store, &trusting)).await;
    assert_eq!(told, [("own".to_owned(), true)]);
    let told = decided(Access::from(&world.store)).await;
    assert_eq!(told, [("forged".to_owned(), true), ("own".to_owned(), false)]);
}
