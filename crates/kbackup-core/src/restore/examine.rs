//! Looks at every object that may have to be written: what the transforms say of it, how it compares with what is there,
//! and who its owners are. That reads and checks all of it, so a damaged backup is found before anything is written.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures::{FutureExt, StreamExt};

use super::RestoreError;
use super::classes::Classes;
use super::existing::{Existing, Settled};
use super::fetch::{Fetched, Lost, fetch};
use super::observe::Live;
use super::plan::{Action, Step};
use super::prepare::{Asked, Prepared, prepare};
use crate::action::{NamedClass, Transforms, named_classes};
use crate::cluster::ClusterReader;
use crate::format::{Access, FormatError, Manifest};
use crate::issue::{Code, Issue, Stage};
use crate::model::{Discovery, Object, ObjectRef, OwnerRef};
use crate::run::Run;

/// Objects that are read from the target at the same time, to tell what differs.
const READS_MAX: usize = 16;

/// What an examination needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Examination<'a> {
    pub(super) cluster: &'a dyn ClusterReader,
    pub(super) discovery: &'a Discovery,
    pub(super) access: Access<'a>,
    pub(super) manifest: &'a Manifest,
    pub(super) transforms: &'a Transforms,
    pub(super) existing: &'a Existing<'a>,
    pub(super) asked: Asked<'a>,
    pub(super) run: &'a Run,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Examined {
    /// By their uid in the backup: objects of the restore that others name as their owner, with the uid of the live object
    /// where one is there.
    pub(super) owners: BTreeMap<String, Option<String>>,
    pub(super) issues: Vec<Issue>,
}

/// What was found of one object.
#[derive(Default)]
struct Found {
    /// What happens to it instead of what the step says.
    decisions: Vec<(usize, Action)>,
    issues: Vec<Issue>,
    /// Its owners, where it is written.
    owners: Vec<OwnerRef>,
    /// The storage classes that it names, where it is created.
    classes: Vec<NamedClass>,
    number: usize,
}

impl Found {
    fn is_empty(&self) -> bool {
        self.decisions.is_empty() && self.issues.is_empty() && self.owners.is_empty() && self.classes.is_empty()
    }
}

impl Examination<'_> {
    /// Examines the steps, and settles what happens to each.
    pub(super) async fn examine(self, steps: &mut [Step], live: &Live) -> Result<Examined, RestoreError> {
        for (number, step) in steps.iter_mut().enumerate().filter(|(_, step)| step.action == Action::Create) {
            if live.state(number, step).is_some_and(|state| state.untouched) && self.existing.is_as_backed_up(step) {
                step.action = Action::Unchanged;
            }
        }
        let mut found = Vec::new();
        {
            let (steps, writes) = (&*steps, steps.iter().enumerate().filter(|(_, step)| step.is_write()));
            let sources = writes.filter_map(|(number, step)| step.source.as_ref().map(|source| (number, source)));
            let fetched = fetch(self.access, self.manifest, sources, self.run.bounds());
            let looks = fetched.map(|fetched| self.look(fetched, steps, live).boxed());
            let mut looks = std::pin::pin!(looks.buffer_unordered(READS_MAX));
            while let Some(look) = looks.next().await {
                let look = look?;
                if !look.is_empty() {
                    found.push(look);
                }
            }
        }
        // They come in whatever order; the plan has one.
        found.sort_by_key(|look| look.number);
        let missing = self.without_class(steps, live, &mut found).await?;
        let mut examined = conclude(steps, live, found);
        examined.issues.extend(missing);
        Ok(examined)
    }

    /// What is to be made by a storage class that will not be there: refused, or told of.
    async fn without_class(self, steps: &[Step], live: &Live, found: &mut [Found]) -> Result<Vec<Issue>, RestoreError> {
        let named = found.iter().flat_map(|look| look.classes.iter().map(|class| (look.number, class)));
        let classes =
            Classes { cluster: self.cluster, discovery: self.discovery, spec: self.asked.spec, run: self.run };
        let mut ruled = classes.rule(steps, live, named.collect()).await?;
        for look in found {
            if let Some(action) = ruled.refused.remove(&look.number) {
                look.owners.clear();
                look.decisions.push((look.number, action));
            }
        }
        Ok(ruled.issues)
    }

    async fn look(self, fetched: Fetched, steps: &[Step], live: &Live) -> Result<Found, RestoreError> {
        match fetched {
            Ok((number, bytes)) => self.object(number, bytes, &steps[number], live).await,
            Err(Lost { numbers, error: FormatError::Damaged { what, .. } }) if self.asked.spec.skip_damaged => {
                let refuse = |number| (number, Action::refuse(Code::Damaged, format!("the backup is damaged: {what}")));
                let decisions = numbers.into_iter().map(refuse).collect();
                Ok(Found { decisions, ..Found::default() })
            }
            Err(Lost { error, .. }) => Err(error.into()),
        }
    }

    async fn object(self, number: usize, bytes: Bytes, step: &Step, live: &Live) -> Result<Found, RestoreError> {
        let damaged = |error| FormatError::damaged(&self.manifest.name, format!("{}: {error}", step.object));
        let object = Object::parse(bytes).map_err(damaged)?;
        let mut found = Found { number, ..Found::default() };
        match prepare(step, &object, self.transforms, self.asked) {
            Prepared::Skip(why) => found.decisions.push((number, Action::skip(why))),
            Prepared::Refuse(code, why) => found.decisions.push((number, Action::refuse(code, why))),
            Prepared::Write(wanted, _, notes) => {
                found.issues = notes;
                found.owners.clone_from(&object.meta().owners);
                let Some(state) = live.state(number, step).filter(|state| !state.deleting) else {
                    found.classes = named_classes(&step.object.gvr, &wanted);
                    return Ok(found);
                };
                let settled = match self.existing.digest(wanted.clone(), &step.object) == state.digest {
                    true => Settled::of(Action::Unchanged),
                    false => self.settle(step, &object, &wanted).await?,
                };
                if !settled.action.is_write() {
                    found.owners.clear();
                }
                if let Action::Create | Action::Recreate { .. } = settled.action {
                    found.classes = named_classes(&step.object.gvr, &wanted);
                }
                found.issues.extend(settled.issue);
                found.decisions.push((number, settled.action));
            }
        }
        Ok(found)
    }

    /// What becomes of an object that differs. One that is gone by now is created.
    async fn settle(self, step: &Step, object: &Object, wanted: &serde_json::Value) -> Result<Settled, RestoreError> {
        let during = RestoreError::cluster("reading an object that differs");
        let Some(live) = self.cluster.get(&step.object).await.map_err(during)? else {
            return Ok(Settled::of(Action::Create));
        };
        let is_others = is_others(step, object, wanted, (self.transforms, self.asked, self.existing));
        Ok(self.existing.settle(&step.object, &live.to_value(), wanted, is_others))
    }
}

/// Whether the object is one of the cluster, and the namespace mapping makes another one of it: then the live object of that
/// name may be in use by the namespaces that keep their names.
pub(super) fn is_others(
    step: &Step,
    object: &Object,
    wanted: &serde_json::Value,
    (transforms, asked, existing): (&Transforms, Asked<'_>, &Existing<'_>),
) -> bool {
    if step.object.namespace.is_some() || asked.spec.namespace_mapping.is_empty() {
        return false;
    }
    let renamed = step.object.gvr == super::targets::namespaces();
    let as_it_was = || match prepare(step, object, transforms, Asked { spec: existing.unmapped(), ..asked }) {
        Prepared::Write(value, ..) => Some(value),
        Prepared::Skip(_) | Prepared::Refuse(..) => None,
    };
    !renamed && as_it_was().is_some_and(|as_it_was| as_it_was != *wanted)
}

/// Takes over what was found, and follows the owners.
fn conclude(steps: &mut [Step], live: &Live, found: Vec<Found>) -> Examined {
    let mut issues = Vec::new();
    let mut named: Vec<(usize, OwnerRef)> = Vec::new();
    for found in found {
        for (number, action) in found.decisions {
            steps[number].action = action;
        }
        issues.extend(found.issues);
        named.extend(found.owners.into_iter().map(|owner| (found.number, owner)));
    }
    let owners = owners(steps, live, &named);
    let orphans = named.iter().filter(|(_, owner)| !owners.contains_key(&owner.uid));
    issues.extend(orphans.map(|(number, owner)| orphaned(&steps[*number].object, owner)));
    Examined { owners, issues }
}

/// The objects that others name as their owner, and that are written or there already.
fn owners(steps: &[Step], live: &Live, named: &[(usize, OwnerRef)]) -> BTreeMap<String, Option<String>> {
    let wanted: BTreeSet<&str> = named.iter().map(|(_, owner)| owner.uid.as_str()).collect();
    let candidates = steps.iter().enumerate().filter_map(|(number, step)| {
        let source = step.source.as_ref().filter(|source| wanted.contains(source.uid.as_str()))?;
        let uid = live.uid(number, step).filter(|_| !matches!(step.action, Action::Recreate { .. }));
        (step.is_write() || uid.is_some()).then(|| (source.uid.clone(), uid))
    });
    candidates.collect()
}

fn orphaned(object: &ObjectRef, owner: &OwnerRef) -> Issue {
    let message = format!("its owner, {} {}, is not restored: it is restored without it", owner.kind, owner.name);
    Issue::warning(Stage::Plan, Code::OwnerMissing, message).about(object.clone())
}
