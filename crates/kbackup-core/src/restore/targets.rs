//! Where each object of the backup goes: its type and name in the target.

use std::collections::HashSet;
use std::sync::Arc;

use super::plan::{Action, Source, Step};
use super::versions::Versions;
use crate::action::{is_remade, target_of};
use crate::format::IndexLine;
use crate::issue::Code;
use crate::model::{Gvr, ObjectRef};
use crate::spec::{OwnedPolicy, RestoreSpec};

/// What a step is decided from: the spec, the types of the target, and what else is restored.
#[derive(Debug)]
pub(super) struct Targets<'a> {
    spec: &'a RestoreSpec,
    versions: &'a Versions,
    /// For each line, whether a built-in controller makes the object again from an owner that is restored, or made again
    /// itself.
    remade: Vec<bool>,
}

impl<'a> Targets<'a> {
    pub(super) fn new(spec: &'a RestoreSpec, versions: &'a Versions, chosen: &[IndexLine]) -> Self {
        let uids: HashSet<&str> = chosen.iter().map(|line| line.uid.as_str()).collect();
        let is_remade = |line: &IndexLine| {
            line.owner.as_ref().is_some_and(|owner| {
                spec.owned == OwnedPolicy::Skip && uids.contains(owner.uid.as_str()) && is_remade(&line.gvr, owner)
            })
        };
        Self { spec, versions, remade: chosen.iter().map(is_remade).collect() }
    }

    /// The steps, as far as the lines of the index decide them.
    pub(super) fn steps(&self, chosen: Vec<IndexLine>) -> Vec<Step> {
        chosen.into_iter().zip(&self.remade).map(|(line, remade)| self.step(line, *remade)).collect()
    }

    fn step(&self, line: IndexLine, remade: bool) -> Step {
        let mut object = target_of(&line.object(), self.spec);
        let action = match self.versions.of(&line.gvr) {
            Err(why) => Action::refuse(Code::TypeNotServed, why),
            Ok(gvr) => {
                object.gvr.version.clone_from(&gvr.version);
                match &line.owner {
                    Some(owner) if remade => Action::skip(format!("{} {} makes it again", owner.kind, owner.name)),
                    _ => Action::Create,
                }
            }
        };
        Step { object, action, source: Some(source(line)) }
    }
}

/// Where the object of a line is.
pub(super) fn source(line: IndexLine) -> Source {
    Source {
        gvr: Arc::clone(&line.gvr),
        namespace: line.ns,
        uid: line.uid,
        rv: line.rv,
        part: line.part,
        off: line.off,
        len: line.len,
        sha256: line.sha256,
    }
}

/// The type of namespaces.
pub(super) fn namespaces() -> Gvr {
    Gvr::new("", "v1", "namespaces")
}

/// The Namespace of this name.
pub(super) fn namespace_at(name: &str) -> ObjectRef {
    ObjectRef::cluster(namespaces(), name)
}
