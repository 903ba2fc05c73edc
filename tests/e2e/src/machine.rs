//! Pods that run, and what runs in them: on the machine that `testcluster -kubelet` has, or scripted in the sandbox.
//!
//! In both, the init containers of a pod run one after the other, then its containers run, and are ready once their readiness
//! probe has succeeded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kbackup_core::cluster::memory::ScriptedExec;
use kbackup_core::cluster::{
    ClusterWriter, Created, ExecCommand, ExecOutput, MemoryCluster, Part, Patch, WriteOptions,
};
use kbackup_core::compare::Snapshot;
use kbackup_core::model::{Gvr, Object, ObjectRef};
use serde_json::{Value, json};

use crate::forgetful::History;
use crate::target::Target;

/// The node that `testcluster -kubelet` has.
const NODE: &str = "testnode";
/// How long a kubelet may take to say that a pod runs.
const RUNS_WITHIN: Duration = Duration::from_secs(60);
/// How often it is asked.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The files that scripted commands write to.
pub type Files = Arc<Mutex<BTreeMap<String, String>>>;

impl Target {
    /// Creates a pod and waits until it runs. It has one container, `main`, with a folder of its own; `../../x` is a file
    /// that all pods share.
    ///
    /// # Panics
    /// Where it is refused, or does not run.
    pub async fn run_pod(&self, metadata: &Value, files: &Files) -> ObjectRef {
        let pods = Gvr::new("", "v1", "pods");
        let body = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {
            "nodeName": NODE, "automountServiceAccountToken": false, "containers": [{"name": "main", "image": "none"}]}});
        let object = Object::from_value(&body).expect("a pod");
        let discovery = self.cluster.discover().await.expect("the cluster can be discovered");
        let ty = discovery.get(&pods).expect("every cluster has pods");
        let created = self.cluster.create(ty, &object, &WriteOptions::default()).await.expect("it is accepted");
        assert!(matches!(created, Created::New(_)), "{object} was there already");
        let at = object.at(&pods);
        if let History::Memory(memory) = self.history() {
            script(&*self.cluster, &memory, &at, files.clone()).await;
        }
        self.wait_until_it_runs(&at).await;
        at
    }

    /// Until what is returned is dropped, pods of this namespace that are placed on the machine run.
    #[must_use]
    pub fn run_pods(&self, namespace: &str, files: &Files) -> Machine {
        let History::Memory(memory) = self.history() else { return Machine(None) };
        let kubelet = Kubelet { cluster: Arc::clone(&self.cluster), memory, files: files.clone() };
        let namespace = namespace.to_owned();
        Machine(Some(tokio::spawn(async move { kubelet.follow(&namespace).await })))
    }

    /// Places a pod that is nowhere yet on the machine.
    ///
    /// # Panics
    /// Where that is refused.
    pub async fn place(&self, pod: &ObjectRef) {
        if !self.is_real() {
            let placed = Patch::Merge(json!({"spec": {"nodeName": NODE}}));
            self.cluster.patch(pod, &placed, Part::Main, &WriteOptions::default()).await.expect("it is there");
            return;
        }
        let path = format!("/api/v1/namespaces/{}/pods/{}/binding", pod.namespace.as_deref().unwrap_or(""), pod.name);
        let body = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod.name},
            "target": {"apiVersion": "v1", "kind": "Node", "name": NODE}});
        let request = http::Request::post(path).header("content-type", "application/json");
        let request = request.body(body.to_string().into_bytes()).expect("a request");
        self.client.request::<Value>(request).await.expect("it can be placed");
    }

    /// What a command in a pod writes.
    ///
    /// # Panics
    /// Where it does not succeed.
    pub async fn says(&self, pod: &ObjectRef, script: &str) -> String {
        let command = ["sh", "-c", script].map(str::to_owned).to_vec();
        let run = ExecCommand { container: Some("main".to_owned()), command, timeout: RUNS_WITHIN };
        let output = self.exec.exec(pod, &run).await.unwrap_or_else(|error| panic!("{script} in {pod}: {error}"));
        assert_eq!(output.exit_code, 0, "{script} in {pod}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    async fn wait_until_it_runs(&self, pod: &ObjectRef) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let begun = tokio::time::Instant::now();
        loop {
            looks.tick().await;
            let now = self.cluster.get(pod).await.expect("an answer").expect("it is there");
            if now.to_value()["status"]["phase"] == "Running" {
                return;
            }
            let waited = begun.elapsed() < RUNS_WITHIN;
            assert!(waited, "{pod} does not run: was the test cluster started with -kubelet?");
        }
    }
}

/// Does for a pod of the sandbox what a kubelet does.
async fn script(cluster: &dyn ClusterWriter, memory: &MemoryCluster, pod: &ObjectRef, files: Files) {
    memory.script_timed_exec(pod, move |run| shell(run, &files));
    let running = Patch::Merge(json!({"status": {"phase": "Running"}}));
    cluster.patch(pod, &running, Part::Status, &WriteOptions::default()).await.expect("it is there");
}

/// The machine of a sandbox, while it runs pods; that of a real cluster is there anyway.
#[derive(Debug)]
pub struct Machine(Option<tokio::task::JoinHandle<()>>);

impl Drop for Machine {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

/// Does for the pods of a sandbox what a kubelet does.
struct Kubelet {
    cluster: Arc<dyn ClusterWriter>,
    memory: MemoryCluster,
    files: Files,
}

impl Kubelet {
    async fn follow(&self, namespace: &str) {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        loop {
            looks.tick().await;
            let all = Snapshot::take(&*self.cluster).await.expect("every type can be listed");
            let is_here = |pod: &Value| pod["spec"]["nodeName"] == NODE;
            for (at, pod) in all.within(&[namespace]).objects.into_iter().filter(|(at, _)| at.gvr.plural == "pods") {
                let pod = pod.to_value();
                if is_here(&pod) {
                    self.run(&at, &pod).await;
                }
            }
        }
    }

    /// Begins the pod, or probes whether it is ready.
    async fn run(&self, at: &ObjectRef, pod: &Value) {
        if pod["status"]["phase"] != "Running" {
            let files = self.files.clone();
            self.memory.script_timed_exec(at, move |run| shell(run, &files));
            for container in pod["spec"]["initContainers"].as_array().into_iter().flatten() {
                assert_eq!(self.code(&container["command"]), 0, "{container}");
            }
        }
        let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
        let statuses: Value = containers.map(|container| self.status(container)).collect();
        if statuses != pod["status"]["containerStatuses"] {
            let running = Patch::Merge(json!({"status": {"phase": "Running", "containerStatuses": statuses}}));
            // It may have been deleted meanwhile.
            _ = self.cluster.patch(at, &running, Part::Status, &WriteOptions::default()).await;
        }
    }

    fn status(&self, container: &Value) -> Value {
        let probe = &container["readinessProbe"]["exec"]["command"];
        json!({"name": container["name"], "state": {"running": {}}, "ready": probe.is_null() || self.code(probe) == 0})
    }

    fn code(&self, command: &Value) -> i32 {
        let command = serde_json::from_value(command.clone()).expect("a command");
        let ended = shell(&ExecCommand { container: None, command, timeout: RUNS_WITHIN }, &self.files).ends;
        ended.expect("it is run").exit_code
    }
}

/// As much of a shell as the scenarios use.
fn shell(run: &ExecCommand, files: &Files) -> ScriptedExec {
    let script = run.command.last().map(String::as_str).unwrap_or_default();
    let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
    let mut output = ExecOutput::default();
    let mut takes = Duration::ZERO;
    match script.split_whitespace().collect::<Vec<_>>()[..] {
        ["echo", word, ">>", file] => files.entry(file.to_owned()).or_default().push_str(&format!("{word}\n")),
        ["cat", file] => match files.get(file) {
            Some(text) => output.stdout = text.clone().into(),
            None => output.exit_code = 1,
        },
        ["sleep", seconds] => takes = Duration::from_secs(seconds.parse().expect("seconds")),
        ["exit", code] => output.exit_code = code.parse().expect("an exit code"),
        _ => panic!("the scenarios run no {:?}", run.command),
    }
    ScriptedExec { takes, ends: Ok(output) }
}
