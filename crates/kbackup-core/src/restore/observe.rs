//! What of the restore is in the target already: one list of metadata a type, never a request an object.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};

use super::RestoreError;
use super::plan::Step;
use super::targets::namespaces;
use crate::cluster::{At, ClusterError, ClusterErrorKind, ClusterReader, ListQuery, PageSize};
use crate::issue::{Code, Issue, Stage};
use crate::model::{Discovery, Gvr, LabelSelector, ObjectMeta, ObjectRef, ResourceType};
use crate::run::Run;

/// With more namespaces than this, one list of all objects of a type is cheaper than one for each.
const LISTS_BY_NAMESPACE_MAX: usize = 8;

/// Objects of the target that have the name of an object in the restore.
#[derive(Debug, Default)]
pub(super) struct Live {
    objects: HashMap<ObjectRef, State>,
}

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) uid: String,
    pub(super) deleting: bool,
}

impl Live {
    pub(super) fn state(&self, object: &ObjectRef) -> Option<&State> {
        self.objects.get(object)
    }

    /// The uid of an object that is there and stays.
    pub(super) fn uid(&self, object: &ObjectRef) -> Option<String> {
        self.state(object).filter(|state| !state.deleting).map(|state| state.uid.clone())
    }
}

/// Looks which of the steps' objects exist.
pub(super) async fn observe(
    cluster: &dyn ClusterReader,
    discovery: &Discovery,
    steps: &[Step],
    issues: &mut Vec<Issue>,
    run: &Run,
) -> Result<Live, RestoreError> {
    let mut wanted: HashSet<ObjectRef> =
        steps.iter().filter(|step| step.is_write()).map(|step| step.object.clone()).collect();
    let spaces: BTreeSet<String> = wanted.iter().filter_map(|object| object.namespace.clone()).collect();
    wanted.extend(spaces.into_iter().map(|name| ObjectRef::cluster(namespaces(), &name)));
    let lists: Vec<_> = places(&wanted).into_iter().flat_map(|(gvr, places)| lists(discovery, &gvr, places)).collect();
    let looks = futures::stream::iter(lists).map(|(ty, namespace)| look(cluster, ty, namespace, &wanted, run));
    let found: Vec<_> = looks.buffer_unordered(run.bounds().lists_max.max(1)).collect().await;
    let mut live = Live::default();
    for found in found {
        match found {
            Ok(objects) => live.objects.extend(objects),
            Err((ty, error)) => issues.push(unseen(&ty, error)?),
        }
    }
    Ok(live)
}

/// In which namespaces each type is wanted.
fn places(wanted: &HashSet<ObjectRef>) -> BTreeMap<Gvr, BTreeSet<Option<String>>> {
    let mut places: BTreeMap<Gvr, BTreeSet<Option<String>>> = BTreeMap::new();
    for object in wanted {
        places.entry(object.gvr.clone()).or_default().insert(object.namespace.clone());
    }
    places
}

/// The lists of one type. A type that the target does not serve yet has no objects there.
fn lists(
    discovery: &Discovery,
    gvr: &Gvr,
    places: BTreeSet<Option<String>>,
) -> Vec<(Arc<ResourceType>, Option<String>)> {
    let Some(ty) = discovery.get(gvr) else { return Vec::new() };
    if places.len() > LISTS_BY_NAMESPACE_MAX {
        return vec![(Arc::clone(ty), None)];
    }
    places.into_iter().map(|namespace| (Arc::clone(ty), namespace)).collect()
}

type Looked = Result<Vec<(ObjectRef, State)>, (Arc<ResourceType>, ClusterError)>;

async fn look(
    cluster: &dyn ClusterReader,
    ty: Arc<ResourceType>,
    namespace: Option<String>,
    wanted: &HashSet<ObjectRef>,
    run: &Run,
) -> Looked {
    let limits = run.bounds();
    let query = ListQuery {
        ty: Arc::clone(&ty),
        namespace,
        labels: LabelSelector::default(),
        name: None,
        at: At::Newest,
        page: PageSize { objects_max: limits.page_objects_max, bytes_target: limits.page_bytes_target },
        metadata_only: true,
    };
    let state = |meta: &ObjectMeta| State { uid: meta.uid.clone(), deleting: meta.deleting };
    let pick = |page: crate::cluster::Page| -> Vec<(ObjectRef, State)> {
        let objects = page.objects.iter().map(|object| (object.at(&ty.gvr), state(object.meta())));
        objects.filter(|(object, _)| wanted.contains(object)).collect()
    };
    let found: Result<Vec<Vec<_>>, _> = cluster.list(&query).map_ok(pick).try_collect().await;
    match found {
        Ok(pages) => Ok(pages.into_iter().flatten().collect()),
        Err(error) => Err((ty, error)),
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
