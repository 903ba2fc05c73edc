//! Runs the hooks of pods around what is done to their volumes.

use std::convert::Infallible;
use std::time::Duration;

use futures::{StreamExt, stream};

use super::claim::Held;
use crate::cluster::{ClusterResult, ExecCommand, ExecOutput, PodExec};
use crate::hook::{Hook, HookBlock, HookCounts, HookPlan, Phase, PodHooks};
use crate::issue::{Code, Issue, Stage};
use crate::model::ObjectRef;
use crate::run::Run;
use crate::spec::OnError;

/// How often the run says that it is alive while hooks run: these may take hours.
const BEAT_EVERY: Duration = Duration::from_secs(30);
/// What of a command's standard error is told.
const STDERR_CHARS_MAX: usize = 200;

/// What became of the hooks.
#[derive(Debug, Default)]
pub(super) struct Ran {
    pub(super) counts: HookCounts,
    pub(super) issues: Vec<Issue>,
}

/// Runs the hooks of a plan: several blocks at once, within a block one command after the other. Where pods have hooks and
/// nobody can run them, each is an issue.
///
/// It must not be dropped while it runs: a run that is cancelled begins no further pre hook, lets the commands that run
/// end, and runs the post hooks of every pod whose pre hooks had begun.
pub(super) async fn run_hooks(exec: Option<&dyn PodExec>, held: &Held<'_>, plan: HookPlan, run: &Run) -> Ran {
    if plan.is_empty() {
        return Ran::default();
    }
    run.stage(format!("running {} hooks", plan.len()));
    let Some(exec) = exec else {
        let mut ran = Ran::default();
        plan.pods().for_each(|hooks| run.report(&mut ran.issues, cannot(hooks)));
        return ran;
    };
    let blocks_max = run.bounds().hooks_max.max(1);
    let blocks = stream::iter(plan.blocks).map(|block| run_block(exec, block, run)).buffer_unordered(blocks_max);
    let ran = blocks.fold(Ran::default(), |all, ran| async { all.join(ran) });
    tokio::select! {
        biased;
        ran = ran => ran,
        never = stay_alive(held, run) => match never {},
    }
}

/// Pods whose hooks belong together: all pre hooks, the volumes, all post hooks.
async fn run_block(exec: &dyn PodExec, block: HookBlock, run: &Run) -> Ran {
    let mut block_run = BlockRun { exec, run, ran: Ran::default() };
    let mut begun = Vec::new();
    for hooks in &block.pods {
        if run.is_cancelled() {
            break;
        }
        begun.push(hooks);
        block_run.phase(Phase::Pre, &hooks.pod, &hooks.pre).await;
    }
    // The volumes of these pods are taken care of here, once there are providers of snapshots: whatever becomes of them,
    // what the pre hooks have stopped must go on.
    for hooks in begun {
        block_run.phase(Phase::Post, &hooks.pod, &hooks.post).await;
    }
    block_run.ran
}

struct BlockRun<'a> {
    exec: &'a dyn PodExec,
    run: &'a Run,
    ran: Ran,
}

impl BlockRun<'_> {
    /// The hooks of one pod in one phase, up to the first that fails with `Fail`.
    async fn phase(&mut self, phase: Phase, pod: &ObjectRef, hooks: &[Hook]) {
        for (at, hook) in hooks.iter().enumerate() {
            if phase == Phase::Pre && self.run.is_cancelled() {
                return;
            }
            self.ran.counts.attempted += 1;
            let Err(why) = self.command(pod, hook).await else { continue };
            self.ran.counts.failed += 1;
            let left = hooks.len() - at - 1;
            let ends = hook.on_error == OnError::Fail && left > 0;
            let rest = if ends { format!("; its {left} further {phase} hooks are not run") } else { String::new() };
            let Hook { source, container, .. } = hook;
            let message = format!("{phase} hook in container {container} ({source}) {why}{rest}");
            let issue = Issue::error(Stage::Hook, Code::HookFailed, message).about(pod.clone());
            self.run.report(&mut self.ran.issues, issue);
            if ends {
                return;
            }
        }
    }

    /// Runs one command; in words, why it did not succeed.
    async fn command(&self, pod: &ObjectRef, hook: &Hook) -> Result<(), String> {
        let Hook { container, command, timeout, .. } = hook;
        let command = ExecCommand { container: Some(container.clone()), command: command.clone(), timeout: *timeout };
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
    let words: Vec<String> = String::from_utf8_lossy(start)
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.join(" ").chars().take(STDERR_CHARS_MAX).collect()
}

fn cannot(hooks: &PodHooks) -> Issue {
    let count = hooks.pre.len() + hooks.post.len();
    let message = format!("its {count} hooks were not run: this run has nothing that runs commands in containers");
    Issue::error(Stage::Hook, Code::HookFailed, message).about(hooks.pod.clone())
}

/// Says again and again that the run is alive. A claim that can't be renewed now is no reason to leave a pod frozen.
async fn stay_alive(held: &Held<'_>, run: &Run) -> Infallible {
    loop {
        run.sleep(BEAT_EVERY).await;
        if let Err(error) = held.beat(run.now()).await {
            tracing::warn!(%error, "the claim could not be renewed while hooks ran");
        }
    }
}

impl Ran {
    fn join(mut self, other: Self) -> Self {
        self.counts.attempted += other.counts.attempted;
        self.counts.failed += other.counts.failed;
        self.issues.extend(other.issues);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{ClusterError, ClusterErrorKind};

    #[test]
    fn what_a_command_said_is_one_line() {
        let output = |exit_code, stderr: &str| {
            Ok(ExecOutput { exit_code, stdout: "password".into(), stderr: stderr.to_owned().into() })
        };
        assert_eq!(verdict(&output(0, "careful")), Ok(()));
        assert_eq!(verdict(&output(3, "")), Err("ended with exit code 3".to_owned()));
        let told = verdict(&output(1, "no\n such\x1b[31m  file\n")).expect_err("it failed");
        assert_eq!(told, "ended with exit code 1: no such [31m file");
        let long = verdict(&output(1, &"ü".repeat(5_000))).expect_err("it failed");
        assert_eq!(long.chars().count(), "ended with exit code 1: ".len() + STDERR_CHARS_MAX);
        let error = ClusterError::new(ClusterErrorKind::Timeout, "it did not end within 30 s");
        assert_eq!(verdict(&Err(error)), Err("could not be run to its end: it did not end within 30 s".to_owned()));
    }
}
