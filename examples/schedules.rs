//! Schedules as a library: when a backup is due, how long each is kept, and a loop that follows both.

use std::error::Error;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kbackup_core::catalog::{Decision, History, decide};
use kbackup_core::clock::ManualClock;
use kbackup_core::cluster::MemoryCluster;
use kbackup_core::engine::Engine;
use kbackup_core::limits::Limits;
use kbackup_core::run::{Cancel, Run};
use kbackup_core::scheduler::{self, Scheduled, Told, Until};
use kbackup_core::spec::{BackupSpec, Retention, ScheduleSpec};
use kbackup_core::store::MemoryStore;

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    let spec = ScheduleSpec {
        retention: Retention { keep_last: 2, ..Retention::default() },
        template: BackupSpec::default().namespaces(["default"]).ttl("1h".parse()?),
        ..ScheduleSpec::new("30 2 * * *".parse()?)
    };

    // The decision is a pure function: no clock, no store. A controller of your own can be built on it.
    let now: Timestamp = "2026-11-20T12:00:00Z".parse()?;
    let history = History { created_at: now, last_run: Some(now), running: false };
    let decision = decide("nightly", &spec, &TimeZone::UTC, &history, now);
    assert_eq!(decision, Decision::Wait { until: "2026-11-21T02:30:00Z".parse()?, missed: None });

    // Or have it followed. On this clock, which runs as fast as it is asked, four nights pass at once.
    let engine = Engine::new(MemoryCluster::new(), MemoryStore::new());
    let scheduled = Scheduled::new("nightly".parse()?, spec, TimeZone::UTC, now, engine.clone())?;
    let (cancel, nights) = (Cancel::default(), std::sync::atomic::AtomicU32::new(0));
    let run = Run::default().clock(Arc::new(ManualClock::at(now))).cancel(cancel.clone());
    let tally = scheduler::run(&[scheduled], Until::Cancelled, &run, &|schedule, told| match told {
        Told::Made(report) => println!("{schedule}: {} {}", report.manifest.name, report.manifest.outcome),
        Told::Expired(_) if nights.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 4 => cancel.cancel(),
        _ => {}
    })
    .await;
    assert_eq!(tally.completed, 5);
    let left = engine.backups(&Limits::default()).await?;
    let names: Vec<&str> = left.iter().map(|backup| backup.name.as_str()).collect();
    assert_eq!(names, ["nightly-20261123023000", "nightly-20261124023000"]);
    Ok(())
}
