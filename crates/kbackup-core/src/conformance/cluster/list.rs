//! Lists.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::TryStreamExt;

use super::area::{Area, assert_kind};
use crate::cluster::{At, ClusterErrorKind, ClusterResult, ClusterWriter, DeleteOptions, ListQuery, Page, PageSize};
use crate::model::{Gvr, LabelSelector, ResourceType};

/// A list at a revision shows what was there then, whatever was created, changed and deleted since.
pub async fn lists_at_a_revision_show_that_revision(cluster: &Arc<dyn ClusterWriter>) {
    Area::run(cluster, |area| async move {
        for name in ["a", "b", "c"] {
            area.create(&area.config_map(name, "old")).await;
        }
        let then = area.cluster.revision().await.expect("a revision");
        area.change("a", "new").await;
        area.cluster.delete(&area.at("b"), &DeleteOptions::default()).await.expect("a deletion");
        area.create(&area.config_map("d", "new")).await;
        let at = |at| ListQuery { at, page: PageSize { objects_max: 2, bytes_target: 1 << 20 }, ..area.query() };
        let pairs = |pairs: [(&str, &str); 3]| pairs.map(|(name, data)| (name.to_owned(), data.to_owned()));
        let old = area.found(&at(At::Exact(then))).await;
        assert_eq!(old, pairs([("a", "old"), ("b", "old"), ("c", "old")]), "at {then}");
        let new = area.found(&at(At::Newest)).await;
        assert_eq!(new, pairs([("a", "new"), ("c", "old"), ("d", "new")]), "at the newest revision");
        for page in area.pages(&at(At::Exact(then))).await {
            assert_eq!(page.revision, then, "a page says at which revision it was read");
        }
    })
    .await;
}

/// The pages of a list are at most as large as asked, and hold every object once, in order, with its type.
pub async fn pages_hold_each_object_once(cluster: &Arc<dyn ClusterWriter>) {
    Area::run(cluster, |area| async move {
        let names: Vec<String> = (0..17).map(|number| format!("n{number:02}")).collect();
        for name in &names {
            area.create(&area.config_map(name, "x")).await;
        }
        let page = PageSize { objects_max: 5, bytes_target: 16 << 20 };
        let pages = area.pages(&ListQuery { page, ..area.query() }).await;
        let revisions: BTreeSet<_> = pages.iter().map(|page| page.revision).collect();
        assert_eq!(revisions.len(), 1, "all pages are of one revision: {revisions:?}");
        assert!(pages.iter().all(|page| page.objects.len() <= 5), "no page is larger than asked");
        let objects: Vec<_> = pages.into_iter().flat_map(|page| page.objects).collect();
        let found: Vec<&String> = objects.iter().map(|object| &object.meta().name).collect();
        assert_eq!(found, names.iter().collect::<Vec<_>>());
        for object in &objects {
            assert_eq!((&*object.meta().api_version, &*object.meta().kind), ("v1", "ConfigMap"), "{object}");
            assert!(!object.meta().uid.is_empty() && !object.meta().resource_version.is_empty(), "{object}");
        }
    })
    .await;
}

/// A list of metadata holds type and metadata, and nothing else.
pub async fn metadata_lists_hold_no_data(cluster: &Arc<dyn ClusterWriter>) {
    Area::run(cluster, |area| async move {
        let created = area.create(&area.config_map("a", "x")).await;
        let pages = area.pages(&ListQuery { metadata_only: true, ..area.query() }).await;
        let objects: Vec<_> = pages.into_iter().flat_map(|page| page.objects).collect();
        assert_eq!(objects.len(), 1);
        let value = objects[0].to_value();
        let fields: Vec<&String> = value.as_object().expect("an object").keys().collect();
        assert_eq!(fields, ["apiVersion", "kind", "metadata"]);
        assert_eq!(objects[0].meta(), created.meta());
    })
    .await;
}

/// A list by labels holds what has them.
pub async fn labels_select(cluster: &Arc<dyn ClusterWriter>) {
    Area::run(cluster, |area| async move {
        for (name, tier) in [("a", "web"), ("b", "db"), ("c", "web")] {
            let labels = serde_json::json!({"labels": {"tier": tier}});
            area.create(&area.config_map_with(name, "x", &labels)).await;
        }
        for (selector, expect) in [
            ("tier=web", vec!["a", "c"]),
            ("tier notin (web),tier", vec!["b"]),
            ("tier in (db,web),!x", vec!["a", "b", "c"]),
        ] {
            let labels: LabelSelector = selector.parse().expect("a selector");
            let found = area.found(&ListQuery { labels, ..area.query() }).await;
            let names: Vec<String> = found.into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, expect, "{selector}");
        }
    })
    .await;
}

/// A list by name holds the one object of that name, also at a revision at which it was another one.
pub async fn a_name_selects(cluster: &Arc<dyn ClusterWriter>) {
    Area::run(cluster, |area| async move {
        for name in ["a", "b"] {
            area.create(&area.config_map(name, "x")).await;
        }
        let then = area.cluster.revision().await.expect("a revision");
        area.cluster.delete(&area.at("a"), &Default::default()).await.expect("a delete");
        let named = |name: &str, at| ListQuery { name: Some(name.to_owned()), at, ..area.query() };
        for (query, expect) in [
            (named("b", At::Newest), vec!["b"]),
            (named("a", At::Newest), vec![]),
            (named("a", At::Exact(then)), vec!["a"]),
        ] {
            let found: Vec<String> = area.found(&query).await.into_iter().map(|(name, _)| name).collect();
            assert_eq!(found, expect, "{:?} at {:?}", query.name, query.at);
        }
    })
    .await;
}

/// A list of a type that is not served is `NotFound`, and a get finds nothing.
pub async fn types_that_are_not_served_are_not_found(cluster: &Arc<dyn ClusterWriter>) {
    Area::run(cluster, |area| async move {
        let gvr = Gvr::new("missing.kbackup.dev", "v1", "things");
        let ty = ResourceType { gvr: gvr.clone(), kind: "Thing".to_owned(), ..ResourceType::clone(&area.config_maps) };
        let pages: ClusterResult<Vec<Page>> =
            area.cluster.list(&ListQuery { ty: ty.into(), ..area.query() }).try_collect().await;
        assert_kind(pages, ClusterErrorKind::NotFound, "a list of a type that is not served");
        assert_eq!(area.get("missing").await, None);
    })
    .await;
}
