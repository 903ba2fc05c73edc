//! Commands in the pods that a restore creates.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use kbackup_core::clock::{Clock, ManualClock};
use kbackup_core::cluster::{DeleteOptions, ExecCommand, ExecOutput, MemoryCluster, Part, Patch, WriteOptions};
use kbackup_core::engine::Engine;
use kbackup_core::event::{Event, EventSink};
use kbackup_core::issue::{Code, Outcome};
use kbackup_core::model::ObjectRef;
use kbackup_core::report::RestoreReport;
use kbackup_core::restore::RestorePlan;
use kbackup_core::run::{Cancel, Run};
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use serde_json::{Value, json};

use crate::world::{World, configmap, core, name, namespace};

/// Starts the containers of a pod after so many looks at it.
#[derive(Debug)]
struct Kubelet {
    clock: ManualClock,
    began: Timestamp,
    cluster: MemoryCluster,
    pod: ObjectRef,
    after: Duration,
}

#[async_trait]
impl Clock for Kubelet {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
        if Duration::try_from(self.now().duration_since(self.began)).expect("time goes on") >= self.after {
            let running = |name: &str| json!({"name": name, "state": {"running": {}}, "ready": true});
            let status = json!({"phase": "Running", "containerStatuses": [running("db"), running("proxy")]});
            let patch = Patch::Merge(json!({"status": status}));
            _ = self.cluster.patch(&self.pod, &patch, Part::Status, &WriteOptions::default());
        }
    }
}

fn pod(annotations: &Value) -> Value {
    let containers = json!([{"name": "db", "image": "x"}, {"name": "proxy", "image": "x"}]);
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": "shop", "name": "db-0", "labels": {"app": "db"}, "annotations": annotations},
        "spec": {"containers": containers},
    })
}

fn restored() -> ObjectRef {
    ObjectRef::namespaced(core("pods"), "copy", "db-0")
}

/// Backs up a pod, and restores it elsewhere on a machine that starts it after so many seconds.
async fn restore(
    annotations: Value,
    hooks: Value,
    after: u64,
    answer: impl Fn(&ExecCommand) -> i32 + Send + Sync + 'static,
) -> (RestoreReport, Vec<String>) {
    let world = World::new([namespace("shop"), pod(&annotations), configmap("shop", "a", "1")]);
    world.back_up("b", &BackupSpec::default()).await;
    let elsewhere = world.elsewhere();
    let ended = move |command: &ExecCommand| {
        Ok(ExecOutput { exit_code: answer(command), stderr: "it went wrong".into(), ..ExecOutput::default() })
    };
    elsewhere.cluster.script_exec(&restored(), ended);
    let began = "2026-11-23T00:00:00Z".parse().expect("a time");
    let (cluster, after) = (elsewhere.cluster.clone(), Duration::from_secs(after));
    let kubelet = Kubelet { clock: ManualClock::at(began), began, cluster, pod: restored(), after };
    let run = Run::default().clock(Arc::new(kubelet));
    let hooks = serde_json::from_value(hooks).expect("hooks");
    let spec = RestoreSpec { hooks, ..RestoreSpec::from_backup(name("b")) }.map_namespace("shop", "copy");
    let engine = elsewhere.engine().exec(Arc::new(elsewhere.cluster.clone()));
    let plan = engine.plan_restore(&name("r"), &spec, &run).await.expect("a plan");
    let report = engine.apply(&plan, &run).await.expect("it is applied");
    assert_eq!(report.counts.failed, 0, "hooks fail no object: {:?}", report.issues);
    let calls = elsewhere.cluster.exec_calls();
    (report, calls.iter().map(|(_, call)| call.command.join(" ")).collect())
}

#[tokio::test]
async fn a_command_runs_once_its_container_does() {
    let hooks = json!({"resources": [{"name": "h", "includedNamespaces": ["shop"], "postHooks": [
        {"exec": {"command": ["one"]}}, {"exec": {"command": ["two"], "waitForReady": true}}]}]});
    let (report, ran) = restore(json!({}), hooks, 5, |_| 0).await;
    assert_eq!(ran, ["one", "two"]);
    assert_eq!((report.hooks.attempted, report.hooks.failed), (2, 0));
    assert_eq!(report.outcome, Outcome::Completed, "{:?}", report.issues);
}

#[tokio::test]
async fn an_annotation_is_the_pods_own_wish() {
    let annotations = json!({"post.hook.restore.velero.io/command": "own"});
    let hooks = json!({"resources": [{"name": "h", "postHooks": [{"exec": {"command": ["other"]}}]}]});
    let (_, ran) = restore(annotations, hooks, 0, |_| 0).await;
    assert_eq!(ran, ["own"]);
}

#[tokio::test]
async fn a_command_that_fails_ends_those_of_its_pod_unless_it_may() {
    let hooks = |on_error: &str| {
        json!({"resources": [{"name": "h", "postHooks": [
            {"exec": {"command": ["one"], "onError": on_error}}, {"exec": {"command": ["two"], "container": "proxy"}}]}]})
    };
    let fails = |command: &ExecCommand| i32::from(command.command[0] == "one");
    let (report, ran) = restore(json!({}), hooks("Fail"), 0, fails).await;
    assert_eq!((ran.len(), report.hooks.attempted, report.hooks.failed), (1, 1, 1));
    assert_eq!(report.outcome, Outcome::PartiallyFailed);
    let issue = &report.issues[0];
    assert!(issue.message.contains("ended with exit code 1: it went wrong; its 1 further hooks"), "{issue}");
    assert_eq!((issue.code, issue.object.as_ref()), (Code::HookFailed, Some(&restored())));
    let (report, ran) = restore(json!({}), hooks("Continue"), 0, fails).await;
    assert_eq!((ran.len(), report.hooks.attempted, report.hooks.failed), (2, 2, 1));
}

#[tokio::test]
async fn a_container_is_waited_for_as_long_as_asked() {
    let hooks = |wait: &str| json!({"resources": [{"name": "h", "postHooks": [{"exec": {"command": ["a"], "waitTimeout": wait}}]}]});
    let (report, ran) = restore(json!({}), hooks("30s"), 60, |_| 0).await;
    assert_eq!((ran.len(), report.hooks.failed), (0, 1));
    assert!(report.issues[0].message.contains("not running within 30 s"), "{:?}", report.issues);
    let (report, ran) = restore(json!({}), hooks("90s"), 60, |_| 0).await;
    assert_eq!((ran.len(), report.hooks.failed), (1, 0));
}

#[tokio::test]
async fn without_anybody_to_run_them_hooks_are_reported() {
    let world = World::new([namespace("shop"), pod(&json!({"post.hook.restore.velero.io/command": "own"}))]);
    world.back_up("b", &BackupSpec::default()).await;
    let spec = RestoreSpec::from_backup(name("b")).map_namespace("shop", "copy");
    let report = world.restore("r", &spec).await;
    assert!(report.issues[0].message.contains("nothing that runs commands"), "{:?}", report.issues);
    assert_eq!((report.counts.failed, report.outcome), (0, Outcome::PartiallyFailed));
}

/// A plan of a pod with these commands, on a cluster where it runs at once and a command fails while its name is in `broken`.
async fn planned(commands: &[&str], broken: Arc<Mutex<BTreeSet<String>>>) -> (World, Engine, RestorePlan, Run) {
    let world = World::new([namespace("shop"), pod(&json!({}))]);
    world.back_up("b", &BackupSpec::default()).await;
    let elsewhere = world.elsewhere();
    elsewhere.cluster.script_exec(&restored(), move |run: &ExecCommand| {
        let is_broken = broken.lock().expect("no panic").contains(&run.command[0]);
        Ok(ExecOutput { exit_code: i32::from(is_broken), ..ExecOutput::default() })
    });
    let began = "2026-11-23T00:00:00Z".parse().expect("a time");
    let (clock, cluster) = (ManualClock::at(began), elsewhere.cluster.clone());
    let kubelet = Kubelet { clock, began, cluster, pod: restored(), after: Duration::ZERO };
    let run = Run::default().clock(Arc::new(kubelet));
    let hooks: Vec<Value> = commands.iter().map(|command| json!({"exec": {"command": [command]}})).collect();
    let hooks = serde_json::from_value(json!({"resources": [{"name": "h", "postHooks": hooks}]})).expect("hooks");
    let spec = RestoreSpec { hooks, ..RestoreSpec::from_backup(name("b")) }.map_namespace("shop", "copy");
    let engine = elsewhere.engine().exec(Arc::new(elsewhere.cluster.clone()));
    let plan = engine.plan_restore(&name("r"), &spec, &run).await.expect("a plan");
    (elsewhere, engine, plan, run)
}

fn commands(world: &World) -> Vec<String> {
    world.cluster.exec_calls().iter().map(|(_, call)| call.command.join(" ")).collect()
}

#[tokio::test]
async fn what_failed_is_run_again_by_another_apply_and_what_succeeded_is_not() {
    let broken = Arc::new(Mutex::new(BTreeSet::from(["two".to_owned()])));
    let (world, engine, plan, run) = planned(&["one", "two", "three"], Arc::clone(&broken)).await;
    let apply = async || engine.apply(&plan, &run).await.expect("it is applied");
    for (attempt, expect) in ["one two", "one two two"].iter().enumerate() {
        let report = apply().await;
        assert_eq!(report.outcome, Outcome::PartiallyFailed, "a failure is not forgotten: {:?}", report.issues);
        assert_eq!((report.hooks.attempted, report.hooks.failed), (2, 1), "apply {attempt}");
        assert_eq!(commands(&world).join(" "), *expect);
    }
    broken.lock().expect("no panic").clear();
    let report = apply().await;
    assert_eq!((report.outcome, report.counts.created), (Outcome::Completed, 2), "{:?}", report.issues);
    assert_eq!((report.hooks.attempted, report.hooks.failed), (3, 0));
    assert_eq!(commands(&world).join(" "), "one two two two three");
    apply().await;
    assert_eq!(commands(&world).len(), 5, "all has been done");
}

#[tokio::test]
async fn a_pod_that_is_gone_by_then_is_told_of() {
    let broken = Arc::new(Mutex::new(BTreeSet::from(["one".to_owned()])));
    let (world, engine, plan, run) = planned(&["one", "two"], broken).await;
    engine.apply(&plan, &run).await.expect("it is applied");
    world.cluster.delete(&restored(), &DeleteOptions::default()).expect("it goes");
    let report = engine.apply(&plan, &run).await.expect("it is applied");
    assert_eq!((report.hooks.attempted, report.hooks.failed), (0, 2));
    let issue = &report.issues[0];
    assert!(issue.message.contains("2 restore hooks were not run: the pod was deleted"), "{issue}");
}

/// Cancels when the pod was created, before anything ran in it.
#[derive(Debug)]
struct CancelAtHooks(Cancel);

impl EventSink for CancelAtHooks {
    fn emit(&self, event: Event) {
        if matches!(&event, Event::Stage(stage) if stage.contains("hooks")) {
            self.0.cancel();
        }
    }
}

#[tokio::test]
async fn a_restore_that_was_interrupted_runs_what_it_owes() {
    let (world, engine, plan, run) = planned(&["one"], Arc::default()).await;
    let cancel = Cancel::default();
    let interrupted = run.clone().events(Arc::new(CancelAtHooks(cancel.clone()))).cancel(cancel);
    engine.apply(&plan, &interrupted).await.expect_err("it is cancelled");
    let ran = commands(&world).len();
    let report = engine.apply(&plan, &run).await.expect("it is applied");
    assert_eq!((report.outcome, report.hooks.attempted), (Outcome::Completed, 1), "{:?}", report.issues);
    assert_eq!((ran, commands(&world).len()), (0, 1));
}
