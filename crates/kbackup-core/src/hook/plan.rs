//! In which order the hooks of a backup run, and which of them belong together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Ordered, PodHooks};

/// How many commands of hooks were run. Those that were not begun don't count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookCounts {
    /// Begun.
    pub attempted: u64,
    /// Of these: ended with another code than zero, took too long, or could not be run.
    pub failed: u64,
}

/// The hooks of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HookPlan {
    /// Pods that belong together. Blocks have nothing to do with each other and may run at the same time; the one of the
    /// ordered pods is the first.
    pub blocks: Vec<HookBlock>,
}

/// Pods that share a claim, or are in one order. The pre hooks of all run, one pod after the other, before the volumes of
/// any of them are taken care of; the post hooks of all run afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookBlock {
    /// The pods in the order in which their hooks run: the ordered ones first, then by namespace and name.
    pub pods: Vec<PodHooks>,
}

impl HookPlan {
    /// Puts the pods of a backup together and in order.
    #[must_use]
    pub fn new(mut pods: Vec<PodHooks>, ordered: &Ordered) -> Self {
        pods.sort_by_cached_key(|hooks| {
            let position = ordered.position(&hooks.pod);
            (position.is_none(), position, hooks.pod.clone())
        });
        let mut groups = Groups((0..pods.len()).collect());
        let named = pods.iter().take_while(|hooks| ordered.position(&hooks.pod).is_some()).count();
        (1..named).for_each(|pod| groups.join(0, pod));
        let mut claimed = BTreeMap::new();
        for (at, hooks) in pods.iter().enumerate() {
            for claim in &hooks.claims {
                let first = *claimed.entry((&hooks.pod.namespace, claim)).or_insert(at);
                groups.join(first, at);
            }
        }
        let mut blocks: BTreeMap<usize, Vec<PodHooks>> = BTreeMap::new();
        for (at, hooks) in pods.into_iter().enumerate() {
            blocks.entry(groups.of(at)).or_default().push(hooks);
        }
        Self { blocks: blocks.into_values().map(|pods| HookBlock { pods }).collect() }
    }

    /// The pods, in their order.
    pub fn pods(&self) -> impl Iterator<Item = &PodHooks> {
        self.blocks.iter().flat_map(|block| &block.pods)
    }

    /// How many commands it is, if none fails.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pods().map(|hooks| hooks.pre.len() + hooks.post.len()).sum()
    }

    /// Whether there is nothing to run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }
}

/// Which pods belong together: each points at another of its group, the first at itself.
struct Groups(Vec<usize>);

impl Groups {
    fn of(&mut self, mut pod: usize) -> usize {
        while self.0[pod] != pod {
            self.0[pod] = self.0[self.0[pod]];
            pod = self.0[pod];
        }
        pod
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.of(one), self.of(other));
        self.0[one.max(other)] = one.min(other);
    }
}
