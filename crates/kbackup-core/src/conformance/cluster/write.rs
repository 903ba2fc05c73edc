//! Creates and replaces.

use std::sync::Arc;

use serde_json::json;

use super::area::{Area, assert_kind, data_of};
use crate::cluster::{ClusterErrorKind, ClusterWriter, Condition, Created, DeleteOptions, Part, Patch, WriteOptions};
use crate::model::Object;

/// A create makes an object, or says that there is one and changes nothing.
pub async fn creates_tell_what_exists(cluster: &Arc<dyn ClusterWriter>) {
    Area::run(cluster, |area| async move {
        let created = area.create(&area.config_map("a", "first")).await;
        assert!(!created.meta().uid.is_empty() && !created.meta().resource_version.is_empty());
        assert_eq!(area.get("a").await.as_ref(), Some(&created));
        let again = area.try_create(&area.config_map("a", "second")).await.expect("it exists");
        assert!(matches!(again, Created::Exists), "a second create of one name");
        assert_eq!(area.get("a").await, Some(created));
    })
    .await;
}

/// A dry run checks what a write would do, and does none of it.
pub async fn dry_runs_change_nothing(cluster: &Arc<dyn ClusterWriter>) {
    Area::run(cluster, |area| async move {
        let dry = WriteOptions { dry_run: true, ..WriteOptions::default() };
        let kept = area.create(&area.config_map("kept", "x")).await;
        area.cluster.create(&area.config_maps, &area.config_map("a", "x"), &dry).await.expect("it would be created");
        let patch = Patch::Merge(json!({"data": {"key": "y"}}));
        let patched = area.patch("kept", patch, &dry).await.expect("it would be changed");
        assert_eq!(data_of(&patched), "y", "a dry run shows what would be");
        let options = DeleteOptions { dry_run: true, ..DeleteOptions::default() };
        area.cluster.delete(&area.at("kept"), &options).await.expect("it would be deleted");
        let wrong = area.cluster.create(&area.config_maps, &area.config_map("Wrong", "x"), &dry).await;
        assert_kind(wrong, ClusterErrorKind::Invalid, "a dry run of a wrong object");
        assert_eq!((area.get("a").await, area.get("kept").await), (None, Some(kept)));
    })
    .await;
}

/// A replace with an older `resourceVersion` is a `Conflict`; one with the current one, or with none, is done.
pub async fn older_states_do_not_replace(cluster: &Arc<dyn ClusterWriter>) {
    Area::run(cluster, |area| async move {
        let old = area.create(&area.config_map("a", "old")).await;
        let current = area.change("a", "new").await;
        let replace = |object: Object| {
            let (cluster, at) = (area.cluster.clone(), area.at("a"));
            async move { cluster.replace(&at, &object, Part::Main, &WriteOptions::default()).await }
        };
        assert_kind(replace(old).await, ClusterErrorKind::Conflict, "a replace with an older state");
        assert_eq!(area.get("a").await, Some(current.clone()));
        let mut value = current.to_value();
        value["data"]["key"] = json!("newer");
        let replaced = replace(Object::from_value(&value).expect("an object")).await.expect("it is current");
        assert_eq!((data_of(&replaced), &replaced.meta().uid), ("newer".to_owned(), &current.meta().uid));
        let replaced = replace(area.config_map("a", "newest")).await.expect("it names no revision");
        assert_eq!(data_of(&replaced), "newest");
        let missing = area.config_map("b", "x");
        let missing = area.cluster.replace(&area.at("b"), &missing, Part::Main, &WriteOptions::default()).await;
        assert_kind(missing, ClusterErrorKind::NotFound, "a replace of nothing");
    })
    .await;
}

/// An object that breaks a rule of its type is `Invalid`, and the error says which field; a missing namespace is
/// `NotFound`.
pub async fn wrong_objects_are_invalid(cluster: &Arc<dyn ClusterWriter>) {
    Area::run(cluster, |area| async move {
        let error = area.try_create(&area.config_map("Wrong_Name", "x")).await.expect_err("the name is wrong");
        assert_eq!(error.kind(), ClusterErrorKind::Invalid, "{error}");
        assert_eq!(error.fields().first().map(|field| &*field.field), Some("metadata.name"), "{error}");
        let mut value = area.config_map("a", "x").to_value();
        value["metadata"]["namespace"] = json!(format!("{}-missing", area.namespace));
        let elsewhere = Object::from_value(&value).expect("an object");
        assert_kind(area.try_create(&elsewhere).await, ClusterErrorKind::NotFound, "a create in a missing namespace");
    })
    .await;
}

/// A namespace that is being deleted takes no new object (`Forbidden`), and goes when nothing holds it any longer.
pub async fn terminating_namespaces_take_nothing(cluster: &Arc<dyn ClusterWriter>) {
    Area::run(cluster, |area| async move {
        let held = json!({"finalizers": ["conformance.kbackup.dev/hold"]});
        area.create(&area.config_map_with("held", "x", &held)).await;
        area.cluster.delete(&area.place(), &DeleteOptions::default()).await.expect("a deletion");
        let late = area.try_create(&area.config_map("late", "x")).await;
        let there = area.cluster.get(&area.place()).await.expect("a get").is_some_and(|found| found.meta().deleting);
        // The finalizer goes first, or a failure here would leave the namespace for ever.
        area.merge("held", json!({"metadata": {"finalizers": null}})).await;
        assert_kind(late, ClusterErrorKind::Forbidden, "a create in a terminating namespace");
        assert!(there, "the namespace was held and terminating");
        area.wait(&area.place(), &Condition::Gone).await;
    })
    .await;
}
