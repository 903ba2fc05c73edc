//! Schedules that run for days, on a clock that takes no time.

use std::sync::{Arc, Mutex};

use jiff::tz::TimeZone;
use kbackup_core::clock::{Clock, ManualClock};
use kbackup_core::engine::Engine;
use kbackup_core::limits::Limits;
use kbackup_core::run::{Cancel, Run};
use kbackup_core::scheduler::{Scheduled, Tally, Told, Until, run};
use kbackup_core::spec::{BackupSpec, Retention, ScheduleSpec};
use kbackup_core::store::{Failures, FlakyStore, ObjectStore, Operation};

use crate::crash::whole_backups;
use crate::world::{World, name};

/// What was told, and the clock on which it happened.
struct Watched {
    lines: Vec<String>,
    tally: Tally,
    now: String,
}

fn nightly() -> ScheduleSpec {
    let spec = ScheduleSpec::new("0 2 * * *".parse().expect("an expression"));
    spec.template(BackupSpec::default().namespaces(["shop"]).ttl("36h".parse().expect("a duration")))
}

/// Follows a schedule from a moment on until so many backups were made or have failed.
async fn watch(engine: Engine, spec: ScheduleSpec, from: &str, until: Until, backups: usize) -> Watched {
    let clock = Arc::new(ManualClock::at(from.parse().expect("a time")));
    let cancel = Cancel::default();
    let context = Run::default().clock(Arc::clone(&clock) as Arc<dyn Clock>).cancel(cancel.clone());
    let created = "2026-11-20T12:00:00Z".parse().expect("a time");
    let scheduled = Scheduled::new(name("nightly"), spec, TimeZone::UTC, created, engine).expect("it is valid");
    let lines: Mutex<Vec<String>> = Mutex::default();
    let tell = |schedule: &kbackup_core::model::BackupName, told: Told<'_>| {
        assert_eq!(schedule.as_str(), "nightly");
        let line = match told {
            Told::Next(at) => format!("next {at}"),
            Told::Missed(at) => format!("missed {at}"),
            Told::Busy(at) => format!("busy {at}"),
            Told::Begun(name) => format!("begun {name}"),
            Told::Made(report) => format!("made {}", report.manifest.name),
            Told::Failed(name, _) => format!("failed {name}"),
            Told::MadeElsewhere(name) => format!("elsewhere {name}"),
            Told::Expired(expired) => format!("deleted {}", expired.deleted.len()),
            Told::Unreadable(_) => "unreadable".to_owned(),
            other => format!("{other:?}"),
        };
        let mut lines = lines.lock().expect("nobody panics");
        lines.push(line);
        if lines.iter().filter(|line| line.starts_with("deleted") || line.starts_with("unreadable")).count() >= backups
        {
            cancel.cancel();
        }
    };
    let tally = run(&[scheduled], until, &context, &tell).await;
    Watched { lines: lines.into_inner().expect("nobody panics"), tally, now: clock.now().to_string() }
}

#[tokio::test]
async fn the_first_backup_comes_at_once_and_the_next_ones_at_their_times() {
    let world = World::shop();
    let watched = watch(world.engine(), nightly(), "2026-11-20T12:00:00Z", Until::Cancelled, 3).await;
    assert_eq!(
        watched.lines,
        [
            "next 2026-11-21T02:00:00Z",
            "begun nightly-20261120120000",
            "made nightly-20261120120000",
            "deleted 0",
            "next 2026-11-22T02:00:00Z",
            "begun nightly-20261121020000",
            "made nightly-20261121020000",
            "deleted 0",
            "next 2026-11-23T02:00:00Z",
            "begun nightly-20261122020000",
            "made nightly-20261122020000",
            "deleted 1",
        ]
    );
    assert_eq!(watched.tally, Tally { completed: 3, ..Tally::default() });
    assert_eq!(whole_backups(&world.store).await, ["nightly-20261121020000", "nightly-20261122020000"]);

    // Who starts again goes on from what is in the store, and makes one backup for all that were missed.
    let watched = watch(world.engine(), nightly(), "2026-11-25T11:00:00Z", Until::NothingIsDue, 9).await;
    assert_eq!(watched.lines[..2], ["next 2026-11-26T02:00:00Z", "begun nightly-20261125020000"]);
    assert_eq!(watched.tally.completed, 1);
    let again = watch(world.engine(), nightly(), "2026-11-25T11:00:00Z", Until::NothingIsDue, 9).await;
    assert_eq!(again.lines, ["next 2026-11-26T02:00:00Z"]);
}

#[tokio::test]
async fn rules_keep_more_than_the_time_to_live_and_touch_no_other_schedule() {
    let world = World::shop();
    let long_ago = Run::default().clock(Arc::new(ManualClock::at("2026-01-01T00:00:00Z".parse().expect("a time"))));
    for (backup, label) in [("by-hand", None), ("weekly-20260101000000", Some("weekly"))] {
        let spec = BackupSpec::default().namespaces(["shop"]);
        let spec = label.iter().fold(spec, |spec, label| spec.label("kbackup.dev/schedule-name", *label));
        world.engine().backup(&name(backup), &spec, &long_ago).await.expect("it is made");
    }
    let keep = ScheduleSpec { retention: Retention { keep_last: 3, ..Retention::default() }, ..nightly() };
    watch(world.engine(), keep, "2026-11-20T12:00:00Z", Until::Cancelled, 5).await;
    let left = whole_backups(&world.store).await;
    assert_eq!(
        left,
        [
            "by-hand",
            "nightly-20261122020000",
            "nightly-20261123020000",
            "nightly-20261124020000",
            "weekly-20260101000000",
        ]
    );
}

#[tokio::test]
async fn a_backup_that_fails_is_told_and_the_next_one_is_made() {
    let world = World::shop();
    let flaky = FlakyStore::new(Arc::new(world.store.clone()), Failures::at_nth(3).of(&[Operation::Put]));
    let engine = Engine::new(world.cluster.clone(), flaky);
    let watched = watch(engine, nightly(), "2026-11-20T12:00:00Z", Until::Cancelled, 2).await;
    assert!(watched.lines.contains(&"failed nightly-20261120120000".to_owned()), "{:?}", watched.lines);
    assert_eq!(watched.tally, Tally { completed: 1, failed: 1, ..Tally::default() });
    assert!(watched.now.starts_with("2026-11-21T02:"), "{}", watched.now);
    assert_eq!(whole_backups(&world.store).await, ["nightly-20261121020000"]);
}

#[tokio::test]
async fn what_another_host_has_made_is_not_made_again() {
    let world = World::shop();
    let (one, two) = tokio::join!(
        watch(world.engine(), nightly(), "2026-11-20T12:00:00Z", Until::NothingIsDue, 9),
        watch(world.engine(), nightly(), "2026-11-20T12:00:00Z", Until::NothingIsDue, 9),
    );
    assert_eq!(one.tally.completed + two.tally.completed, 1, "{:?} {:?}", one.lines, two.lines);
    assert_eq!(whole_backups(&world.store).await, ["nightly-20261120120000"]);
}

#[tokio::test]
async fn what_is_too_late_or_paused_or_unreadable_is_told() {
    let world = World::shop();
    watch(world.engine(), nightly(), "2026-11-20T12:00:00Z", Until::NothingIsDue, 9).await;
    let strict = ScheduleSpec { starting_deadline: Some("1h".parse().expect("a duration")), ..nightly() };
    let late = watch(world.engine(), strict, "2026-11-23T04:00:00Z", Until::NothingIsDue, 9).await;
    assert_eq!(late.lines, ["missed 2026-11-23T02:00:00Z", "next 2026-11-24T02:00:00Z"]);
    let paused = ScheduleSpec { paused: true, ..nightly() };
    assert_eq!(watch(world.engine(), paused, "2026-11-23T04:00:00Z", Until::Cancelled, 9).await.lines, ["Paused"]);
    let dead: Arc<dyn ObjectStore> = Arc::new(FlakyStore::new(Arc::new(world.store.clone()), Failures::from_nth(1)));
    let engine = Engine::shared(Arc::new(world.cluster.clone()), dead);
    let unreadable = watch(engine, nightly(), "2026-11-23T04:00:00Z", Until::NothingIsDue, 9).await;
    assert_eq!((unreadable.lines, unreadable.tally.failed), (vec!["unreadable".to_owned()], 1));
    assert!(world.engine().survey(&Limits::default()).await.expect("it can be listed").unfinished.is_empty());
}

#[test]
fn a_name_that_is_no_label_is_refused() {
    let long = "a".repeat(64);
    let now = jiff::Timestamp::UNIX_EPOCH;
    let refused = Scheduled::new(name(&long), nightly(), TimeZone::UTC, now, World::shop().engine());
    assert!(refused.expect_err("it is too long").to_string().contains("at most 63"));
}
