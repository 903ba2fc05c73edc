//! Deletions and waits.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::area::{Area, assert_kind};
use crate::cluster::{ClusterErrorKind, ClusterWriter, Condition, DeleteOptions, Waited};

/// The deletion of an object that is not there is done.
pub async fn missing_objects_can_be_deleted(cluster: &Arc<dyn ClusterWriter>) {
    Area::run(cluster, |area| async move {
        let at = area.at("a");
        area.cluster.delete(&at, &DeleteOptions::default()).await.expect("there is nothing to delete");
        area.create(&area.config_map("a", "x")).await;
        for _ in 0..2 {
            area.cluster.delete(&at, &DeleteOptions::default()).await.expect("a deletion");
            assert_eq!(area.get("a").await, None);
        }
    })
    .await;
}

/// A deletion of one uid leaves an object of another.
pub async fn deletions_ask_for_one_uid(cluster: &Arc<dyn ClusterWriter>) {
    Area::run(cluster, |area| async move {
        let created = area.create(&area.config_map("a", "x")).await;
        let of = |uid: &str| DeleteOptions { uid: Some(uid.to_owned()), ..DeleteOptions::default() };
        let other = area.cluster.delete(&area.at("a"), &of("00000000-0000-0000-0000-000000000000")).await;
        assert_kind(other, ClusterErrorKind::Conflict, "a deletion of another uid");
        assert_eq!(area.get("a").await.as_ref(), Some(&created));
        area.cluster.delete(&area.at("a"), &of(&created.meta().uid)).await.expect("a deletion");
        assert_eq!(area.get("a").await, None);
    })
    .await;
}

/// An object with finalizers stays, marked, until they are gone.
pub async fn finalizers_hold_an_object(cluster: &Arc<dyn ClusterWriter>) {
    Area::run(cluster, |area| async move {
        let held = json!({"finalizers": ["conformance.kbackup.dev/hold"]});
        area.create(&area.config_map_with("a", "x", &held)).await;
        area.cluster.delete(&area.at("a"), &DeleteOptions::default()).await.expect("a deletion");
        let marked = area.get("a").await.map(|found| found.meta().deleting);
        // The finalizer goes first, or a failure here would leave the namespace for ever.
        area.merge("a", json!({"metadata": {"finalizers": null}})).await;
        assert_eq!(marked, Some(true), "the object is there, with a deletion timestamp");
        area.wait(&area.at("a"), &Condition::Gone).await;
        assert_eq!(area.get("a").await, None);
    })
    .await;
}

/// A wait ends at once where its condition holds already, when it comes true, or when its time is over.
pub async fn waits_end_in_time(cluster: &Arc<dyn ClusterWriter>) {
    Area::run(cluster, |area| async move {
        area.create(&area.config_map("a", "x")).await;
        let (at, short) = (area.at("a"), Duration::from_millis(50));
        let waited = area.cluster.wait(&at, &Condition::Gone, short).await.expect("a wait");
        assert_eq!(waited, Waited::TimedOut, "the object is there");
        let waited = area.cluster.wait(&at, &Condition::True("Ready".to_owned()), short).await.expect("a wait");
        assert_eq!(waited, Waited::TimedOut, "the object has no conditions");
        let (deleting, gone) = (area.cluster.clone(), area.at("a"));
        let (deleted, ()) = futures::join!(
            async move { deleting.delete(&gone, &DeleteOptions::default()).await },
            area.wait(&at, &Condition::Gone),
        );
        deleted.expect("a deletion");
        area.wait(&at, &Condition::Gone).await;
    })
    .await;
}
