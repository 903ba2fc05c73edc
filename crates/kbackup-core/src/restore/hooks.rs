//! Runs commands in the pods that a restore creates, while the rest of it goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use tokio::sync::mpsc;

use super::owed::{HookLine, HookLines, Owed};
use super::plan::RestorePlan;
use crate::cluster::{ClusterReader, ClusterResult, ExecCommand, ExecOutput, PodExec};
use crate::hook::{RestoreCommand, RestoreFound, RestoreHookRules, RestoredPodHooks, Turn, next_turn};
use crate::issue::{Code, Issue, Stage};
use crate::model::{Object, ObjectRef};
use crate::report::RestoreHookCounts;
use crate::run::Run;
use crate::spec::OnError;

/// How often a pod is looked at while its containers come up.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Pods that are waited for at the same time.
const PODS_MAX: usize = 64;
/// What of a command's standard error is told.
const STDERR_CHARS_MAX: usize = 200;

/// What became of the hooks.
#[derive(Debug, Default)]
pub(super) struct Ran {
    pub(super) counts: RestoreHookCounts,
    pub(super) issues: Vec<Issue>,
}

/// Hands pods with hooks from those who create them to those who run the commands.
#[derive(Debug)]
pub(super) struct CreatedPods {
    rules: RestoreHookRules,
    pods: mpsc::Sender<Pod>,
    lines: Arc<HookLines>,
    any: AtomicBool,
}

/// A pod that has hooks.
#[derive(Debug)]
pub(super) enum Pod {
    /// It was created.
    New(RestoreFound),
    /// An earlier apply of the plan has created it.
    Earlier(Owed),
}

/// The pods with hooks, as they are created.
pub(super) type Pods = mpsc::Receiver<Pod>;

impl CreatedPods {
    /// For the pods of a plan. There is room for all of them, so that writers never wait for commands.
    pub(super) fn of(plan: &RestorePlan, lines: Arc<HookLines>) -> (Self, Pods) {
        let pods = plan.steps().filter(|step| RestoreHookRules::wants(&step.object.gvr)).count();
        let (sender, receiver) = mpsc::channel(pods.max(1));
        (
            Self { rules: RestoreHookRules::new(&plan.spec.hooks), pods: sender, lines, any: AtomicBool::new(false) },
            receiver,
        )
    }

    /// An earlier apply of the plan has created this pod.
    pub(super) fn resume(&self, owed: Owed) {
        self.send(Pod::Earlier(owed));
    }

    /// Whether there was a pod with hooks.
    pub(super) fn has_hooks(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// An object was created; `namespace` is its own in the backup.
    pub(super) fn see(&self, at: &ObjectRef, namespace: Option<&str>, object: &Object) {
        if !RestoreHookRules::wants(&at.gvr) {
            return;
        }
        let found = self.rules.of_pod(at, namespace, object);
        if found.hooks.is_some() || !found.issues.is_empty() {
            self.lines.add(HookLine::Owed {
                pod: at.clone(),
                namespace: namespace.map(str::to_owned),
                commands: found.hooks.as_ref().map_or(0, |found| found.hooks.len()),
                issues: found.issues.clone(),
            });
            self.send(Pod::New(found));
        }
    }

    fn send(&self, pod: Pod) {
        self.any.store(true, Ordering::Relaxed);
        // There is room for every pod of the plan, and who listens does so until this is dropped.
        _ = self.pods.try_send(pod);
    }
}

/// What hooks are run with.
#[derive(Debug, Clone, Copy)]
pub(super) struct HookRun<'a> {
    pub(super) cluster: &'a dyn ClusterReader,
    pub(super) exec: Option<&'a dyn PodExec>,
    pub(super) rules: &'a RestoreHookRules,
    pub(super) lines: &'a HookLines,
    pub(super) run: &'a Run,
}

/// Runs the hooks of the pods that come, until no more can come and all have run, or can't any more.
pub(super) async fn run_hooks(with: HookRun<'_>, pods: Pods) -> Ran {
    let pods = futures::stream::unfold(pods, |mut pods| async move { pods.recv().await.map(|pod| (pod, pods)) });
    let ran = pods.map(|pod| {
        async move {
            let mut ran = Ran::default();
            let hooks = match pod {
                Pod::New(RestoreFound { hooks, issues }) => {
                    issues.into_iter().for_each(|issue| with.run.report(&mut ran.issues, issue));
                    hooks
                }
                Pod::Earlier(owed) => with.left(owed, &mut ran).await,
            };
            with.pod(hooks, ran).await
        }
        .boxed()
    });
    let mut ran = ran.buffer_unordered(PODS_MAX).boxed();
    let mut all = Ran::default();
    while let Some(ran) = ran.next().await {
        all = all.join(ran);
    }
    all
}

impl HookRun<'_> {
    /// The commands of a pod that an earlier apply created and that have not succeeded.
    async fn left(self, owed: Owed, ran: &mut Ran) -> Option<RestoredPodHooks> {
        let (is_open, Owed { pod, namespace, commands, issues, ran: ended }) = (owed.is_open(), owed);
        issues.into_iter().for_each(|issue| self.run.report(&mut ran.issues, issue));
        ran.counts.attempted += ended.len() as u64;
        if !is_open {
            return None;
        }
        let live = self.cluster.get(&pod).await;
        let why = match live {
            Ok(Some(live)) => {
                let mut hooks = self.rules.of_pod(&pod, namespace.as_deref(), &live).hooks?;
                hooks.hooks.retain(|hook| !ended.contains(&hook.number));
                return Some(hooks);
            }
            Ok(None) => "the pod was deleted".to_owned(),
            Err(error) => format!("the pod could not be read ({error})"),
        };
        ran.end(&pod, commands - ended.len(), &why, self.run);
        None
    }

    async fn pod(self, hooks: Option<RestoredPodHooks>, mut ran: Ran) -> Ran {
        match (hooks, self.exec) {
            (Some(hooks), Some(exec)) => PodRun { with: self, exec, ran }.pod(hooks).await,
            (Some(hooks), None) => {
                let why = "this run has nothing that runs commands in containers";
                ran.end(&hooks.pod, hooks.hooks.len(), why, self.run);
                ran
            }
            (None, _) => ran,
        }
    }
}

/// One pod whose hooks run.
struct PodRun<'a> {
    with: HookRun<'a>,
    exec: &'a dyn PodExec,
    ran: Ran,
}

impl PodRun<'_> {
    async fn pod(mut self, hooks: RestoredPodHooks) -> Ran {
        let RestoredPodHooks { pod, hooks: mut left } = hooks;
        let HookRun { cluster, run, .. } = self.with;
        let began = run.now();
        while !left.is_empty() {
            let waited = Duration::try_from(run.now().duration_since(began)).unwrap_or_default();
            let found = match cluster.get(&pod).await {
                Ok(found) => found.map(|object| object.to_value()),
                Err(error) => {
                    self.ran.end(&pod, left.len(), &format!("the pod could not be read ({error})"), run);
                    break;
                }
            };
            let wait_max = run.bounds().wait_max;
            match next_turn(&left, found.as_ref(), waited, wait_max) {
                Turn::Wait => run.sleep(LOOK_EVERY).await,
                Turn::Over(why) => {
                    self.ran.end(&pod, left.len(), why, run);
                    break;
                }
                Turn::Run(at) => {
                    let hook = left.remove(at);
                    let why = self.command(&pod, &hook).await.err();
                    self.ran.counts.attempted += 1;
                    if why.is_none() {
                        self.with.lines.add(HookLine::Ran { pod: pod.clone(), number: hook.number });
                    }
                    self.told(&pod, &hook, why, &mut left);
                }
                Turn::Late(at) => {
                    let hook = left.remove(at);
                    let limit = hook.wait_timeout.unwrap_or(wait_max).as_secs();
                    let state = if hook.wait_for_ready { "ready" } else { "running" };
                    let why = format!("was not run: the container was not {state} within {limit} s");
                    self.told(&pod, &hook, Some(why), &mut left);
                }
            }
        }
        self.ran
    }

    /// Reports a command that did not succeed. One that may not fail takes the rest with it.
    fn told(&mut self, pod: &ObjectRef, hook: &RestoreCommand, why: Option<String>, left: &mut Vec<RestoreCommand>) {
        let Some(why) = why else { return };
        self.ran.counts.failed += 1;
        let rest = if hook.on_error == OnError::Fail { std::mem::take(left).len() } else { 0 };
        let rest = if rest > 0 { format!("; its {rest} further hooks are not run") } else { String::new() };
        let RestoreCommand { source, container, .. } = hook;
        let message = format!("restore hook in container {container} ({source}) {why}{rest}");
        self.with.run.report(&mut self.ran.issues, failed(message, pod));
    }

    /// Runs one command; in words, why it did not succeed.
    async fn command(&self, pod: &ObjectRef, hook: &RestoreCommand) -> Result<(), String> {
        let RestoreCommand { container, command, exec_timeout, .. } = hook;
        let command =
            ExecCommand { container: Some(container.clone()), command: command.clone(), timeout: *exec_timeout };
        verdict(&self.exec.exec(pod, &command).await)
    }
}

/// The arguments of a command are not told: some hold passwords.
fn verdict(ended: &ClusterResult<ExecOutput>) -> Result<(), String> {
    match ended {
        Ok(output) if output.exit_code == 0 => Ok(()),
        Ok(output) => {
            let said = one_line(&output.stderr);
            let said = if said.is_empty() { said } else { format!(": {said}") };
            Err(format!("ended with exit code {}{said}", output.exit_code))
        }
        Err(error) => Err(format!("could not be run to its end: {error}")),
    }
}

/// The beginning of what a command wrote, without control characters.
fn one_line(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(4 * STDERR_CHARS_MAX)];
    let text = String::from_utf8_lossy(start);
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(STDERR_CHARS_MAX).collect()
}

fn failed(message: String, pod: &ObjectRef) -> Issue {
    Issue::error(Stage::Hook, Code::HookFailed, message).about(pod.clone())
}

impl Ran {
    /// These many commands of a pod are not run any more.
    fn end(&mut self, pod: &ObjectRef, left: usize, why: &str, run: &Run) {
        self.counts.failed += left as u64;
        let what = if left == 1 { "restore hook was".to_owned() } else { format!("{left} restore hooks were") };
        run.report(&mut self.issues, failed(format!("its {what} not run: {why}"), pod));
    }

    fn join(mut self, other: Self) -> Self {
        self.counts.attempted += other.counts.attempted;
        self.counts.failed += other.counts.failed;
        self.issues.extend(other.issues);
        self
    }
}
