//! The suite of [`PodExec`]: what everything that runs commands in containers must do.
//!
//! Who implements it gets its pods from somewhere, so the suite is given [`Pods`]. Its commands are plain `sh`; where
//! nothing can run, `shell` answers them.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use serde_json::json;

use super::cluster::area::{assert_kind, unique};
use crate::cluster::memory::ScriptedExec;
use crate::cluster::{ClusterErrorKind, DeleteOptions, ExecCommand, ExecOutput, MemoryCluster, PodExec, WriteOptions};
use crate::model::{Gvr, ObjectRef};

/// Where the pods come from that commands run in.
#[async_trait]
pub trait Pods: Send + Sync + Debug {
    /// What is under test.
    fn exec(&self) -> &dyn PodExec;

    /// A running pod with the containers `main` and `side`, in this order, that have `sh` and `sleep`.
    async fn make(&self) -> ObjectRef;

    /// Deletes a pod.
    async fn delete(&self, pod: &ObjectRef);
}

/// Longer than any network needs, and long enough for a command.
const ENOUGH: Duration = Duration::from_secs(60);
/// What is kept of each output.
const OUTPUT_BYTES_MAX: usize = 64 << 10;

/// Runs every function of the suite, one after the other, and panics at the first that fails.
pub async fn all(pods: &dyn Pods) {
    outputs_and_exit_codes_come_back(pods).await;
    arguments_reach_the_program_as_they_are(pods).await;
    containers_are_chosen_by_name(pods).await;
    long_outputs_are_cut(pods).await;
    commands_end_in_time(pods).await;
    commands_do_not_wait_for_each_other(pods).await;
    what_is_missing_is_an_error(pods).await;
}

/// Both outputs and the exit code are those of the command; one that is not zero is no error.
pub async fn outputs_and_exit_codes_come_back(pods: &dyn Pods) {
    let pod = pods.make().await;
    let check = async |script: &str, expect: ExecOutput| {
        assert_eq!(run(pods, &pod, &["sh", "-c", script]).await, expect, "{script}");
    };
    let output = |exit_code, stdout: &'static str, stderr: &'static str| ExecOutput {
        exit_code,
        stdout: Bytes::from_static(stdout.as_bytes()),
        stderr: Bytes::from_static(stderr.as_bytes()),
    };
    check("true", output(0, "", "")).await;
    check("printf out", output(0, "out", "")).await;
    check("printf out; printf err >&2; exit 3", output(3, "out", "err")).await;
    check("exit 255", output(255, "", "")).await;
    pods.delete(&pod).await;
}

/// No shell looks at the arguments, and nothing in them is lost on the way.
pub async fn arguments_reach_the_program_as_they_are(pods: &dyn Pods) {
    let pod = pods.make().await;
    for argument in ["a b", "", "*", "$HOME", "'\"\\", "a&b=c%20d+e", "zwei\nZeilen", "größer"] {
        let output = run(pods, &pod, &["sh", "-c", "printf %s \"$1\"", "sh", argument]).await;
        assert_eq!(output.stdout, argument.as_bytes(), "{argument:?}");
    }
    pods.delete(&pod).await;
}

/// A container can be named; one that the pod has not is an error.
pub async fn containers_are_chosen_by_name(pods: &dyn Pods) {
    let pod = pods.make().await;
    let command = |container: Option<&str>| ExecCommand {
        container: container.map(str::to_owned),
        command: vec!["true".to_owned()],
        timeout: ENOUGH,
    };
    for container in [None, Some("main"), Some("side")] {
        let output = pods.exec().exec(&pod, &command(container)).await;
        assert_eq!(output.unwrap_or_else(|error| panic!("{container:?}: {error}")).exit_code, 0, "{container:?}");
    }
    let other = pods.exec().exec(&pod, &command(Some("other"))).await;
    assert_kind(other, ClusterErrorKind::Invalid, "a command in a container that is not there");
    pods.delete(&pod).await;
}

/// An output is kept up to 64 KiB, and the command is not held up by what is over it.
pub async fn long_outputs_are_cut(pods: &dyn Pods) {
    let pod = pods.make().await;
    let output = run(pods, &pod, &["sh", "-c", "head -c 300000 /dev/zero; exit 4"]).await;
    assert_eq!((output.exit_code, output.stdout.len()), (4, OUTPUT_BYTES_MAX));
    pods.delete(&pod).await;
}

/// A command that takes longer than it may is a `Timeout`.
pub async fn commands_end_in_time(pods: &dyn Pods) {
    let pod = pods.make().await;
    let command = vec!["sleep".to_owned(), "30".to_owned()];
    let endless = ExecCommand { container: None, command, timeout: Duration::from_millis(300) };
    let ended = pods.exec().exec(&pod, &endless).await;
    assert_kind(ended, ClusterErrorKind::Timeout, "a command that does not end");
    assert_eq!(run(pods, &pod, &["true"]).await.exit_code, 0, "the pod is none the worse");
    pods.delete(&pod).await;
}

/// Commands run at the same time, in one pod too.
pub async fn commands_do_not_wait_for_each_other(pods: &dyn Pods) {
    let pod = pods.make().await;
    let one = |number: usize| {
        let pod = &pod;
        async move { run(pods, pod, &["sh", "-c", &format!("printf {number}; exit {number}")]).await }
    };
    let outputs = futures::future::join_all((0..5).map(one)).await;
    for (number, output) in outputs.iter().enumerate() {
        assert_eq!(output.exit_code, i32::try_from(number).unwrap());
        assert_eq!(output.stdout, number.to_string().as_bytes());
    }
    pods.delete(&pod).await;
}

/// A pod that is not there is `NotFound`.
pub async fn what_is_missing_is_an_error(pods: &dyn Pods) {
    let pod = pods.make().await;
    pods.delete(&pod).await;
    let command = ExecCommand { container: None, command: vec!["true".to_owned()], timeout: ENOUGH };
    let missing = pods.exec().exec(&pod, &command).await;
    assert_kind(missing, ClusterErrorKind::NotFound, "a command in a pod that is gone");
}

async fn run(pods: &dyn Pods, pod: &ObjectRef, words: &[&str]) -> ExecOutput {
    let command = words.iter().map(|&word| word.to_owned()).collect();
    let command = ExecCommand { container: Some("main".to_owned()), command, timeout: ENOUGH };
    pods.exec().exec(pod, &command).await.unwrap_or_else(|error| panic!("{words:?} in {pod}: {error}"))
}

/// The pods of a cluster in memory, in which nothing runs: the commands of the suite are answered as `sh` would.
///
/// ```
/// use std::sync::Arc;
/// use kbackup_core::cluster::MemoryCluster;
/// use kbackup_core::conformance::exec::{self, ScriptedPods};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let cluster = MemoryCluster::new();
/// exec::all(&ScriptedPods::new(cluster.clone(), Arc::new(cluster))).await;
/// # });
/// ```
#[derive(Debug)]
pub struct ScriptedPods {
    cluster: MemoryCluster,
    exec: Arc<dyn PodExec>,
}

impl ScriptedPods {
    /// The pods of `cluster`, in which `exec` is to run commands: the cluster itself, or what leads to it.
    #[must_use]
    pub fn new(cluster: MemoryCluster, exec: Arc<dyn PodExec>) -> Self {
        Self { cluster, exec }
    }
}

#[async_trait]
impl Pods for ScriptedPods {
    fn exec(&self) -> &dyn PodExec {
        &*self.exec
    }

    async fn make(&self) -> ObjectRef {
        let name = format!("conformance-{}", unique());
        let container = |name: &str| json!({"name": name, "image": "none"});
        let body = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"containers": [container("main"), container("side")]}});
        let gvr = Gvr::new("", "v1", "pods");
        self.cluster.create(&gvr, Some("default"), body, &WriteOptions::default()).expect("a pod");
        let at = ObjectRef::namespaced(gvr, "default", &name);
        self.cluster.script_timed_exec(&at, shell);
        at
    }

    async fn delete(&self, pod: &ObjectRef) {
        self.cluster.delete(pod, &DeleteOptions::default()).expect("the pod can be deleted");
    }
}

/// Answers the commands of the suite.
fn shell(run: &ExecCommand) -> ScriptedExec {
    let words: Vec<&str> = run.command.iter().map(String::as_str).collect();
    let (exit_code, stdout, stderr) = match words[..] {
        ["true"] => (0, Bytes::new(), ""),
        ["sleep", seconds] => {
            let takes = Duration::from_secs(seconds.parse().expect("seconds"));
            return ScriptedExec { takes, ends: Ok(ExecOutput::default()) };
        }
        ["sh", "-c", "printf %s \"$1\"", "sh", argument] => (0, argument.to_owned().into(), ""),
        ["sh", "-c", "head -c 300000 /dev/zero; exit 4"] => (4, vec![0; 300_000].into(), ""),
        ["sh", "-c", script] => of_script(script),
        _ => panic!("the suite runs no {words:?}"),
    };
    Ok(ExecOutput { exit_code, stdout, stderr: stderr.into() }).into()
}

/// `printf` of one word, to either output, and `exit`.
fn of_script(script: &str) -> (i32, Bytes, &'static str) {
    let (mut exit_code, mut stdout, mut stderr) = (0, String::new(), "");
    for step in script.split(';').map(str::trim) {
        match step.split_whitespace().collect::<Vec<_>>()[..] {
            ["true"] => {}
            ["printf", "err", ">&2"] => stderr = "err",
            ["printf", word] => stdout.push_str(word),
            ["exit", code] => exit_code = code.parse().expect("an exit code"),
            _ => panic!("the suite has no step {step:?}"),
        }
    }
    (exit_code, stdout.into(), stderr)
}
