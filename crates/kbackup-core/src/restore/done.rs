//! What has become of a plan's steps so far.

use std::collections::HashSet;

use super::pace::Pace;
use super::plan::RestorePlan;
use super::record::Line;
use super::relink::Owners;
use crate::issue::Issue;
use crate::limits::Limits;
use crate::model::ObjectRef;
use crate::report::{Applied, RestoreCounts};

/// What has become of the steps so far. Of each, a bit is kept; what else there is of it goes to the record.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) counts: RestoreCounts,
    pub(super) issues: Vec<Issue>,
    pub(super) pace: Pace,
    /// By the number of the step.
    settled: Vec<bool>,
    /// Namespaces that are not there although they should be.
    lost: HashSet<String>,
    /// Definitions of types that were written.
    pub(super) definitions: Vec<ObjectRef>,
}

impl Done {
    /// Nothing yet but what needs no write.
    pub(super) fn new(plan: &RestorePlan, limits: &Limits) -> Self {
        let mut counts = RestoreCounts::default();
        let settled = plan.steps().map(|step| !step.is_write()).collect();
        plan.steps().filter(|step| !step.is_write()).for_each(|step| counts.add(step.action.expected()));
        let issues = plan.issues.clone();
        let (pace, lost) = (Pace::new(limits.writers_max), HashSet::new());
        Self { counts, issues, pace, settled, lost, definitions: Vec::new() }
    }

    /// Takes over what an earlier apply has recorded. What had failed is tried again.
    pub(super) fn resume(&mut self, plan: &RestorePlan, lines: Vec<Line>, owners: &Owners) {
        let sources: Vec<Option<&str>> =
            plan.steps().map(|step| step.source.as_ref().map(|source| source.uid.as_str())).collect();
        for line in lines.into_iter().filter(|line| line.result.result != Applied::Failed) {
            if self.is_settled(line.step) || line.step >= self.settled.len() {
                continue;
            }
            if let (Some(uid), Some(Some(old))) = (&line.uid, sources.get(line.step)) {
                owners.learn(old, uid);
            }
            if let Some(patch) = line.owners {
                owners.wait(&line.result.object, patch);
            }
            self.issues.extend(line.issues);
            self.settle(line.step, line.result.result);
        }
    }

    /// Whether nothing is left to do about a step.
    pub(super) fn is_settled(&self, step: usize) -> bool {
        self.settled.get(step).copied().unwrap_or(false)
    }

    /// The step has come to this.
    pub(super) fn settle(&mut self, step: usize, result: Applied) {
        if let Some(settled) = self.settled.get_mut(step) {
            *settled = true;
            self.counts.add(result);
        }
    }

    /// How many steps are left.
    pub(super) fn left(&self) -> usize {
        self.settled.iter().filter(|settled| !**settled).count()
    }

    /// The namespace could not be made.
    pub(super) fn lose(&mut self, namespace: &str) {
        self.lost.insert(namespace.to_owned());
    }

    /// Whether the object's namespace could not be made.
    pub(super) fn is_lost(&self, object: &ObjectRef) -> bool {
        object.namespace.as_ref().is_some_and(|namespace| self.lost.contains(namespace))
    }
}
