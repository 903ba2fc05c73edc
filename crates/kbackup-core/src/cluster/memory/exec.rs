//! Commands in containers: nothing runs here, so a test says what each pod answers.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{MemoryCluster, errors, tree};
use crate::cluster::{ClusterError, ClusterErrorKind, ClusterResult, ExecCommand, ExecOutput};
use crate::model::{Object, ObjectRef};

/// What a scripted command does.
#[derive(Debug)]
pub struct ScriptedExec {
    /// How long it takes.
    pub takes: Duration,
    /// How it ends, if it may take that long.
    pub ends: ClusterResult<ExecOutput>,
}

/// What a pod answers to a command.
pub(super) type Answer = Arc<dyn Fn(&ExecCommand) -> ScriptedExec + Send + Sync>;

/// What is kept of each of the two outputs.
const OUTPUT_BYTES_MAX: usize = 64 << 10;
/// How many calls are remembered.
const CALLS_MAX: usize = 10_000;

/// The answers of all pods, and what was asked of them.
#[derive(Default)]
pub(super) struct Script {
    answers: BTreeMap<ObjectRef, Answer>,
    calls: VecDeque<(ObjectRef, ExecCommand)>,
}

impl MemoryCluster {
    /// Says what a pod answers to commands. Without it, `exec` fails with `Unavailable`.
    pub fn script_exec(
        &self,
        pod: &ObjectRef,
        answer: impl Fn(&ExecCommand) -> ClusterResult<ExecOutput> + Send + Sync + 'static,
    ) {
        self.script_timed_exec(pod, move |run| answer(run).into());
    }

    /// As [`MemoryCluster::script_exec`], with commands that take their time, on the clock of the cluster: one that takes
    /// longer than it may is a `Timeout`.
    pub fn script_timed_exec(
        &self,
        pod: &ObjectRef,
        answer: impl Fn(&ExecCommand) -> ScriptedExec + Send + Sync + 'static,
    ) {
        self.inner.script().set(pod, Arc::new(answer));
    }

    /// Whether a command could be begun, for a server that must say no before it changes the protocol.
    ///
    /// # Errors
    /// `NotFound` where there is no such pod, `Invalid` where it has no such container.
    pub fn check_exec(&self, pod: &ObjectRef, run: &ExecCommand) -> ClusterResult<()> {
        check_container(&self.get(pod)?, run)
    }

    /// The commands that pods were asked to run, oldest first; the last 10,000 of them.
    #[must_use]
    pub fn exec_calls(&self) -> Vec<(ObjectRef, ExecCommand)> {
        self.inner.script().calls()
    }
}

impl Script {
    pub(super) fn set(&mut self, pod: &ObjectRef, answer: Answer) {
        self.answers.insert(pod.clone(), answer);
    }

    pub(super) fn calls(&self) -> Vec<(ObjectRef, ExecCommand)> {
        self.calls.iter().cloned().collect()
    }

    /// Remembers a call and gives what answers it.
    ///
    /// # Errors
    /// `Invalid` where the pod has no such container, `Unavailable` where no answer is known: as where no kubelet is.
    pub(super) fn call(&mut self, pod: &Object, at: &ObjectRef, run: &ExecCommand) -> ClusterResult<Answer> {
        check_container(pod, run)?;
        if self.calls.len() == CALLS_MAX {
            self.calls.pop_front();
        }
        self.calls.push_back((at.clone(), run.clone()));
        self.answers.get(at).cloned().ok_or_else(|| {
            let why = format!("pod {at} answers no commands: none was scripted for it");
            ClusterError::new(ClusterErrorKind::Unavailable, why)
        })
    }
}

/// The output with as much of what was written as the port keeps.
pub(super) fn cut(output: ExecOutput) -> ExecOutput {
    let start = |bytes: Bytes| bytes.slice(..bytes.len().min(OUTPUT_BYTES_MAX));
    ExecOutput { stdout: start(output.stdout), stderr: start(output.stderr), ..output }
}

impl From<ClusterResult<ExecOutput>> for ScriptedExec {
    /// At once.
    fn from(ends: ClusterResult<ExecOutput>) -> Self {
        Self { takes: Duration::ZERO, ends }
    }
}

fn check_container(pod: &Object, run: &ExecCommand) -> ClusterResult<()> {
    let Some(wanted) = &run.container else { return Ok(()) };
    let value = pod.to_value();
    let named = |container| tree::text(container, &["name"]) == wanted;
    let kinds = ["containers", "initContainers", "ephemeralContainers"];
    if kinds.iter().any(|kind| tree::list(&value, &["spec", kind]).iter().any(named)) {
        return Ok(());
    }
    Err(errors::bad_request(format!("container {wanted} is not valid for pod {}", pod.meta().name)))
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("pods", &self.answers.keys()).field("calls", &self.calls.len()).finish()
    }
}
