//! The suite as a whole, and the parts that need more than the ports.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;

use super::area::{Area, assert_kind};
use super::{custom, delete, list, patch, write};
use crate::cluster::{
    At, ClusterErrorKind, ClusterResult, ClusterWriter, Condition, DeleteOptions, Page, PageSize, Part, Patch, Waited,
    WriteOptions,
};
use crate::model::{Gvr, ObjectRef, Revision};

/// Runs every function of the suite that needs only the ports, one after the other, and panics at the first that fails.
pub async fn all(cluster: Arc<dyn ClusterWriter>) {
    let cluster = &cluster;
    list::lists_at_a_revision_show_that_revision(cluster).await;
    list::pages_hold_each_object_once(cluster).await;
    list::metadata_lists_hold_no_data(cluster).await;
    list::labels_select(cluster).await;
    list::a_name_selects(cluster).await;
    list::types_that_are_not_served_are_not_found(cluster).await;
    write::creates_tell_what_exists(cluster).await;
    write::dry_runs_change_nothing(cluster).await;
    write::older_states_do_not_replace(cluster).await;
    write::wrong_objects_are_invalid(cluster).await;
    write::terminating_namespaces_take_nothing(cluster).await;
    patch::patches_change_what_they_name(cluster).await;
    patch::patches_need_an_object(cluster).await;
    patch::apply_shares_an_object_between_managers(cluster).await;
    delete::missing_objects_can_be_deleted(cluster).await;
    delete::deletions_ask_for_one_uid(cluster).await;
    delete::finalizers_hold_an_object(cluster).await;
    delete::waits_end_in_time(cluster).await;
    custom::a_new_definition_is_discovered_at_once(cluster).await;
}

/// A revision that was compacted away is `Expired`: at the beginning of a list, and between two of its pages. `compact`
/// forgets everything before a revision, however the implementation is made to do that.
pub async fn compacted_revisions_are_expired<F: Future<Output = ()> + Send>(
    cluster: Arc<dyn ClusterWriter>,
    compact: impl Fn(Revision) -> F + Send + Sync,
) {
    let compact = &compact;
    Area::run(&cluster, |area| async move {
        for name in ["a", "b", "c"] {
            area.create(&area.config_map(name, "old")).await;
        }
        let then = area.cluster.revision().await.expect("a revision");
        let page = PageSize { objects_max: 1, bytes_target: 1 };
        let query = crate::cluster::ListQuery { at: At::Exact(then), page, ..area.query() };
        let mut begun = area.cluster.list(&query);
        begun.try_next().await.expect("the first page").expect("there are objects");
        area.change("a", "new").await;
        compact(area.cluster.revision().await.expect("a revision")).await;
        let rest: ClusterResult<Vec<Page>> = begun.try_collect().await;
        assert_kind(rest, ClusterErrorKind::Expired, "the rest of a list");
        let again: ClusterResult<Vec<Page>> = area.cluster.list(&query).try_collect().await;
        assert_kind(again, ClusterErrorKind::Expired, "a list at a compacted revision");
    })
    .await;
}

/// A cluster that is only read refuses every write as `Forbidden`, before anything changes.
pub async fn writes_are_refused(cluster: Arc<dyn ClusterWriter>) {
    let before = cluster.revision().await.expect("a revision");
    let gvr = Gvr::new("", "v1", "namespaces");
    let at = ObjectRef::cluster(gvr.clone(), "default");
    let object = cluster.get(&at).await.expect("a get").expect("every cluster has the namespace default");
    let discovery = cluster.discover().await.expect("discovery");
    let ty = discovery.get(&gvr).expect("every cluster has namespaces");
    let (write, delete) = (WriteOptions::default(), DeleteOptions::default());
    assert_kind(cluster.create(ty, &object, &write).await, ClusterErrorKind::Forbidden, "a create");
    assert_kind(cluster.replace(&at, &object, Part::Main, &write).await, ClusterErrorKind::Forbidden, "a replace");
    let patch = Patch::Merge(serde_json::json!({}));
    assert_kind(cluster.patch(&at, &patch, Part::Main, &write).await, ClusterErrorKind::Forbidden, "a patch");
    assert_kind(cluster.delete(&at, &delete).await, ClusterErrorKind::Forbidden, "a deletion");
    let waited = cluster.wait(&at, &Condition::Gone, Duration::ZERO).await.expect("a wait reads only");
    assert_eq!(waited, Waited::TimedOut);
    assert_eq!(cluster.revision().await.expect("a revision"), before, "a refused write changed something");
}
