//! Where each object of the backup goes: its type and name in the target.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::observe::Live;
use super::plan::{Action, Source, Step};
use crate::action::{Wave, is_remade, target_of};
use crate::format::IndexLine;
use crate::model::{Discovery, Gvr, ObjectRef};
use crate::spec::{OwnedPolicy, RestoreSpec};

/// What a step is decided from: the spec, the types of the target, and what else is restored.
#[derive(Debug)]
pub(super) struct Targets<'a> {
    spec: &'a RestoreSpec,
    served: BTreeSet<Gvr>,
    /// Types that the target does not serve now, and that a definition in the restore will add: `plural.group`.
    coming: BTreeSet<String>,
    /// Uids of all that is chosen: an owner among them is restored, or made again by its own owner.
    chosen: BTreeSet<String>,
}

impl<'a> Targets<'a> {
    pub(super) fn new(spec: &'a RestoreSpec, discovery: &Discovery, chosen: &[IndexLine]) -> Self {
        let defined =
            chosen.iter().filter(|line| Wave::of(&line.gvr) == Wave::Definitions).map(|line| line.name.clone());
        let coming: BTreeSet<String> = defined.collect();
        let served = discovery.types().iter().map(|ty| ty.gvr.clone()).collect();
        let chosen = chosen.iter().map(|line| line.uid.clone()).collect();
        Self { spec, served, coming, chosen }
    }

    /// The step of one object, as far as its line of the index decides.
    pub(super) fn step(&self, line: &IndexLine) -> Step {
        let source = Source {
            gvr: Arc::clone(&line.gvr),
            namespace: line.ns.clone(),
            uid: line.uid.clone(),
            part: line.part,
            off: line.off,
            len: line.len,
            sha256: line.sha256.clone(),
        };
        Step { object: target_of(&line.object(), self.spec), action: self.action(line), source: Some(source) }
    }

    fn action(&self, line: &IndexLine) -> Action {
        if !self.served.contains(&*line.gvr) && !self.coming.contains(&line.gvr.group_resource()) {
            return Action::Refuse(self.not_served(&line.gvr));
        }
        let remade = line.owner.as_ref().filter(|owner| {
            self.spec.owned == OwnedPolicy::Skip && self.chosen.contains(&owner.uid) && is_remade(&line.gvr, owner)
        });
        match remade {
            Some(owner) => Action::Skip(format!("{} {} makes it again", owner.kind, owner.name)),
            None => Action::Create,
        }
    }

    fn not_served(&self, gvr: &Gvr) -> String {
        let versions: Vec<&str> = self
            .served
            .iter()
            .filter(|served| served.group == gvr.group && served.plural == gvr.plural)
            .map(|served| served.version.as_str())
            .collect();
        match &versions[..] {
            [] => format!("the cluster does not serve {}", gvr.group_resource()),
            versions => format!(
                "the cluster serves {} in {}, not in {}",
                gvr.group_resource(),
                versions.join(", "),
                gvr.version
            ),
        }
    }

    /// Steps for namespaces that are to get objects, and are neither in the restore nor in the target.
    pub(super) fn missing_namespaces(&self, steps: &[Step], live: &Live) -> Vec<Step> {
        let gvr = namespaces();
        let planned: BTreeSet<&str> =
            steps.iter().filter(|step| step.object.gvr == gvr).map(|step| step.object.name.as_str()).collect();
        let needed: BTreeMap<&str, ()> = steps
            .iter()
            .filter(|step| step.is_write())
            .filter_map(|step| step.object.namespace.as_deref())
            .map(|namespace| (namespace, ()))
            .collect();
        needed
            .into_keys()
            .filter(|name| !planned.contains(name))
            .map(|name| ObjectRef::cluster(gvr.clone(), name))
            .filter_map(|object| match live.state(&object) {
                None => Some(Step { object, action: Action::Create, source: None }),
                Some(state) if state.deleting => Some(Step { object, action: Action::CreateWhenGone, source: None }),
                Some(_) => None,
            })
            .collect()
    }
}

/// The type of namespaces.
pub(super) fn namespaces() -> Gvr {
    Gvr::new("", "v1", "namespaces")
}
