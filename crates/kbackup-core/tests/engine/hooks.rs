//! Commands around the volumes of a backup: which run, in which order, and what is said of those that fail.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use kbackup_core::backup::{self, BackupError, BackupReport, Ports};
use kbackup_core::clock::ManualClock;
use kbackup_core::cluster::{ClusterError, ClusterErrorKind, ClusterResult, ExecCommand, ExecOutput, PodExec};
use kbackup_core::format::Claim;
use kbackup_core::issue::{Code, Issue, Outcome, Severity, Stage};
use kbackup_core::limits::Limits;
use kbackup_core::model::ObjectRef;
use kbackup_core::run::{Cancel, Run};
use kbackup_core::spec::BackupSpec;
use kbackup_core::store::{MemoryStore, ObjectStoreExt};
use serde_json::{Value, json};

use crate::world::{Meddled, World, in_shop, keys, name, namespace};

/// A running pod with a command before and one after its volumes.
fn pod(name: &str, more: &Value) -> Value {
    let mut annotations = json!({
        "pre.hook.backup.velero.io/command": format!("freeze-{name}"),
        "post.hook.backup.kbackup.dev/command": format!("thaw-{name}"),
    });
    annotations.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": "shop", "name": name, "annotations": annotations},
        "spec": {"containers": [{"name": "main", "image": "none"}]}, "status": {"phase": "Running"}})
}

fn world(pods: impl IntoIterator<Item = Value>) -> World {
    World::new([namespace("shop")].into_iter().chain(pods))
}

/// Answers every command by a function, and remembers them.
struct Scripted<F> {
    answer: F,
    ran: Mutex<Vec<String>>,
}

impl<F: Fn(&ObjectRef, &str) -> ClusterResult<ExecOutput> + Send + Sync + 'static> Scripted<F> {
    fn new(answer: F) -> Self {
        Self { answer, ran: Mutex::default() }
    }

    fn ran(&self) -> Vec<String> {
        self.ran.lock().expect("nobody panicked").clone()
    }
}

impl<F> fmt::Debug for Scripted<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted")
    }
}

#[async_trait]
impl<F: Fn(&ObjectRef, &str) -> ClusterResult<ExecOutput> + Send + Sync + 'static> PodExec for Scripted<F> {
    async fn exec(&self, pod: &ObjectRef, run: &ExecCommand) -> ClusterResult<ExecOutput> {
        assert_eq!(run.container.as_deref(), Some("main"), "the plan names the container");
        let command = run.command.join(" ");
        self.ran.lock().expect("nobody panicked").push(command.clone());
        (self.answer)(pod, &command)
    }
}

fn succeeds() -> ClusterResult<ExecOutput> {
    Ok(ExecOutput::default())
}

fn fails(stderr: &str) -> ClusterResult<ExecOutput> {
    Ok(ExecOutput { exit_code: 1, stdout: Bytes::new(), stderr: stderr.to_owned().into() })
}

/// One command at a time, so that the order is told.
fn one_by_one() -> Run {
    Run::default().limits(Limits { hooks_max: 1, ..Limits::default() })
}

async fn back_up(world: &World, exec: &dyn PodExec, spec: &BackupSpec, run: &Run) -> Result<BackupReport, BackupError> {
    backup::run(&Ports::new(&world.cluster, &world.store).exec(exec), &name("b"), spec, run).await
}

fn spec(fields: Value) -> BackupSpec {
    serde_json::from_value(fields).expect("a spec")
}

fn about(report: &BackupReport, code: Code) -> Vec<(String, &Issue)> {
    let issues = report.issues.iter().filter(|issue| issue.code == code);
    issues.map(|issue| (issue.object.as_ref().map(|at| at.name.clone()).unwrap_or_default(), issue)).collect()
}

#[tokio::test]
async fn commands_run_before_and_after() {
    let world = world([pod("b", &json!({})), pod("a", &json!({}))]);
    let exec = Scripted::new(|_, _| succeeds());
    let report = back_up(&world, &exec, &BackupSpec::default(), &one_by_one()).await.expect("the backup is made");
    assert_eq!(exec.ran(), ["freeze-a", "thaw-a", "freeze-b", "thaw-b"]);
    assert_eq!(report.manifest.outcome, Outcome::Completed, "{:?}", report.issues);
    assert_eq!((report.manifest.counts.hooks.attempted, report.manifest.counts.hooks.failed), (4, 0));
    assert_eq!(world.held("b", "pods").await, ["shop/a", "shop/b"]);
}

#[tokio::test]
async fn pods_outside_of_the_backup_are_left_alone() {
    let world = world([pod("a", &json!({}))]);
    let exec = Scripted::new(|_, _| succeeds());
    let others = BackupSpec::default().namespaces(["default"]);
    let report = back_up(&world, &exec, &others, &Run::default()).await.expect("the backup is made");
    assert_eq!((exec.ran().len(), report.manifest.counts.hooks.attempted), (0, 0));
}

#[tokio::test]
async fn a_command_that_fails_costs_no_object() {
    let world = world([pod("a", &json!({})), pod("b", &json!({}))]);
    let exec = Scripted::new(|_, command| match command {
        "freeze-a" => fails("fsfreeze: /data:\nDevice busy"),
        "thaw-b" => Err(ClusterError::new(ClusterErrorKind::Timeout, "it did not end within 30 s")),
        _ => succeeds(),
    });
    let report = back_up(&world, &exec, &BackupSpec::default(), &one_by_one()).await.expect("the backup is made");
    assert_eq!(exec.ran(), ["freeze-a", "thaw-a", "freeze-b", "thaw-b"], "what follows runs");
    assert_eq!(world.held("b", "pods").await, ["shop/a", "shop/b"]);
    assert_eq!(report.manifest.outcome, Outcome::PartiallyFailed);
    assert_eq!((report.manifest.counts.hooks.attempted, report.manifest.counts.hooks.failed), (4, 2));
    let told = about(&report, Code::HookFailed);
    assert_eq!(told.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let (freeze, thaw) = (told[0].1, told[1].1);
    assert_eq!((freeze.stage, freeze.severity), (Stage::Hook, Severity::Error));
    let source = "in container main (annotation pre.hook.backup.velero.io)";
    assert_eq!(freeze.message, format!("pre hook {source} ended with exit code 1: fsfreeze: /data: Device busy"));
    assert!(thaw.message.ends_with("could not be run to its end: it did not end within 30 s"), "{}", thaw.message);
    let stored = report.manifest.read_issues(&world.store).await.expect("they are stored");
    assert_eq!(stored, report.issues);
}

#[tokio::test]
async fn fail_ends_the_phase_and_continue_does_not() {
    let hook = |command: &str, on_error: &str| json!({"exec": {"command": [command], "onError": on_error}});
    for (on_error, expect) in [("Fail", &["one", "three"][..]), ("Continue", &["one", "two", "three"][..])] {
        let mut bare = pod("a", &json!({}));
        bare["metadata"]["annotations"] = json!({});
        let world = world([bare]);
        let hooks = json!({"resources": [{"name": "db", "includedNamespaces": ["sh*"],
            "pre": [hook("one", on_error), hook("two", "Fail")], "post": [hook("three", "Fail")]}]});
        let exec = Scripted::new(|_, command| if command == "one" { fails("") } else { succeeds() });
        let report = back_up(&world, &exec, &spec(json!({"hooks": hooks})), &one_by_one()).await;
        let report = report.expect("the backup is made");
        assert_eq!(exec.ran(), expect, "{on_error}: what was stopped goes on in any case");
        let told = about(&report, Code::HookFailed);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].1.message.contains("its 1 further pre hooks are not run"), on_error == "Fail");
    }
}

#[tokio::test]
async fn hooks_that_nobody_can_run_are_told_pod_by_pod() {
    let world = world([pod("a", &json!({})), pod("b", &json!({}))]);
    let report = world.back_up("b", &BackupSpec::default()).await;
    let told = about(&report, Code::HookFailed);
    assert_eq!(told.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((report.manifest.outcome, report.manifest.counts.hooks.attempted), (Outcome::PartiallyFailed, 0));
}

#[tokio::test]
async fn annotations_that_cannot_be_read_are_told() {
    let world = world([pod("a", &json!({"post.hook.backup.kbackup.dev/command": "[thaw"}))]);
    let exec = Scripted::new(|_, _| succeeds());
    let report = back_up(&world, &exec, &BackupSpec::default(), &Run::default()).await.expect("the backup is made");
    assert_eq!(exec.ran(), ["freeze-a"]);
    assert_eq!(about(&report, Code::HookInvalid).len(), 1, "{:?}", report.issues);
    assert_eq!(report.manifest.outcome, Outcome::PartiallyFailed);
}

#[tokio::test]
async fn ordered_pods_run_in_their_order_around_all_of_their_volumes() {
    let world = world(["a", "b", "c"].map(|name| pod(name, &json!({}))));
    let exec = Scripted::new(|_, _| succeeds());
    let spec = spec(json!({"orderedResources": {"pods": "shop/c,shop/gone,shop/a", "configmaps": "shop/none"}}));
    let report = back_up(&world, &exec, &spec, &one_by_one()).await.expect("the backup is made");
    assert_eq!(exec.ran(), ["freeze-c", "freeze-a", "thaw-c", "thaw-a", "freeze-b", "thaw-b"]);
    let told = about(&report, Code::NotFound);
    assert_eq!(told.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["none", "gone"]);
    assert!(told.iter().all(|(_, issue)| issue.severity == Severity::Warning));
    assert_eq!(report.manifest.outcome, Outcome::Completed);
}

#[tokio::test]
async fn an_order_of_what_there_is_not_is_refused() {
    let spec = spec(json!({"orderedResources": {"pots": "shop/a"}}));
    let error = world([]).engine().backup(&name("b"), &spec, &Run::default()).await.expect_err("no such type");
    assert!(matches!(&error, BackupError::Invalid(_)) && error.to_string().contains("did you mean"), "{error}");
}

#[tokio::test]
async fn what_was_stopped_goes_on_when_the_run_is_cancelled() {
    let world = world(["a", "b"].map(|name| pod(name, &json!({}))));
    let cancel = Cancel::default();
    let run = one_by_one().cancel(cancel.clone());
    let exec = Scripted::new(move |_, command| {
        if command == "freeze-a" {
            cancel.cancel();
        }
        succeeds()
    });
    let error = back_up(&world, &exec, &BackupSpec::default(), &run).await.expect_err("it was cancelled");
    assert!(matches!(error, BackupError::Cancelled), "{error}");
    assert_eq!(exec.ran(), ["freeze-a", "thaw-a"]);
    assert_eq!(keys(&world.store).await, ["kbackup.json"], "nothing is left of it");
}

/// Counts how many commands run at the same time.
#[derive(Debug, Default)]
struct Crowd {
    now: AtomicUsize,
    most: AtomicUsize,
}

#[async_trait]
impl PodExec for Crowd {
    async fn exec(&self, _: &ObjectRef, _: &ExecCommand) -> ClusterResult<ExecOutput> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        self.now.fetch_sub(1, Ordering::SeqCst);
        succeeds()
    }
}

#[tokio::test]
async fn as_many_pods_as_the_limit_says_run_commands_at_once() {
    let world = world((0..9).map(|n| pod(&format!("p{n}"), &json!({}))));
    for hooks_max in [1, 3] {
        let (crowd, run) = (Crowd::default(), Run::default().limits(Limits { hooks_max, ..Limits::default() }));
        let ports = Ports::new(&world.cluster, &world.store).exec(&crowd);
        let report = backup::run(&ports, &name(&format!("b{hooks_max}")), &BackupSpec::default(), &run).await;
        assert_eq!(report.expect("the backup is made").manifest.counts.hooks.attempted, 18);
        assert_eq!(crowd.most.load(Ordering::SeqCst), hooks_max);
    }
}

/// A command that runs until the run has said that it is alive.
#[derive(Debug)]
struct UntilBeaten(MemoryStore);

#[async_trait]
impl PodExec for UntilBeaten {
    async fn exec(&self, _: &ObjectRef, _: &ExecCommand) -> ClusterResult<ExecOutput> {
        loop {
            let key = kbackup_core::format::BackupLayout::new(&name("b")).claim();
            let claim = self.0.get_bytes(&key, 4_096).await.expect("the run holds its claim");
            let claim: Claim = serde_json::from_slice(&claim).expect("a claim");
            if claim.heartbeat_at > claim.started_at {
                return succeeds();
            }
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_run_whose_hooks_take_long_is_alive() {
    let world = world([pod("a", &json!({}))]);
    let clock = ManualClock::at("2026-11-25T00:00:00Z".parse().expect("a time"));
    let exec = UntilBeaten(world.store.clone());
    let run = Run::default().clock(Arc::new(clock));
    back_up(&world, &exec, &BackupSpec::default(), &run).await.expect("the backup is made");
}

#[tokio::test]
async fn what_is_read_again_runs_once() {
    let world = world(["a", "b", "c"].map(|name| pod(name, &json!({}))));
    let broken = AtomicUsize::new(0);
    let meddled = Meddled::new(&world.cluster, move |_, query, page| {
        let breaks = query.ty.gvr.plural == "pods" && page == 1 && broken.fetch_add(1, Ordering::SeqCst) == 0;
        if breaks { Err(ClusterError::new(ClusterErrorKind::Expired, "it was compacted")) } else { Ok(()) }
    });
    let exec = Scripted::new(|_, _| succeeds());
    let run = Run::default().limits(Limits { page_objects_max: 2, hooks_max: 1, ..Limits::default() });
    let ports = Ports::new(&meddled, &world.store).exec(&exec);
    backup::run(&ports, &name("b"), &BackupSpec::default(), &run).await.expect("the backup is made");
    assert_eq!(exec.ran(), ["freeze-a", "thaw-a", "freeze-b", "thaw-b", "freeze-c", "thaw-c"]);
}

/// A claim with its volume.
fn volume(name: &str) -> [Value; 2] {
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"namespace": "shop", "name": name},
        "spec": {"volumeName": format!("pv-{name}"), "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}}}, "status": {"phase": "Bound"}});
    let volume = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": format!("pv-{name}")},
        "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"},
            "claimRef": {"namespace": "shop", "name": name}}});
    [claim, volume]
}

#[tokio::test]
async fn what_would_happen_to_volumes_is_written_down() {
    let world = world(volume("data").into_iter().chain(volume("more")));
    let check = async |as_name: &str, fields: Value, outcome: Outcome, issues: usize| {
        let report = world.back_up(as_name, &spec(fields)).await;
        let records = report.manifest.read_volumes(&world.store).await.expect("they are stored");
        assert_eq!(report.manifest.outcome, outcome, "{:?}", report.issues);
        assert_eq!(about(&report, Code::NoProvider).len(), issues, "{:?}", report.issues);
        let counts = report.manifest.counts.volumes;
        assert_eq!(counts.total(), records.len() as u64);
        let told: Vec<String> =
            records.iter().map(|at| format!("{} {}", at.claim.as_deref().unwrap_or("?"), at.action)).collect();
        (told, counts)
    };
    let (told, counts) = check("b1", json!({}), Outcome::Completed, 1).await;
    assert_eq!((told, counts.no_provider), (vec!["shop/data snapshot".to_owned(), "shop/more snapshot".into()], 2));
    check("b2", json!({"snapshotVolumes": true}), Outcome::PartiallyFailed, 1).await;
    let (_, counts) = check("b3", json!({"snapshotVolumes": false}), Outcome::Completed, 0).await;
    assert_eq!((counts.skipped, counts.snapshot), (2, 0));
    let (told, _) = check("b4", json!({"includedNamespaces": ["default"]}), Outcome::Completed, 0).await;
    assert_eq!(told, [] as [&str; 0]);
    assert!(world.get(&in_shop("persistentvolumeclaims", "data")).is_some());
}
