//! Which commands in pods a restore still owes: kept with its results, so that whoever goes on with it runs them, and runs
//! none twice that has succeeded.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::issue::Issue;
use crate::model::ObjectRef;

/// What is kept of the commands in a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "hook")]
pub(super) enum HookLine {
    /// The pod was created, and something is to be run in it, or can't be.
    Owed {
        pod: ObjectRef,
        /// Its namespace in the backup.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
        /// How many commands.
        commands: usize,
        /// What can't be run as asked.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        issues: Vec<Issue>,
    },
    /// A command of it has succeeded.
    Ran { pod: ObjectRef, number: usize },
}

/// A pod that an earlier apply created, and what had come of its commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owed {
    pub(super) pod: ObjectRef,
    pub(super) namespace: Option<String>,
    pub(super) commands: usize,
    pub(super) issues: Vec<Issue>,
    /// The numbers of those that have succeeded.
    pub(super) ran: BTreeSet<usize>,
}

impl Owed {
    /// Whether a command is left to be run.
    pub(super) fn is_open(&self) -> bool {
        self.ran.len() < self.commands
    }
}

/// What the lines of earlier applies come to, pod by pod.
pub(super) fn owed(lines: Vec<HookLine>) -> Vec<Owed> {
    let mut pods: BTreeMap<ObjectRef, Owed> = BTreeMap::new();
    let mut ended: Vec<(ObjectRef, usize)> = Vec::new();
    for line in lines {
        match line {
            HookLine::Owed { pod, namespace, commands, issues } => {
                let owed = Owed { pod: pod.clone(), namespace, commands, issues, ran: BTreeSet::new() };
                pods.insert(pod, owed);
            }
            HookLine::Ran { pod, number } => ended.push((pod, number)),
        }
    }
    for (pod, number) in ended {
        if let Some(owed) = pods.get_mut(&pod) {
            owed.ran.insert(number);
        }
    }
    pods.into_values().collect()
}

/// What hooks have come to and what is not kept yet: those who create pods and those who run commands add to it, whoever
/// keeps the record takes it. It holds a line a command at most.
#[derive(Debug, Default)]
pub(super) struct HookLines {
    state: Mutex<State>,
    more: Notify,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<HookLine>,
    ended: bool,
}

impl HookLines {
    pub(super) fn add(&self, line: HookLine) {
        self.locked(|state| state.lines.push(line));
        self.more.notify_one();
    }

    /// All that was added since the last call.
    pub(super) fn take(&self) -> Vec<HookLine> {
        self.locked(|state| std::mem::take(&mut state.lines))
    }

    /// Nothing will be added any more.
    pub(super) fn end(&self) {
        self.locked(|state| state.ended = true);
        self.more.notify_one();
    }

    /// Waits until something was added; false where nothing will be.
    pub(super) async fn next(&self) -> bool {
        loop {
            if let Some(more) = self.locked(|state| state.next()) {
                return more;
            }
            self.more.notified().await;
        }
    }

    fn locked<T>(&self, action: impl FnOnce(&mut State) -> T) -> T {
        action(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn next(&self) -> Option<bool> {
        match (self.lines.is_empty(), self.ended) {
            (false, _) => Some(true),
            (true, true) => Some(false),
            (true, false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Gvr;

    fn pod(name: &str) -> ObjectRef {
        ObjectRef::namespaced(Gvr::new("", "v1", "pods"), "shop", name)
    }

    fn line(name: &str, commands: usize) -> HookLine {
        HookLine::Owed { pod: pod(name), namespace: None, commands, issues: Vec::new() }
    }

    #[test]
    fn what_ran_is_not_owed_any_more() {
        let ran = |name: &str, number| HookLine::Ran { pod: pod(name), number };
        // Commands end while the line of their pod is still on its way.
        let lines = vec![ran("b", 1), line("a", 1), line("b", 3), ran("b", 0), ran("b", 0), ran("c", 0), ran("a", 0)];
        let owed = owed(lines);
        let told: Vec<_> = owed.iter().map(|owed| (owed.pod.name.as_str(), owed.ran.len(), owed.is_open())).collect();
        assert_eq!(told, [("a", 1, false), ("b", 2, true)]);
    }

    #[tokio::test]
    async fn lines_come_until_they_end() {
        let lines = HookLines::default();
        lines.add(line("a", 1));
        assert!(lines.next().await);
        assert_eq!(lines.take().len(), 1);
        lines.add(line("b", 1));
        lines.end();
        assert!(lines.next().await, "what is there is taken first");
        lines.take();
        assert!(!lines.next().await);
    }
}
