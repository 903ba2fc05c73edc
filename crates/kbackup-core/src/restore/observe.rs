//! What of the restore is in the target already: one list a type and place, never a request an object.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use futures::{FutureExt, StreamExt, TryStreamExt};

use super::RestoreError;
use super::existing::{Digest, Existing};
use super::plan::{Action, Step};
use super::targets::{namespace_at, namespaces};
use crate::cluster::{At, ClusterError, ClusterErrorKind, ClusterReader, ListQuery, Page, PageSize};
use crate::issue::{Code, Issue, Stage};
use crate::model::{Discovery, Gvr, Object, ResourceType};
use crate::run::Run;

/// With more namespaces than this, one list of all objects of a type is cheaper than one for each.
const LISTS_BY_NAMESPACE_MAX: usize = 8;

/// Objects of the target that have the name of an object in the restore. A few bytes are kept of each.
#[derive(Debug, Default)]
pub(super) struct Live {
    /// By the number of the step.
    states: HashMap<usize, State>,
    /// Namespaces of the target, by name: whether each is being deleted.
    namespaces: HashMap<String, bool>,
}

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) uid: String,
    pub(super) deleting: bool,
    /// Whether it is the very object of the backup, and was not written since.
    pub(super) untouched: bool,
    pub(super) digest: Digest,
}

impl Live {
    /// What is there in the place of a step; nothing where it is about to go with its namespace.
    pub(super) fn state(&self, number: usize, step: &Step) -> Option<&State> {
        let goes = step.object.namespace.as_deref().is_some_and(|namespace| self.is_ending(namespace));
        self.states.get(&number).filter(|_| !goes)
    }

    /// The uid of an object that is there and stays.
    pub(super) fn uid(&self, number: usize, step: &Step) -> Option<String> {
        self.state(number, step).filter(|state| !state.deleting).map(|state| state.uid.clone())
    }

    /// What is there does not matter to the step any more: its object gets another name.
    pub(super) fn forget(&mut self, number: usize) {
        self.states.remove(&number);
    }

    fn is_ending(&self, namespace: &str) -> bool {
        self.namespaces.get(namespace).is_some_and(|deleting| *deleting)
    }

    /// Makes the steps wait for what is being deleted.
    pub(super) fn meet(&mut self, steps: &mut [Step]) {
        for (number, step) in steps.iter_mut().enumerate() {
            if step.is_write() && self.state(number, step).is_some_and(|state| state.deleting) {
                step.action = Action::CreateWhenGone;
            }
        }
    }

    /// Steps for namespaces that are to get objects, and are neither in the restore nor in the target.
    pub(super) fn missing_namespaces(&self, steps: &[Step]) -> Vec<Step> {
        let gvr = namespaces();
        let planned: BTreeSet<&str> =
            steps.iter().filter(|step| step.object.gvr == gvr).map(|step| step.object.name.as_str()).collect();
        let writes = steps.iter().filter(|step| step.is_write());
        let needed: BTreeSet<&str> = writes.filter_map(|step| step.object.namespace.as_deref()).collect();
        needed
            .into_iter()
            .filter(|name| !planned.contains(name))
            .filter_map(|name| {
                let action = match self.namespaces.get(name) {
                    None => Action::Create,
                    Some(true) => Action::CreateWhenGone,
                    Some(false) => return None,
                };
                Some(Step { object: namespace_at(name), action, source: None })
            })
            .collect()
    }
}

/// Where the steps' objects are looked for: the number of each by its namespace and name.
type Places<'a> = BTreeMap<&'a Gvr, HashMap<(Option<&'a str>, &'a str), usize>>;

/// Looks which of the steps' objects exist.
pub(super) async fn observe(
    cluster: &dyn ClusterReader,
    discovery: &Discovery,
    steps: &[Step],
    existing: &Existing<'_>,
    issues: &mut Vec<Issue>,
    run: &Run,
) -> Result<Live, RestoreError> {
    let mut places: Places<'_> = BTreeMap::new();
    let mut spaces: HashSet<&str> = HashSet::new();
    for (number, Step { object, .. }) in steps.iter().enumerate().filter(|(_, step)| step.is_write()) {
        places.entry(&object.gvr).or_default().insert((object.namespace.as_deref(), &object.name), number);
        spaces.extend(object.namespace.as_deref());
    }
    let gvr = namespaces();
    if !spaces.is_empty() {
        places.entry(&gvr).or_default();
    }
    let look = Look { cluster, steps, existing, places: &places, spaces: &spaces, run };
    let lists: Vec<_> = places.iter().flat_map(|(gvr, wanted)| lists(discovery, gvr, wanted)).collect();
    let looks = futures::stream::iter(lists).map(|(ty, namespace)| look.list(ty, namespace).boxed());
    let found: Vec<_> = looks.buffer_unordered(run.bounds().lists_max.max(1)).collect().await;
    let mut live = Live::default();
    for found in found {
        match found {
            Ok(Found { states, namespaces }) => {
                live.states.extend(states);
                live.namespaces.extend(namespaces);
            }
            Err((ty, error)) => issues.push(unseen(&ty, error)?),
        }
    }
    Ok(live)
}

/// The lists of one type. A type that the target does not serve yet has no objects there.
fn lists(
    discovery: &Discovery,
    gvr: &Gvr,
    wanted: &HashMap<(Option<&str>, &str), usize>,
) -> Vec<(Arc<ResourceType>, Option<String>)> {
    let Some(ty) = discovery.get(gvr) else { return Vec::new() };
    let places: BTreeSet<Option<&str>> = wanted.keys().map(|(namespace, _)| *namespace).collect();
    if places.is_empty() || places.len() > LISTS_BY_NAMESPACE_MAX {
        return vec![(Arc::clone(ty), None)];
    }
    places.into_iter().map(|namespace| (Arc::clone(ty), namespace.map(str::to_owned))).collect()
}

/// What one list found.
#[derive(Default)]
struct Found {
    states: Vec<(usize, State)>,
    namespaces: Vec<(String, bool)>,
}

/// What every list needs.
#[derive(Clone, Copy)]
struct Look<'a> {
    cluster: &'a dyn ClusterReader,
    steps: &'a [Step],
    existing: &'a Existing<'a>,
    places: &'a Places<'a>,
    spaces: &'a HashSet<&'a str>,
    run: &'a Run,
}

impl Look<'_> {
    async fn list(
        self,
        ty: Arc<ResourceType>,
        namespace: Option<String>,
    ) -> Result<Found, (Arc<ResourceType>, ClusterError)> {
        let all = ListQuery::all(Arc::clone(&ty), At::Newest, PageSize::of(self.run.bounds()));
        let query = ListQuery { namespace, ..all };
        let mut found = Found::default();
        let mut pages = self.cluster.list(&query);
        loop {
            match pages.try_next().await {
                Ok(Some(page)) => self.take(&ty.gvr, &page, &mut found),
                Ok(None) => return Ok(found),
                Err(error) => return Err((ty, error)),
            }
        }
    }

    fn take(self, gvr: &Gvr, page: &Page, found: &mut Found) {
        let Some(wanted) = self.places.get(gvr) else { return };
        let is_namespace = *gvr == namespaces();
        for object in &page.objects {
            let meta = object.meta();
            if is_namespace && self.spaces.contains(meta.name.as_str()) {
                found.namespaces.push((meta.name.clone(), meta.deleting));
            }
            if let Some(number) = wanted.get(&(meta.namespace.as_deref(), meta.name.as_str())) {
                found.states.push((*number, self.state(&self.steps[*number], object)));
            }
        }
    }

    fn state(self, step: &Step, object: &Object) -> State {
        let meta = object.meta();
        let untouched = step.source.as_ref().is_some_and(|source| {
            source.uid == meta.uid && source.rv == meta.resource_version && !source.rv.is_empty()
        });
        // What was not written since need not be compared.
        let digest = match self.existing.is_as_backed_up(step) && untouched {
            true => Digest::default(),
            false => self.existing.digest(object.to_value(), &step.object),
        };
        State { uid: meta.uid.clone(), deleting: meta.deleting, untouched, digest }
    }
}

/// A type that can't be listed does not stop the plan: a create will tell. A server that is not there does.
fn unseen(ty: &ResourceType, error: ClusterError) -> Result<Issue, RestoreError> {
    use ClusterErrorKind::{Forbidden, NotFound, Unsupported};
    let code = match error.kind() {
        Forbidden => Code::Forbidden,
        NotFound | Unsupported => Code::NotFound,
        _ => return Err(RestoreError::Cluster { during: "listing what is there already", source: error }),
    };
    let message = format!("{ty} in the cluster can't be listed ({error}): the plan takes it that none of them exists");
    Ok(Issue::warning(Stage::Plan, code, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectRef;

    #[test]
    fn what_ends_with_its_namespace_is_as_good_as_gone() {
        let object = ObjectRef::namespaced(Gvr::new("", "v1", "configmaps"), "shop", "a");
        let mut steps = [Step { object, action: Action::Create, source: None }];
        let state = State { uid: "u".to_owned(), deleting: false, untouched: false, digest: Digest::default() };
        let live = |deleting: bool| Live {
            states: HashMap::from([(0, state.clone())]),
            namespaces: HashMap::from([("shop".to_owned(), deleting)]),
        };
        assert!(live(false).state(0, &steps[0]).is_some() && live(false).missing_namespaces(&steps).is_empty());
        assert!(live(true).state(0, &steps[0]).is_none());
        assert_eq!(live(true).missing_namespaces(&steps)[0].action, Action::CreateWhenGone);
        live(true).meet(&mut steps);
        assert_eq!(steps[0].action, Action::Create, "it is not awaited on its own");
    }
}
