//! An object that exists already: whether it is as in the backup, and what becomes of it. Pure.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::plan::{Action, Step};
use crate::action::{Transforms, is_confidential, is_lost_with};
use crate::compare::{Change, changes, ignore_servers_fields};
use crate::issue::{Code, Issue, Stage};
use crate::model::{Gvr, ObjectRef};
use crate::patch::{Lists, beyond, forget, overlay};
use crate::spec::{ExistingPolicy, RestoreSpec};

/// Stands for an object in its normal form: equal ones are as good as the same.
pub(super) type Digest = [u8; 16];

/// How many fields are told of one object.
const CHANGES_MAX: usize = 64;

/// Fields of the metadata that are not the user's, beside those that a comparison ignores.
const SERVERS_METADATA: [&str; 5] =
    ["uid", "ownerReferences", "selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"];

/// What is compared, and by which rules something is done about a difference.
#[derive(Debug)]
pub(super) struct Existing<'a> {
    spec: &'a RestoreSpec,
    transforms: &'a Transforms,
    /// What takes out of a live object what the transforms take out of one of the backup.
    builtin: Transforms,
    /// Changes nothing: a live object is as it is.
    neutral: RestoreSpec,
    /// The spec without its namespace mapping.
    unmapped: RestoreSpec,
    /// Whether an object is restored as it was backed up, but for what a server sets.
    plain: bool,
}

/// What becomes of an existing object.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) action: Action,
    /// The object as it is to be written, where it is changed in place.
    pub(super) target: Option<Value>,
    pub(super) issue: Option<Issue>,
}

impl<'a> Existing<'a> {
    pub(super) fn new(spec: &'a RestoreSpec, transforms: &'a Transforms) -> Self {
        let mut neutral = RestoreSpec::from_backup(spec.backup_name.clone());
        neutral.preserve_node_ports = spec.preserve_node_ports;
        let unmapped = RestoreSpec { namespace_mapping: BTreeMap::new(), ..spec.clone() };
        let plain = !spec.changes_objects() && transforms.is_builtin();
        Self { spec, transforms, builtin: Transforms::builtin(), neutral, unmapped, plain }
    }

    /// Whether an object of the target that was not written since the backup is as the restore would make it.
    pub(super) fn is_as_backed_up(&self, step: &Step) -> bool {
        self.plain && step.source.as_ref().is_some_and(|source| *source.gvr == step.object.gvr)
    }

    /// The spec of the same restore without its namespace mapping.
    pub(super) fn unmapped(&self) -> &RestoreSpec {
        &self.unmapped
    }

    /// The object without what a server sets, chooses or numbers, and without its owners, which have other uids.
    pub(super) fn normal(&self, mut object: Value, at: &ObjectRef) -> Value {
        // What a transform has against the object does not matter here: it is only to take out what it would take out.
        _ = self.builtin.apply(at, &mut object, &self.neutral);
        ignore_servers_fields(&mut object, &at.gvr, &mut |_| {});
        if let Some(fields) = object.as_object_mut() {
            fields.remove("status");
        }
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            SERVERS_METADATA.iter().for_each(|field| _ = metadata.remove(*field));
        }
        drop_empty(&mut object);
        object
    }

    /// Stands for the object's normal form.
    pub(super) fn digest(&self, object: Value, at: &ObjectRef) -> Digest {
        let bytes = serde_json::to_vec(&self.normal(object, at)).unwrap_or_default();
        let mut digest = Digest::default();
        digest.copy_from_slice(&Sha256::digest(&bytes)[..16]);
        digest
    }

    /// What becomes of the live object `at`, given what would be created in its place. `is_others` says that the name is
    /// taken by an object of the cluster that belongs to other namespaces.
    pub(super) fn settle(&self, at: &ObjectRef, live: &Value, wanted: &Value, is_others: bool) -> Settled {
        let (before, after) = (self.normal(live.clone(), at), self.normal(wanted.clone(), at));
        if before == after {
            return Settled::of(Action::Unchanged);
        }
        let found = || tellable(&at.gvr, changes(&before, &after));
        if is_others {
            return others(at, found());
        }
        match self.spec.existing {
            ExistingPolicy::Skip => self.leave(at, live, wanted, found()),
            ExistingPolicy::Fail => {
                let why = format!("it exists and differs in {}", fields(&found()));
                Settled::of(Action::Refuse { code: Code::ExistsAndDiffers, why })
            }
            ExistingPolicy::Update => self.update(at, live, wanted, &before),
            ExistingPolicy::Replace => self.replace(live, wanted, &before, (at, found())),
            ExistingPolicy::Recreate if is_lost_with(&at.gvr) => {
                let message =
                    "it exists and differs: it is updated in place, since deleting it would lose what belongs to it";
                let issue = Issue::warning(Stage::Plan, Code::ExistsAndDiffers, message).about(at.clone());
                Settled { issue: Some(issue), ..self.update(at, live, wanted, &before) }
            }
            ExistingPolicy::Recreate => Settled::of(Action::Recreate { changes: found() }),
        }
    }

    fn leave(&self, at: &ObjectRef, live: &Value, wanted: &Value, found: Vec<Change>) -> Settled {
        if let Some(completed) = self.transforms.complete(&at.gvr, live, wanted) {
            let changes = tellable(&at.gvr, changes(live, &completed));
            return Settled { action: Action::Update { changes }, target: Some(completed), issue: None };
        }
        let message = format!("it exists and differs in {}: it is left as it is", fields(&found));
        let issue = Issue::warning(Stage::Plan, Code::ExistsAndDiffers, message).about(at.clone());
        let why = "it exists and differs".to_owned();
        Settled { issue: Some(issue), ..Settled::of(Action::Skip { why, changes: found }) }
    }

    fn update(&self, at: &ObjectRef, live: &Value, wanted: &Value, before: &Value) -> Settled {
        let lists = lists(&at.gvr);
        let mut target = live.clone();
        forget(&mut target, wanted, lists);
        let target = overlay(target, &without_servers_metadata(wanted), lists);
        let found = changes(before, &self.normal(target.clone(), at));
        if found.is_empty() {
            return Settled::of(Action::Unchanged);
        }
        let changes = tellable(&at.gvr, found);
        Settled { action: Action::Update { changes }, target: Some(target), issue: None }
    }

    /// What a server had set in the live object stays: a replacement without it would be refused.
    fn replace(&self, live: &Value, wanted: &Value, before: &Value, told: (&ObjectRef, Vec<Change>)) -> Settled {
        let (at, changes) = told;
        let target = overlay(beyond(live, before), &without_servers_metadata(wanted), lists(&at.gvr));
        Settled { action: Action::Replace { changes }, target: Some(target), issue: None }
    }
}

impl Settled {
    pub(super) fn of(action: Action) -> Self {
        Self { action, target: None, issue: None }
    }
}

/// Changing an object of the cluster that other namespaces use would break them.
fn others(at: &ObjectRef, changes: Vec<Change>) -> Settled {
    let why = "an object of the cluster has that name, and it belongs to the namespaces that are mapped".to_owned();
    let message = format!("{why}: it is left as it is; rename it, or restore it by hand");
    let issue = Issue::warning(Stage::Plan, Code::NameTaken, message).about(at.clone());
    Settled { issue: Some(issue), ..Settled::of(Action::Skip { why, changes }) }
}

/// Whether the lists of a type are as the tables of the built-in types say.
fn lists(ty: &Gvr) -> Lists {
    let builtin = !ty.group.contains('.') || ty.group.ends_with(".k8s.io");
    if builtin { Lists::BuiltIn } else { Lists::Custom }
}

/// What is written over a live object: its owners and the record of who wrote what are the live one's.
fn without_servers_metadata(wanted: &Value) -> Value {
    let mut wanted = wanted.clone();
    if let Some(metadata) = wanted.get_mut("metadata").and_then(Value::as_object_mut) {
        ["ownerReferences", "managedFields"].iter().for_each(|field| _ = metadata.remove(*field));
    }
    wanted
}

/// A field that is null is as good as none, and so is a map of the metadata without entries.
fn drop_empty(object: &mut Value) {
    drop_nulls(object);
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|_, field| {
            !field.as_object().is_some_and(serde_json::Map::is_empty) && !field.as_array().is_some_and(Vec::is_empty)
        });
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(elements) => elements.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// What of the changes may be told: of a confidential object, only where they are.
fn tellable(ty: &Gvr, changes: Vec<Change>) -> Vec<Change> {
    let hidden = is_confidential(ty);
    let tell = |change: Change| if hidden { change.without_values() } else { change };
    changes.into_iter().take(CHANGES_MAX).map(tell).collect()
}

/// The first few fields, as a sentence names them.
fn fields(changes: &[Change]) -> String {
    const TOLD: usize = 3;
    let mut told: Vec<&str> = changes.iter().take(TOLD).map(|change| change.path.as_str()).collect();
    let more = format!("{} more fields", changes.len().saturating_sub(TOLD));
    if changes.len() > TOLD {
        told.push(&more);
    }
    told.join(", ")
}

#[cfg(test)]
mod tests;
