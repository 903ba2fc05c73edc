//! Commands and init containers in the pods that a restore creates.

use std::sync::Arc;

use kbackup_core::engine::Engine;
use kbackup_core::issue::{Code, Outcome};
use kbackup_core::model::{BackupName, Gvr, ObjectRef};
use kbackup_core::report::RestoreReport;
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use kbackup_core::store::MemoryStore;
use kbackup_e2e::machine::Files;
use kbackup_e2e::target::Target;
use kbackup_sandbox::manifest::{Manifest, read_text};
use serde_json::{Value, json};

const NAMESPACE: &str = "rehooked";

/// The files that the pods share, so that it is seen who ran when.
struct Shared {
    order: String,
    gate: String,
}

impl Shared {
    fn log(&self, word: &str) -> Value {
        json!(["sh", "-c", format!("echo {word} >> {}", self.order)])
    }

    fn is_there(file: &str) -> Value {
        json!({"exec": {"command": ["sh", "-c", format!("cat {file}")]}})
    }

    /// Pods whose annotations or labels ask for something; those with the label `placed` are put on the machine.
    fn pods(&self) -> Vec<Manifest> {
        let own = |fields: &[(&str, Value)]| -> Value {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let pair = |(field, value): &(&str, Value)| ((*field).to_owned(), Value::from(text(value)));
            fields.iter().map(pair).collect::<serde_json::Map<_, _>>().into()
        };
        let post = |field: &str| format!("post.hook.restore.velero.io/{field}");
        let (command, ready) = (post("command"), post("wait-for-ready"));
        let (exec_timeout, wait_timeout) = (post("exec-timeout"), post("wait-timeout"));
        let log = |word: &str| self.log(word);
        let placed = json!({"placed": "yes"});
        let pods = [
            pod(
                "annotated",
                &placed,
                &own(&[
                    (command.as_str(), log("warm-annotated")),
                    ("init.hook.restore.velero.io/container-image", "none".into()),
                    ("init.hook.restore.velero.io/container-name", "first".into()),
                    ("init.hook.restore.velero.io/command", log("init-annotated")),
                ]),
                Value::Null,
            ),
            pod("spec", &json!({"placed": "yes", "hook": "works"}), &json!({}), Value::Null),
            pod("stops", &json!({"placed": "yes", "hook": "fails"}), &json!({}), Value::Null),
            pod(
                "probed",
                &placed,
                &own(&[(&command, log("warm-probed")), (&ready, "true".into())]),
                Self::is_there(&self.gate),
            ),
            pod(
                "slow",
                &placed,
                &own(&[(&command, json!(["sh", "-c", "sleep 60"])), (&exec_timeout, "1s".into())]),
                Value::Null,
            ),
            pod(
                "unplaced",
                &json!({}),
                &own(&[(&command, log("late-unplaced")), (&wait_timeout, "2s".into())]),
                Value::Null,
            ),
            pod(
                "unready",
                &placed,
                &own(&[(&command, log("never-unready")), (&ready, "true".into()), (&wait_timeout, "2s".into())]),
                Self::is_there("../../never"),
            ),
        ];
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        let text: Vec<String> = std::iter::once(namespace).chain(pods).map(|object| object.to_string()).collect();
        read_text("scenario", &text.join("\n---\n")).expect("manifests")
    }

    fn spec(&self) -> RestoreSpec {
        let exec = |command: Value| json!({"exec": {"container": "main", "command": command}});
        let may_fail = json!({"exec": {"command": ["sh", "-c", "exit 3"], "onError": "Continue"}});
        let init =
            json!({"init": {"initContainers": [{"name": "fill", "image": "none", "command": self.log("init-spec")}]}});
        let open = json!(["sh", "-c", format!("echo open >> {}", self.gate)]);
        let hooks = |name: &str, hooks: Vec<Value>| json!({"name": name, "labelSelector": {"matchLabels": {"hook": name}}, "postHooks": hooks});
        let place = json!({"conditions": {"groupResource": "pods", "labelSelector": {"matchLabels": {"placed": "yes"}}},
            "mergePatches": [{"patchData": "{\"spec\": {\"nodeName\": \"testnode\"}}"}]});
        let spec = json!({
        "backupName": "hooked",
        "resourceModifiers": {"version": "v1", "resourceModifierRules": [place]},
        "hooks": {"resources": [
            hooks("works", vec![init, may_fail, exec(self.log("warm-spec")), exec(open)]),
            hooks("fails", vec![exec(json!(["sh", "-c", "exit 4"])), exec(self.log("never-stops"))]),
        ]}});
        serde_json::from_value(spec).expect("a spec")
    }
}

fn pod(name: &str, labels: &Value, annotations: &Value, probe: Value) -> Value {
    let mut container = json!({"name": "main", "image": "none"});
    if !probe.is_null() {
        container["readinessProbe"] = probe;
    }
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels, "annotations": annotations},
        "spec": {"automountServiceAccountToken": false, "containers": [container]}})
}

fn name(name: &str) -> BackupName {
    name.parse().expect("a name")
}

fn restored(name: &str) -> ObjectRef {
    ObjectRef::namespaced(Gvr::new("", "v1", "pods"), NAMESPACE, name)
}

pub(crate) async fn hooks_run_in_restored_pods(target: &Target) {
    target.wipe(&[], &[NAMESPACE]).await;
    let (files, revision) = (Files::default(), target.cluster.revision().await.expect("a revision"));
    let shared = Shared { order: format!("../../order-{revision}"), gate: format!("../../gate-{revision}") };
    target.load(&shared.pods()).await;
    let engine = Engine::shared(Arc::clone(&target.cluster), Arc::new(MemoryStore::new()));
    let engine = engine.exec(Arc::clone(&target.exec));
    let spec = BackupSpec::default().namespaces([NAMESPACE]);
    engine.backup(&name("hooked"), &spec, &Run::default()).await.expect("the backup is made");
    target.wipe(&[], &[NAMESPACE]).await;

    let machine = target.run_pods(NAMESPACE, &files);
    let run = Run::default();
    let plan = engine.plan_restore(&name("hooked"), &shared.spec(), &run).await.expect("a plan");
    let first = engine.apply(&plan, &run).await.expect("it is applied");
    let order = target.says(&restored("annotated"), &format!("cat {}", shared.order)).await;
    in_order(&order);
    failures_are_told(&first);

    // Somebody places the pod that waited in vain, and goes on with the restore.
    target.place(&restored("unplaced")).await;
    let second = engine.apply(&plan, &run).await.expect("it is applied");
    let order = target.says(&restored("annotated"), &format!("cat {}", shared.order)).await;
    target.wipe(&[], &[NAMESPACE]).await;
    drop(machine);
    let words: Vec<&str> = order.lines().collect();
    assert_eq!(words.len(), 6, "what has succeeded is not run again: {order}");
    assert_eq!(words.last(), Some(&"late-unplaced"), "what had failed is: {order}");
    assert_eq!((second.hooks.attempted, second.hooks.failed), (8, 4), "{:#?}", second.issues);
}

fn in_order(order: &str) {
    let words: Vec<&str> = order.lines().collect();
    let mut sorted = words.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, ["init-annotated", "init-spec", "warm-annotated", "warm-probed", "warm-spec"], "{order}");
    let at = |word: &str| words.iter().position(|other| *other == word);
    for (first, then) in
        [("init-annotated", "warm-annotated"), ("init-spec", "warm-spec"), ("warm-spec", "warm-probed")]
    {
        assert!(at(first) < at(then), "{then} came before {first}: {order}");
    }
}

fn failures_are_told(report: &RestoreReport) {
    assert_eq!((report.outcome, report.counts.failed), (Outcome::PartiallyFailed, 0), "{:#?}", report.issues);
    assert_eq!((report.hooks.attempted, report.hooks.failed), (7, 5), "{:#?}", report.issues);
    let expected = [
        ("slow", "restore hook in container main (annotation post.hook.restore.velero.io) could not be run to its end"),
        ("spec", "restore hook in container main (hook \"works\") ended with exit code 3"),
        (
            "stops",
            "restore hook in container main (hook \"fails\") ended with exit code 4; its 1 further hooks are not run",
        ),
        ("unplaced", "(annotation post.hook.restore.velero.io) was not run: the container was not running within 2 s"),
        ("unready", "(annotation post.hook.restore.velero.io) was not run: the container was not ready within 2 s"),
    ];
    let hooks = report.issues.iter().filter(|issue| issue.code == Code::HookFailed);
    let mut told: Vec<(ObjectRef, &str)> =
        hooks.map(|issue| (issue.object.clone().expect("it is about a pod"), issue.message.as_str())).collect();
    told.sort();
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for ((pod, message), (name, words)) in told.iter().zip(expected) {
        assert!(*pod == restored(name) && message.contains(words), "{pod}: {message}");
    }
}
