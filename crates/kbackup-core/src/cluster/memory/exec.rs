//! Commands in containers: nothing runs here, so a test says what each pod answers.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use super::{errors, tree};
use crate::cluster::{ClusterError, ClusterErrorKind, ClusterResult, ExecCommand, ExecOutput};
use crate::model::{Object, ObjectRef};

/// What a pod answers to a command.
pub(super) type Answer = Arc<dyn Fn(&ExecCommand) -> ClusterResult<ExecOutput> + Send + Sync>;

/// How many calls are remembered.
const CALLS_MAX: usize = 10_000;

/// The answers of all pods, and what was asked of them.
#[derive(Default)]
pub(super) struct Script {
    answers: BTreeMap<ObjectRef, Answer>,
    calls: VecDeque<(ObjectRef, ExecCommand)>,
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
