//! Looks at every object that is to be written: what the transforms say of it, and who its owners are. That reads and
//! checks all of it, so a damaged backup is found before anything is written.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::TryStreamExt;

use super::RestoreError;
use super::fetch::fetch;
use super::observe::Live;
use super::plan::{Action, Step};
use super::write::{Prepared, prepare};
use crate::action::Transforms;
use crate::format::{Access, Manifest};
use crate::issue::{Code, Issue, Stage};
use crate::model::{Object, ObjectRef, OwnerRef};
use crate::run::Run;
use crate::spec::RestoreSpec;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Examined {
    /// By their uid in the backup: objects of the restore that others name as their owner, by their name in the target.
    pub(super) owners: BTreeMap<String, ObjectRef>,
    pub(super) issues: Vec<Issue>,
}

/// Examines the steps, and takes back those that a transform leaves out.
pub(super) async fn examine(
    access: Access<'_>,
    manifest: &Manifest,
    transforms: &Transforms,
    spec: &RestoreSpec,
    steps: &mut [Step],
    live: &Live,
    run: &Run,
) -> Result<Examined, RestoreError> {
    let mut named: Vec<(ObjectRef, OwnerRef)> = Vec::new();
    let mut issues = Vec::new();
    let mut left_out: Vec<(usize, String)> = Vec::new();
    {
        let writes = steps.iter().enumerate().filter(|(_, step)| step.is_write());
        let sources = writes.filter_map(|(number, step)| step.source.as_ref().map(|source| (number, source)));
        let mut fetched = std::pin::pin!(fetch(access, manifest, sources, run.bounds()));
        while let Some((number, bytes)) = fetched.try_next().await? {
            let step = &steps[number];
            let damaged =
                |error| crate::format::FormatError::damaged(&manifest.name, format!("{}: {error}", step.object));
            let object = Object::parse(bytes).map_err(damaged)?;
            match prepare(step, &object, transforms, (spec, &BTreeSet::new())) {
                Prepared::Skip(why) => left_out.push((number, why)),
                Prepared::Refuse(why) => issues.push(why),
                Prepared::Write(_, _, notes) => {
                    issues.extend(notes);
                    named.extend(object.meta().owners.iter().map(|owner| (step.object.clone(), owner.clone())));
                }
            }
        }
    }
    for (number, why) in left_out {
        steps[number].action = Action::Skip(why);
    }
    let owners = owners(steps, live, &named);
    issues.extend(named.iter().filter(|(_, owner)| !owners.contains_key(&owner.uid)).map(orphaned));
    Ok(Examined { owners, issues })
}

/// The objects that others name as their owner, and that are written or there already.
fn owners(steps: &[Step], live: &Live, named: &[(ObjectRef, OwnerRef)]) -> BTreeMap<String, ObjectRef> {
    let wanted: BTreeSet<&str> = named.iter().map(|(_, owner)| owner.uid.as_str()).collect();
    let there: HashMap<&str, &Step> = steps
        .iter()
        .filter(|step| step.is_write() || live.uid(&step.object).is_some())
        .filter_map(|step| step.source.as_ref().map(|source| (source.uid.as_str(), step)))
        .filter(|(uid, _)| wanted.contains(uid))
        .collect();
    there.into_iter().map(|(uid, step)| (uid.to_owned(), step.object.clone())).collect()
}

fn orphaned((object, owner): &(ObjectRef, OwnerRef)) -> Issue {
    let message = format!("its owner, {} {}, is not restored: it is restored without it", owner.kind, owner.name);
    Issue::warning(Stage::Plan, Code::OwnerMissing, message).about(object.clone())
}
