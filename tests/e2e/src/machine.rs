//! Pods that run, and what runs in them: on the machine that `testcluster -kubelet` has, or scripted in the sandbox.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kbackup_core::cluster::memory::ScriptedExec;
use kbackup_core::cluster::{
    ClusterWriter, Created, ExecCommand, ExecOutput, MemoryCluster, Part, Patch, WriteOptions,
};
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

/// As much of a shell as the scenarios use.
fn shell(run: &ExecCommand, files: &Files) -> ScriptedExec {
    let script = run.command.last().map(String::as_str).unwrap_or_default();
    let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
    let mut output = ExecOutput::default();
    let mut takes = Duration::ZERO;
    match script.split_whitespace().collect::<Vec<_>>()[..] {
        ["echo", word, ">>", file] => files.entry(file.to_owned()).or_default().push_str(&format!("{word}\n")),
        ["cat", file] => output.stdout = files.get(file).cloned().unwrap_or_default().into(),
        ["sleep", seconds] => takes = Duration::from_secs(seconds.parse().expect("seconds")),
        ["exit", code] => output.exit_code = code.parse().expect("an exit code"),
        _ => panic!("the scenarios run no {:?}", run.command),
    }
    ScriptedExec { takes, ends: Ok(output) }
}
