//! Storage classes that the restored objects name: one that is not in the target makes no volumes, and claims would wait for
//! ever without a word.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;

use super::RestoreError;
use super::observe::Live;
use super::plan::{Action, Step};
use crate::action::{NamedClass, storage_classes};
use crate::cluster::{At, ClusterError, ClusterErrorKind, ClusterReader, ListQuery, PageSize};
use crate::issue::{Code, Issue, Stage};
use crate::model::{Discovery, ObjectRef, nearest};
use crate::run::Run;
use crate::spec::RestoreSpec;

/// How many objects and classes a message names.
const TOLD: usize = 3;

/// What the classes of a restore are told by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Classes<'a> {
    pub(super) cluster: &'a dyn ClusterReader,
    pub(super) discovery: &'a Discovery,
    pub(super) spec: &'a RestoreSpec,
    pub(super) run: &'a Run,
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ruled {
    /// What happens to objects that are mapped to a class that will not be there, by the number of the step.
    pub(super) refused: BTreeMap<usize, Action>,
    pub(super) issues: Vec<Issue>,
}

impl Classes<'_> {
    /// Looks for the classes that objects to be created name, given by the numbers of their steps. The target is asked
    /// once, and only where one of them is not in the restore.
    ///
    /// # Errors
    /// Where the target does not answer.
    pub(super) async fn rule(
        self,
        steps: &[Step],
        live: &Live,
        named: Vec<(usize, &NamedClass)>,
    ) -> Result<Ruled, RestoreError> {
        let mapped: BTreeSet<&str> = self.spec.storage_class_mapping.values().map(String::as_str).collect();
        let counts = |(_, class): &(usize, &NamedClass)| class.provisions || mapped.contains(class.name.as_str());
        let mut uses: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (number, class) in named.into_iter().filter(counts) {
            uses.entry(&class.name).or_default().push(number);
        }
        let restored = restored(steps, live);
        uses.retain(|name, _| !restored.contains(*name));
        if uses.is_empty() {
            return Ok(Ruled::default());
        }
        let there = match self.there().await {
            Ok(there) => there,
            Err(error) => return unknown(&uses, error).map(|issue| Ruled { issues: vec![issue], ..Ruled::default() }),
        };
        uses.retain(|name, _| !there.contains(*name));
        let known = there.iter().map(String::as_str).chain(restored).collect();
        Ok(ruling(&uses, (self.spec, &known), steps))
    }

    /// The classes of the target.
    async fn there(self) -> Result<BTreeSet<String>, ClusterError> {
        let not_served = || ClusterError::new(ClusterErrorKind::NotFound, "the cluster does not serve storage classes");
        let ty = self.discovery.get(&storage_classes()).ok_or_else(not_served)?;
        let all = ListQuery::all(std::sync::Arc::clone(ty), At::Newest, PageSize::of(self.run.bounds()));
        let query = ListQuery { metadata_only: true, ..all };
        let mut names = BTreeSet::new();
        let mut pages = self.cluster.list(&query);
        while let Some(page) = pages.try_next().await? {
            names.extend(page.objects.iter().map(|object| object.meta().name.clone()));
        }
        Ok(names)
    }
}

/// The classes of the restore that are there, or will be.
fn restored<'a>(steps: &'a [Step], live: &Live) -> BTreeSet<&'a str> {
    let ty = storage_classes();
    let is_class = |step: &Step| step.object.gvr.plural == ty.plural && step.object.gvr.group == ty.group;
    let classes = steps.iter().enumerate().filter(|(_, step)| is_class(step));
    let comes = classes.filter(|(number, step)| step.is_write() || live.uid(*number, step).is_some());
    comes.map(|(_, step)| step.object.name.as_str()).collect()
}

/// What becomes of those who name a class that is not there: where the restore was told to name it, that was a mistake;
/// otherwise it is as in the backup, and told of once for all of them.
fn ruling(
    missing: &BTreeMap<&str, Vec<usize>>,
    (spec, known): (&RestoreSpec, &BTreeSet<&str>),
    steps: &[Step],
) -> Ruled {
    let mut ruled = Ruled::default();
    for (name, numbers) in missing {
        let froms: Vec<&str> =
            spec.storage_class_mapping.iter().filter(|(_, to)| to == name).map(|(from, _)| from.as_str()).collect();
        if froms.is_empty() {
            let objects: Vec<&ObjectRef> = numbers.iter().map(|number| &steps[*number].object).collect();
            ruled.issues.push(absent(name, &objects, known));
            continue;
        }
        let why = format!(
            "storageClassMapping makes \"{name}\" of \"{}\", and the cluster has no such storage class; {}",
            froms.join("\" and \""),
            offer(name, known)
        );
        ruled.refused.extend(numbers.iter().map(|number| (*number, Action::refuse(Code::NotFound, why.clone()))));
    }
    ruled
}

fn absent(name: &str, objects: &[&ObjectRef], known: &BTreeSet<&str>) -> Issue {
    let told: Vec<String> = objects.iter().take(TOLD).map(ToString::to_string).collect();
    let more = objects.len().saturating_sub(TOLD);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message = format!(
        "the cluster has no storage class \"{name}\": no volume will be made for {}{more}; make the class, or give them \
         another one by storageClassMapping; {}",
        told.join(", "),
        offer(name, known)
    );
    let issue = Issue::warning(Stage::Plan, Code::DanglingReference, message);
    match objects {
        [one] => issue.about((*one).clone()),
        _ => issue.about(ObjectRef::cluster(storage_classes(), name)),
    }
}

/// Which classes there are instead, the nearest first.
fn offer(name: &str, known: &BTreeSet<&str>) -> String {
    if known.is_empty() {
        return "it has none".to_owned();
    }
    let mut names = nearest(name, known.iter().copied());
    names.extend(known.iter().map(|name| (*name).to_owned()));
    let mut told = BTreeSet::new();
    names.retain(|name| told.insert(name.clone()));
    let more = names.len().saturating_sub(TOLD);
    names.truncate(TOLD);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("it has {}{more}", names.join(", "))
}

/// Classes that can't be looked for may be there: nothing is held against those who name them.
fn unknown(uses: &BTreeMap<&str, Vec<usize>>, error: ClusterError) -> Result<Issue, RestoreError> {
    use ClusterErrorKind::{Forbidden, NotFound, Unsupported};
    let code = match error.kind() {
        Forbidden => Code::Forbidden,
        NotFound | Unsupported => Code::NotFound,
        _ => return Err(RestoreError::Cluster { during: "listing its storage classes", source: error }),
    };
    let names: Vec<&str> = uses.keys().copied().collect();
    let message = format!(
        "the cluster's storage classes can't be listed ({error}): whether it has {} is not known, and without one its \
         claims get no volume",
        names.join(", ")
    );
    Ok(Issue::warning(Stage::Plan, code, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Gvr;

    fn claim(name: &str) -> Step {
        let object = ObjectRef::namespaced(Gvr::new("", "v1", "persistentvolumeclaims"), "shop", name);
        Step { object, action: Action::Create, source: None }
    }

    fn spec(mapping: &[(&str, &str)]) -> RestoreSpec {
        let mut spec = RestoreSpec::from_backup("b".parse().expect("a name"));
        spec.storage_class_mapping = mapping.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
        spec
    }

    #[test]
    fn many_claims_of_one_class_are_one_warning() {
        let steps: Vec<Step> = (0..5).map(|number| claim(&format!("data-{number}"))).collect();
        let missing = BTreeMap::from([("gp2", (0..5).collect()), ("slow", vec![4])]);
        let known = BTreeSet::from(["gp3", "premium"]);
        let Ruled { refused, issues } = ruling(&missing, (&spec(&[]), &known), &steps);
        assert!(refused.is_empty());
        let told: Vec<String> = issues.iter().map(ToString::to_string).collect();
        let [many, one] = &told[..] else { panic!("{told:#?}") };
        for words in ["no storage class \"gp2\"", "shop/data-0, ", " and 2 more", "it has gp3, premium"] {
            assert!(many.contains(words), "{words}: {many}");
        }
        assert!(one.contains("\"slow\"") && !one.contains("more"), "{one}");
        assert_eq!(issues[1].object, Some(steps[4].object.clone()));
    }

    #[test]
    fn a_class_that_was_asked_for_and_is_not_there_is_a_mistake() {
        let steps = [claim("a"), claim("b")];
        let missing = BTreeMap::from([("premuim", vec![0, 1])]);
        let known = BTreeSet::from(["a", "b", "c", "premium"]);
        let spec = spec(&[("gp2", "premuim"), ("io1", "premuim"), ("x", "premium")]);
        let Ruled { refused, issues } = ruling(&missing, (&spec, &known), &steps);
        assert!(issues.is_empty());
        let why = "storageClassMapping makes \"premuim\" of \"gp2\" and \"io1\", and the cluster has no such storage class; \
                   it has premium, a, b and 1 more";
        let refuse = || Action::refuse(Code::NotFound, why);
        assert_eq!(refused, BTreeMap::from([(0, refuse()), (1, refuse())]));
    }
}
