//! Patches.

use std::sync::Arc;

use serde_json::{Value, json};

use super::area::{Area, assert_kind, data_of};
use crate::cluster::{ClusterErrorKind, ClusterWriter, Patch, WriteOptions};

/// JSON, merge and strategic merge patches change what they name and leave the rest.
pub async fn patches_change_what_they_name(cluster: &Arc<dyn ClusterWriter>) {
    Area::run(cluster, |area| async move {
        let finalizers = json!({"finalizers": ["conformance.kbackup.dev/a"]});
        area.create(&area.config_map_with("a", "1", &finalizers)).await;
        let options = WriteOptions::default();
        let rows = [
            (Patch::Json(json!([{"op": "add", "path": "/data/b", "value": "2"}])), json!({"key": "1", "b": "2"})),
            (Patch::Merge(json!({"data": {"key": null, "c": "3"}})), json!({"b": "2", "c": "3"})),
            (Patch::Strategic(json!({"data": {"b": null, "d": "4"}})), json!({"c": "3", "d": "4"})),
        ];
        for (patch, expect) in rows {
            let told = format!("{patch:?}");
            let patched = area.patch("a", patch, &options).await.unwrap_or_else(|error| panic!("{told}: {error}"));
            assert_eq!(patched.to_value()["data"], expect, "{told}");
            assert_eq!(area.get("a").await, Some(patched), "{told}");
        }
        let added = Patch::Strategic(json!({"metadata": {"finalizers": ["conformance.kbackup.dev/b"]}}));
        let patched = area.patch("a", added, &options).await.expect("a patch").to_value();
        let mut finalizers: Vec<&str> =
            patched["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        finalizers.sort_unstable();
        let failing = Patch::Json(json!([{"op": "test", "path": "/data/c", "value": "x"}]));
        let failed = area.patch("a", failing, &options).await;
        // The finalizers go first, or a failure here would leave the namespace for ever.
        area.merge("a", json!({"metadata": {"finalizers": null}})).await;
        assert_eq!(finalizers, ["conformance.kbackup.dev/a", "conformance.kbackup.dev/b"], "a set is united");
        assert_kind(failed, ClusterErrorKind::Invalid, "a JSON patch whose test fails");
    })
    .await;
}

/// A patch of an object that is not there is `NotFound`.
pub async fn patches_need_an_object(cluster: &Arc<dyn ClusterWriter>) {
    Area::run(cluster, |area| async move {
        let patches = [Patch::Json(json!([])), Patch::Merge(json!({})), Patch::Strategic(json!({}))];
        for patch in patches {
            let told = format!("{patch:?} of nothing");
            let refused = area.patch("missing", patch, &WriteOptions::default()).await;
            assert_kind(refused, ClusterErrorKind::NotFound, &told);
        }
    })
    .await;
}

/// Server-side apply creates what is missing, leaves what others own, tells a `Conflict` or takes over, and removes what a
/// manager no longer applies.
pub async fn apply_shares_an_object_between_managers(cluster: &Arc<dyn ClusterWriter>) {
    Area::run(cluster, |area| async move {
        let apply = |manager: &str, data: Value, force: bool| {
            let metadata = json!({"name": "a", "namespace": area.namespace});
            let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data});
            let options = WriteOptions { field_manager: Some(manager.to_owned()), ..WriteOptions::default() };
            let area = area.clone();
            async move { area.patch("a", Patch::Apply { body, force }, &options).await }
        };
        let created = apply("one", json!({"key": "1", "b": "1"}), false).await.expect("it creates");
        assert_eq!(data_of(&created), "1");
        let shared = apply("two", json!({"c": "2"}), false).await.expect("it adds");
        assert_eq!(shared.to_value()["data"], json!({"key": "1", "b": "1", "c": "2"}));
        let refused = apply("two", json!({"c": "2", "key": "2"}), false).await;
        assert_kind(refused, ClusterErrorKind::Conflict, "an apply of what another manager owns");
        let forced = apply("two", json!({"c": "2", "key": "2"}), true).await.expect("it takes over");
        assert_eq!(data_of(&forced), "2");
        let fewer = apply("one", json!({"b": "1"}), false).await.expect("it no longer owns the rest");
        assert_eq!(fewer.to_value()["data"], json!({"key": "2", "b": "1", "c": "2"}));
        let fewest = apply("two", json!({"key": "2"}), false).await.expect("its own");
        assert_eq!(fewest.to_value()["data"], json!({"key": "2", "b": "1"}), "what is no longer applied goes");
    })
    .await;
}
