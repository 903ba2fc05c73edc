//! Decides what to read: the types and namespaces of the cluster at the backup's revision, and the spec.

use std::collections::BTreeMap;

use futures::TryStreamExt;

use super::BackupError;
use crate::cluster::{At, ClusterError, ClusterErrorKind, ClusterReader, ListQuery, PageSize};
use crate::filter::{NamespaceInfo, Selection};
use crate::model::{Discovery, Glob, Gvr, Revision};
use crate::run::Run;
use crate::spec::{BackupSpec, Consistency};

/// Resolves the spec on the cluster.
pub(super) async fn select(
    cluster: &dyn ClusterReader,
    discovery: &Discovery,
    revision: Revision,
    spec: &BackupSpec,
    run: &Run,
) -> Result<Selection, BackupError> {
    let during = BackupError::cluster("listing its namespaces");
    let namespaces = match namespaces(cluster, discovery, revision, spec.consistency, run).await {
        Ok(namespaces) => namespaces,
        // Who owns some namespaces may not list all: what is named is enough.
        Err(error) if error.kind() == ClusterErrorKind::Forbidden && names_its_namespaces(spec) => spec
            .included_namespaces
            .iter()
            .map(|name| NamespaceInfo { name: name.clone(), labels: BTreeMap::new() })
            .collect(),
        Err(error) => return Err(during(error)),
    };
    let selection = Selection::resolve(spec, discovery, &namespaces).map_err(BackupError::Invalid)?;
    selection.check_not_empty().map_err(BackupError::Invalid)?;
    let (whole, single) = selection.lists();
    tracing::info!(
        "{whole} types are listed in the whole cluster, {single} lists are of single namespaces: {} of {} namespaces are taken",
        selection.namespaces.len(),
        namespaces.len(),
    );
    Ok(selection)
}

fn names_its_namespaces(spec: &BackupSpec) -> bool {
    !spec.included_namespaces.is_empty() && !spec.included_namespaces.iter().any(|name| Glob::is_pattern(name))
}

async fn namespaces(
    cluster: &dyn ClusterReader,
    discovery: &Discovery,
    revision: Revision,
    consistency: Consistency,
    run: &Run,
) -> Result<Vec<NamespaceInfo>, ClusterError> {
    let gvr = Gvr::new("", "v1", "namespaces");
    let missing = || ClusterError::new(ClusterErrorKind::NotFound, "it does not serve v1/namespaces");
    let ty = discovery.get(&gvr).ok_or_else(missing)?.clone();
    let at = if consistency == Consistency::Relaxed { At::Newest } else { At::Exact(revision) };
    let query = ListQuery { metadata_only: true, ..ListQuery::all(ty, at, PageSize::of(run.bounds())) };
    let pages: Vec<_> = cluster
        .list(&query)
        .map_ok(|page| page.objects.iter().map(|object| NamespaceInfo::from(object.meta())).collect::<Vec<_>>())
        .try_collect()
        .await?;
    Ok(pages.into_iter().flatten().collect())
}
