//! What the hooks and the volumes of a backup need of its objects: kept while these pass by.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::witness::Witness;
use crate::hook::{Found, HookPlan, HookRules, Ordered};
use crate::issue::{Code, Issue, Stage};
use crate::model::{Gvr, Object, ObjectRef};
use crate::spec::BackupSpec;
use crate::volume::{VolumePlan, VolumeRules, VolumeSurvey};

/// Looks at the objects that the backup takes.
#[derive(Debug)]
pub(super) struct Survey {
    hooks: HookRules,
    ordered: Ordered,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    hooks: BTreeMap<ObjectRef, Found>,
    volumes: VolumeSurvey,
    ordered: BTreeSet<ObjectRef>,
}

/// What is done after the objects were read.
#[derive(Debug)]
pub(super) struct Plans {
    pub(super) hooks: HookPlan,
    pub(super) volumes: VolumePlan,
    /// What of it can't be done as it was asked for.
    pub(super) issues: Vec<Issue>,
}

impl Survey {
    pub(super) fn new(spec: &BackupSpec, ordered: Ordered) -> Self {
        let seen = Seen { volumes: VolumeSurvey::new(VolumeRules::new(spec)), ..Seen::default() };
        Self { hooks: HookRules::new(&spec.hooks), ordered, seen: Mutex::new(seen) }
    }

    /// What the objects that were seen come to.
    pub(super) fn plans(self) -> Plans {
        let Seen { hooks, volumes, ordered } = self.seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        let missing = self.ordered.objects().filter(|named| !ordered.contains(named)).map(|named| {
            let message = "it is named in orderedResources and is not in the backup";
            Issue::warning(Stage::Select, Code::NotFound, message).about(named.clone())
        });
        let mut issues: Vec<Issue> = missing.collect();
        let mut pods = Vec::new();
        for found in hooks.into_values() {
            issues.extend(found.issues);
            pods.extend(found.hooks);
        }
        let mut volumes = volumes.plan(&self.ordered);
        issues.append(&mut volumes.issues);
        Plans { hooks: HookPlan::new(pods, &self.ordered), volumes, issues }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Witness for Survey {
    fn wants(&self, ty: &Gvr) -> bool {
        HookRules::wants(ty) || VolumeSurvey::wants(ty) || self.ordered.names_type(ty)
    }

    fn reads(&self, ty: &Gvr) -> bool {
        HookRules::wants(ty) || VolumeSurvey::wants(ty)
    }

    fn see(&self, ty: &Gvr, object: &Object) {
        // Read before the lock is taken: other lanes want to look too.
        let found = if HookRules::wants(ty) { self.hooks.of_pod(ty, object) } else { Found::default() };
        let at = object.at(ty);
        let mut seen = self.seen();
        seen.volumes.see(ty, object);
        if self.ordered.position(&at).is_some() {
            seen.ordered.insert(at.clone());
        }
        if found != Found::default() {
            seen.hooks.insert(at, found);
        }
    }

    fn forget(&self, ty: &Gvr, namespace: Option<&str>) {
        let stays = |at: &ObjectRef| {
            at.gvr != *ty || namespace.is_some_and(|namespace| at.namespace.as_deref() != Some(namespace))
        };
        let mut seen = self.seen();
        seen.volumes.forget(ty, namespace);
        seen.hooks.retain(|at, _| stays(at));
        seen.ordered.retain(stays);
    }
}
