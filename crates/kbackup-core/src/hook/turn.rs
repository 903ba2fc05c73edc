//! Which of a restored pod's commands is next: what the pod says, and how long was waited.

use std::time::Duration;

use serde_json::Value;

use super::RestoreCommand;

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Run the command at this place of the list.
    Run(usize),
    /// Nothing: no container is there yet whose turn it is.
    Wait,
    /// The command at this place was waited for long enough.
    Late(usize),
    /// None of the rest will run any more: the pod is gone, or all its containers have ended.
    Over(&'static str),
}

/// Decides about the commands that are left. `pod` is the pod as it is now, `waited` how long it was waited for, `wait_max`
/// how long at most where a command does not say.
///
/// Commands of one container run in their order; those of different ones as their containers come up.
#[must_use]
pub fn next_turn(left: &[RestoreCommand], pod: Option<&Value>, waited: Duration, wait_max: Duration) -> Turn {
    let Some(pod) = pod else { return Turn::Over("the pod was deleted") };
    if let Some("Succeeded" | "Failed") = pod["status"]["phase"].as_str() {
        return Turn::Over("the pod has ended");
    }
    if pod["metadata"]["deletionTimestamp"].is_string() {
        return Turn::Over("the pod is being deleted");
    }
    let is_first = |at: usize| left[..at].iter().all(|earlier| earlier.container != left[at].container);
    let can_run = |&at: &usize| is_first(at) && is_up(pod, &left[at], waits_for_ready(left, &left[at].container));
    if let Some(at) = (0..left.len()).find(can_run) {
        return Turn::Run(at);
    }
    let is_late = |command: &RestoreCommand| waited >= command.wait_timeout.unwrap_or(wait_max);
    left.iter().position(is_late).map_or(Turn::Wait, Turn::Late)
}

/// One command that waits for its container to be ready makes the others of that container wait too.
fn waits_for_ready(left: &[RestoreCommand], container: &str) -> bool {
    left.iter().any(|command| command.container == container && command.wait_for_ready)
}

fn is_up(pod: &Value, command: &RestoreCommand, ready: bool) -> bool {
    let lists = ["containerStatuses", "initContainerStatuses"];
    let mut statuses = lists.iter().filter_map(|list| pod["status"][list].as_array()).flatten();
    let Some(status) = statuses.find(|status| status["name"] == *command.container) else { return false };
    status["state"]["running"].is_object() && (!ready || status["ready"] == true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::spec::OnError;

    fn command(container: &str, wait: Option<u64>, ready: bool) -> RestoreCommand {
        RestoreCommand {
            number: 0,
            source: "test".to_owned(),
            container: container.to_owned(),
            command: vec!["true".to_owned()],
            on_error: OnError::Fail,
            exec_timeout: Duration::from_secs(30),
            wait_timeout: wait.map(Duration::from_secs),
            wait_for_ready: ready,
        }
    }

    /// A pod whose containers are `-` (waiting), `+` (running) or `!` (ready) behind their names.
    fn pod(containers: &[&str]) -> Value {
        let status = |text: &&str| {
            let (name, state) = text.split_at(text.len() - 1);
            let state_json = if state == "-" { json!({"waiting": {}}) } else { json!({"running": {}}) };
            json!({"name": name, "state": state_json, "ready": state == "!"})
        };
        json!({"status": {"phase": "Pending", "containerStatuses": containers.iter().map(status).collect::<Value>()}})
    }

    #[test]
    fn a_command_runs_when_its_container_is_up() {
        let (a, b) = (|| command("a", None, false), || command("b", None, false));
        let ready = || command("a", None, true);
        let short = || command("a", Some(5), false);
        for (left, containers, waited, expect) in [
            (vec![a()], vec!["a-"], 0, Turn::Wait),
            (vec![a()], vec!["a+"], 0, Turn::Run(0)),
            (vec![a()], vec![], 0, Turn::Wait),
            (vec![a(), b()], vec!["a-", "b+"], 0, Turn::Run(1)),
            (vec![a(), a()], vec!["a+"], 0, Turn::Run(0)),
            (vec![ready()], vec!["a+"], 0, Turn::Wait),
            (vec![ready()], vec!["a!"], 0, Turn::Run(0)),
            (vec![a(), ready()], vec!["a+"], 0, Turn::Wait),
            (vec![a()], vec!["a-"], 9, Turn::Wait),
            (vec![a()], vec!["a-"], 10, Turn::Late(0)),
            (vec![b(), short()], vec!["a-", "b-"], 5, Turn::Late(1)),
            (vec![b(), short()], vec!["a-", "b+"], 5, Turn::Run(0)),
            (vec![short()], vec!["a+"], 99, Turn::Run(0)),
        ] {
            let pod = pod(&containers);
            let turn = next_turn(&left, Some(&pod), Duration::from_secs(waited), Duration::from_secs(10));
            assert_eq!(turn, expect, "{containers:?} after {waited} s");
        }
    }

    #[test]
    fn a_pod_that_is_over_runs_nothing() {
        let left = [command("a", None, false)];
        let turn = |pod: Option<Value>| next_turn(&left, pod.as_ref(), Duration::ZERO, Duration::from_secs(10));
        assert!(matches!(turn(None), Turn::Over(_)));
        for phase in ["Succeeded", "Failed"] {
            let mut pod = pod(&["a+"]);
            pod["status"]["phase"] = phase.into();
            assert!(matches!(turn(Some(pod)), Turn::Over(_)), "{phase}");
        }
        let mut going = pod(&["a+"]);
        going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        assert!(matches!(turn(Some(going)), Turn::Over(_)));
    }
}
