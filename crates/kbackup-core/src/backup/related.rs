//! What the taken objects need of others: gathered while they are read, and taken in further rounds.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::witness::Witness;
use crate::action::{BackupActions, ask};
use crate::filter::Needs;
use crate::issue::Issue;
use crate::model::{Gvr, Object};

/// Gathers what the objects that are taken need.
#[derive(Debug)]
pub(super) struct Gathered<'a> {
    actions: &'a BackupActions,
    /// The types of which objects may come only with those that need them: others are taken anyway, or never.
    open: BTreeSet<String>,
    needs: Mutex<Needs>,
    issues: Mutex<Vec<Issue>>,
}

/// One round after the first: what is to be taken in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round<'a> {
    pub(super) actions: &'a BackupActions,
    /// What is needed by what was taken so far.
    pub(super) needs: &'a Needs,
    /// What of it was asked for in the rounds before.
    pub(super) asked: &'a Needs,
}

impl<'a> Gathered<'a> {
    pub(super) fn new(actions: &'a BackupActions, open: impl Iterator<Item = String>) -> Self {
        Self { actions, open: open.collect(), needs: Mutex::default(), issues: Mutex::default() }
    }

    /// What is needed so far.
    pub(super) fn needs(&self) -> Needs {
        lock(&self.needs).clone()
    }

    /// What could not be told.
    pub(super) fn into_issues(self) -> Vec<Issue> {
        self.issues.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Witness for Gathered<'_> {
    fn wants(&self, _: &Gvr) -> bool {
        true
    }

    fn reads(&self, ty: &Gvr) -> bool {
        self.actions.naming(ty, &self.open).next().is_some()
    }

    fn see(&self, ty: &Gvr, object: &Object) {
        lock(&self.needs).add(ty, object.meta().namespace.as_deref());
        let mut value: Option<Value> = None;
        for action in self.actions.naming(ty, &self.open) {
            let (related, untold) = ask(action, &object.at(ty), value.get_or_insert_with(|| object.to_value()));
            lock(&self.issues).extend(untold);
            lock(&self.needs).require_all(&related);
        }
    }

    /// What a gone object needed does no harm: at most it is taken for nothing.
    fn forget(&self, _: &Gvr, _: Option<&str>) {}
}

impl Round<'_> {
    /// Whether an object is taken in this round; `again` where all of its list is, that of earlier rounds too.
    pub(super) fn takes(&self, ty: &Gvr, object: &Object, again: bool) -> bool {
        let mentions = self.mentions(ty, object);
        let needed = |needs: &Needs| {
            needs.contains(ty, object.meta().namespace.as_deref(), &object.meta().name)
                || needs.mentions(&ty.group_resource()).is_some_and(|wanted| !wanted.is_disjoint(&mentions))
        };
        needed(self.needs) && (again || !needed(self.asked))
    }

    /// Whether more of objects of this type than their metadata decides.
    pub(super) fn reads(&self, ty: &Gvr) -> bool {
        self.needs.mentions(&ty.group_resource()).is_some()
    }

    /// What an object mentions, where that can decide.
    fn mentions(&self, ty: &Gvr, object: &Object) -> BTreeSet<String> {
        if self.needs.mentions(&ty.group_resource()).is_none() {
            return BTreeSet::new();
        }
        // What can't be understood is an issue when the object is taken.
        self.actions.mentions(&object.at(ty), &object.to_value())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
