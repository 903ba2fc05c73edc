//! Restores that are interrupted, disturbed, checked beforehand or done twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kbackup_core::clock::ManualClock;
use kbackup_core::cluster::{ClusterErrorKind, Failures, FlakyCluster, Operation};
use kbackup_core::engine::Engine;
use kbackup_core::event::{Event, EventSink};
use kbackup_core::issue::{Code, Outcome};
use kbackup_core::limits::Limits;
use kbackup_core::model::ObjectRef;
use kbackup_core::report::RestoreReport;
use kbackup_core::restore::{Action, RestoreError};
use kbackup_core::run::{Cancel, Run};
use kbackup_core::spec::{BackupSpec, ExistingPolicy, RestoreSpec};
use serde_json::json;

use crate::world::{Meddled, World, completed, configmap, core, in_shop, keys, name, namespace};

const OBJECTS: usize = 40;

/// A backup of many objects, and an empty cluster to restore it to.
async fn many() -> World {
    let world = World::new([namespace("shop")]);
    world.cluster.load((0..OBJECTS).map(|n| configmap("shop", &format!("c{n:02}"), "x"))).expect("they load");
    world.back_up("b", &BackupSpec::default()).await;
    world.elsewhere()
}

fn spec() -> RestoreSpec {
    RestoreSpec::from_backup(name("b")).namespaces(["shop"])
}

/// Time that passes at once.
pub(crate) fn hurried() -> Run {
    let clock = ManualClock::at("2026-11-25T00:00:00Z".parse().expect("a time"));
    Run::default().clock(Arc::new(clock))
}

/// Cancels after so many objects.
#[derive(Debug)]
struct CancelAfter {
    left: AtomicUsize,
    cancel: Cancel,
}

impl EventSink for CancelAfter {
    fn emit(&self, event: Event) {
        if matches!(event, Event::Progress { .. }) && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.cancel.cancel();
        }
    }
}

pub(crate) fn cancelled_after(objects: usize) -> Run {
    let cancel = Cancel::default();
    let sink = CancelAfter { left: AtomicUsize::new(objects), cancel: cancel.clone() };
    Run::default().events(Arc::new(sink)).cancel(cancel)
}

fn there(world: &World) -> usize {
    (0..OBJECTS).filter(|n| world.get(&in_shop("configmaps", &format!("c{n:02}"))).is_some()).count()
}

/// What the plan was to create: the account of the namespace may have been there before.
fn made(report: &RestoreReport) -> u64 {
    report.counts.created + report.counts.unchanged
}

#[tokio::test]
async fn an_interrupted_restore_goes_on_where_it_was() {
    for after in [1, 2, 17, OBJECTS] {
        let world = many().await;
        let engine = world.engine();
        let plan = engine.plan_restore(&name("r"), &spec(), &Run::default()).await.expect("planned");
        let applied = engine.apply(&plan, &cancelled_after(after)).await;
        assert!(matches!(applied, Err(RestoreError::Cancelled)), "{applied:?}");
        assert!(there(&world) < OBJECTS, "{after}");

        let other = engine.plan_restore(&name("r"), &spec(), &Run::default()).await.expect("planned");
        let refused = engine.apply(&other, &Run::default()).await;
        assert!(matches!(refused, Err(RestoreError::NameTaken { .. })), "{refused:?}");

        let stored = engine.begun_restore(&name("r")).await.expect("its plan was kept");
        assert_eq!(stored, plan);
        let report = engine.apply(&stored, &Run::default()).await.expect("it goes on");
        completed(&report);
        assert_eq!(there(&world), OBJECTS);
        assert!(report.finished);
        let counts = report.counts;
        // Writes that were on their way when it was cancelled may be found done.
        assert_eq!(made(&report), plan.counts().created, "{after}: {counts:?}");
        assert!(counts.created >= plan.counts().created - 8, "{after}: {counts:?}");
    }
}

#[tokio::test]
async fn a_restore_whose_process_died_goes_on_too() {
    let world = many().await;
    let engine = world.engine();
    let plan = engine.plan_restore(&name("r"), &spec(), &Run::default()).await.expect("planned");
    // Dropped in the middle: nothing is cleaned up, the claim stays.
    let hanging = Engine::new(Meddled::hanging(&world.cluster, 20), world.store.clone());
    let run = Run::default();
    let mut applied = std::pin::pin!(hanging.apply(&plan, &run));
    assert!(futures::poll!(&mut applied).is_pending());
    assert!(there(&world) < OBJECTS);
    assert!(keys(&world.store).await.contains(&"restores/r/claim.json".to_owned()));
    let stored = engine.begun_restore(&name("r")).await.expect("its plan was kept");
    completed(&engine.apply(&stored, &Run::default()).await.expect("it goes on"));
    assert_eq!(there(&world), OBJECTS);
    assert!(!keys(&world.store).await.contains(&"restores/r/claim.json".to_owned()));
}

#[tokio::test]
async fn applying_twice_changes_nothing() {
    let world = many().await;
    let engine = world.engine();
    let plan = engine.plan_restore(&name("r"), &spec(), &Run::default()).await.expect("planned");
    let stored = serde_json::from_str(&serde_json::to_string(&plan).expect("JSON")).expect("its own JSON");
    let first = engine.apply(&stored, &Run::default()).await.expect("applied");
    completed(&first);
    let (revision, files) = (world.cluster.revision(), keys(&world.store).await);
    assert_eq!(engine.apply(&plan, &Run::default()).await.expect("nothing is left"), first);
    assert_eq!((world.cluster.revision(), keys(&world.store).await), (revision, files));
}

#[tokio::test]
async fn what_had_failed_is_tried_again() {
    let world = many().await;
    let plan = world.plan(&spec()).await;
    let forbidden = Failures::every_nth(5).of(&[Operation::Create]).kind(ClusterErrorKind::Forbidden);
    let flaky = FlakyCluster::new(Arc::new(world.cluster.clone()), forbidden);
    let report = Engine::new(flaky, world.store.clone()).apply(&plan, &Run::default()).await.expect("it goes on");
    assert_eq!(report.outcome, Outcome::PartiallyFailed);
    assert!(report.counts.failed > 0 && report.issues.iter().any(|issue| issue.code == Code::Forbidden));
    let again = world.engine().apply(&plan, &Run::default()).await.expect("it goes on");
    completed(&again);
    assert_eq!(made(&again), plan.counts().created, "{:?}", again.counts);
    assert_eq!(there(&world), OBJECTS);
}

#[tokio::test]
async fn what_passes_does_not_fail_an_object() {
    for failures in [
        Failures::every_nth(3).of(&[Operation::Create]),
        Failures::every_nth(3).of(&[Operation::Create]).after_effect(),
        Failures::every_nth(3)
            .of(&[Operation::Create])
            .kind(ClusterErrorKind::Throttled)
            .retry_after(Duration::from_secs(1)),
    ] {
        let world = many().await;
        let plan = world.plan(&spec()).await;
        let flaky = FlakyCluster::new(Arc::new(world.cluster.clone()), failures.clone());
        let report = Engine::new(flaky, world.store.clone()).apply(&plan, &hurried()).await.expect("it goes on");
        assert_eq!(there(&world), OBJECTS, "{failures:?}");
        completed(&report);
        assert_eq!(made(&report), plan.counts().created, "{failures:?}: {:?}", report.counts);
    }
}

#[tokio::test]
async fn a_server_that_dies_leaves_a_restore_to_go_on_with() {
    let world = many().await;
    let plan = world.plan(&spec()).await;
    let dead = Failures::from_nth(20).of(&[Operation::Create, Operation::Revision, Operation::Get]);
    let flaky = FlakyCluster::new(Arc::new(world.cluster.clone()), dead);
    let applied = Engine::new(flaky, world.store.clone()).apply(&plan, &hurried()).await;
    assert!(matches!(applied, Err(RestoreError::Cluster { .. })), "{applied:?}");
    let done = there(&world);
    assert!(done > 0 && done < OBJECTS);
    let report = world.engine().apply(&plan, &Run::default()).await.expect("it goes on");
    completed(&report);
    assert_eq!((there(&world), made(&report)), (OBJECTS, plan.counts().created));
}

#[tokio::test]
async fn the_server_checks_a_plan_without_a_write() {
    let world = World::shop();
    let mut fixed = configmap("shop", "fixed", "1");
    fixed["immutable"] = true.into();
    world.cluster.load([fixed.clone()]).expect("it loads");
    world.back_up("b", &BackupSpec::default()).await;
    world.delete(&in_shop("configmaps", "fixed"));
    world.delete(&in_shop("configmaps", "b"));
    world.delete(&ObjectRef::cluster(core("namespaces"), "web"));
    fixed["data"]["value"] = "2".into();
    world.cluster.load([fixed]).expect("it loads");
    let before = world.cluster.revision();

    let plan = world.plan(&RestoreSpec::from_backup(name("b")).existing(ExistingPolicy::Update)).await;
    let checked = world.engine().check(plan, &Run::default()).await.expect("it can be checked");
    assert_eq!(world.cluster.revision(), before, "nothing was written");
    let action =
        |object: &ObjectRef| checked.steps().find(|step| step.object == *object).map(|step| step.action.clone());
    assert_eq!(action(&in_shop("configmaps", "b")), Some(Action::Create));
    let refused = action(&in_shop("configmaps", "fixed"));
    assert!(matches!(refused, Some(Action::Refuse { code: Code::Immutable, .. })), "{refused:?}");
    let unchecked = checked.issues.iter().find(|issue| issue.code == Code::Unchecked).expect("it says so");
    assert!(unchecked.message.contains("the namespace web is not there yet"), "{unchecked}");
}

#[tokio::test]
async fn a_namespace_that_does_not_end_costs_its_objects_alone() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    let mut held = configmap("web", "held", "x");
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    world.cluster.load([held]).expect("it loads");
    world.delete(&ObjectRef::cluster(core("namespaces"), "web"));
    world.delete(&in_shop("configmaps", "a"));
    let plan = world.plan(&RestoreSpec::from_backup(name("b"))).await;
    let run = Run::default().limits(Limits { wait_max: Duration::from_millis(1), ..Limits::default() });
    let report = world.engine().apply(&plan, &run).await.expect("it goes on");
    assert_eq!(report.outcome, Outcome::PartiallyFailed);
    assert!(world.get(&in_shop("configmaps", "a")).is_some(), "the rest is restored");
    let failed: Vec<(String, &str)> = report
        .issues
        .iter()
        .filter_map(|issue| issue.object.as_ref().map(|object| (object.to_string(), issue.message.as_str())))
        .collect();
    let why =
        |of: &str| failed.iter().find(|(object, _)| object == of).map(|(_, message)| *message).unwrap_or_default();
    assert!(why("namespaces/web").contains("was not gone after"), "{failed:?}");
    assert_eq!(why("configmaps/web/a"), "its namespace could not be made", "{failed:?}");
}
