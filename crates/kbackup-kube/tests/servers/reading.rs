use std::sync::Arc;

use kbackup_core::cluster::{
    At, ClusterErrorKind, ClusterReader, DeleteOptions, ListQuery, Page, PageSize, Part, Patch,
};
use kbackup_core::cluster::{ClusterWriter, WriteOptions};
use kbackup_core::model::{Discovery, Gvr, LabelSelector, ObjectRef, ResourceType, Revision, Verb};
use serde_json::json;

use super::{Tested, all_of, unique};

pub(super) async fn tells_who_it_is(tested: Tested) {
    let info = tested.cluster.info().await.expect("it tells");
    assert!(info.version.starts_with("v1."), "{info:?}");
    assert!(info.uid.is_some_and(|uid| uid.len() == 36));
    assert!(info.name.starts_with("https://"), "{}", info.name);
    tested.clean_up().await;
}

pub(super) async fn every_type_lists_at_one_revision(tested: Tested) {
    let revision = tested.cluster.revision().await.expect("a revision");
    // ComponentStatuses are made up for each answer, and have no revision.
    let has_revision = |ty: &ResourceType| ty.gvr.plural != "componentstatuses";
    let mut types = 0;
    for ty in lasting(&tested.discovery).filter(|ty| ty.preferred && ty.can(Verb::List) && has_revision(ty)) {
        let page = PageSize { objects_max: 3, bytes_target: 16 << 20 };
        let query = ListQuery { at: At::Exact(revision), page, ..all_of(ty.clone()) };
        let pages: Vec<Page> = tested.list(&query).await.unwrap_or_else(|error| panic!("{ty}: {error}"));
        assert!(pages.iter().all(|page| page.revision == revision), "{ty}");
        assert!(pages.iter().flat_map(|page| &page.objects).all(|object| object.gvk() == ty.gvk()), "{ty}");
        types += 1;
    }
    assert!(types >= 50, "{types} types");
    tested.clean_up().await;
}

/// The types that no other test defines meanwhile.
fn lasting(discovery: &Discovery) -> impl Iterator<Item = &Arc<ResourceType>> {
    discovery.types().iter().filter(|ty| !ty.gvr.group.ends_with(".example.com"))
}

pub(super) async fn an_exact_list_is_as_it_was(tested: Tested) {
    let made = async |name: &str| tested.create("v1/configmaps", tested.config_map(name, "old")).await.map(|_| ());
    for number in 0..25 {
        made(&format!("cm-{number:02}")).await.expect("created");
    }
    let revision = tested.cluster.revision().await.expect("a revision");
    let old = names_and_data(&tested.list(&tested.config_maps()).await.expect("a list"));

    made("late").await.expect("created");
    tested.cluster.delete(&tested.at("v1/configmaps", "cm-03"), &DeleteOptions::default()).await.expect("deleted");
    let patch = Patch::Merge(json!({"data": {"key": "new"}}));
    let changed = tested.at("v1/configmaps", "cm-04");
    tested.cluster.patch(&changed, &patch, Part::Main, &WriteOptions::default()).await.expect("changed");

    let page = PageSize { objects_max: 7, bytes_target: 16 << 20 };
    let exact = ListQuery { at: At::Exact(revision), page, ..tested.config_maps() };
    let pages = tested.list(&exact).await.expect("a list");
    assert_eq!(names_and_data(&pages), old);
    assert!(pages.len() >= 4 && pages.iter().all(|page| page.revision == revision), "{}", pages.len());
    let mut remaining = pages.iter().rev().scan(0, |after, page| {
        let this = *after;
        *after += page.objects.len() as u64;
        Some((this, page.remaining))
    });
    assert!(remaining.all(|(after, said)| said == Some(after)));
    assert_ne!(names_and_data(&tested.list(&tested.config_maps()).await.expect("a list")), old);
    tested.clean_up().await;
}

/// What tells two states of the ConfigMaps apart.
fn names_and_data(pages: &[Page]) -> Vec<(String, String)> {
    let objects = pages.iter().flat_map(|page| &page.objects);
    objects.map(|object| (object.meta().name.clone(), object.to_value()["data"]["key"].to_string())).collect()
}

pub(super) async fn lists_can_be_narrowed(tested: Tested) {
    for name in ["one", "two"] {
        tested.create("v1/configmaps", tested.config_map(name, "data")).await.expect("created");
    }
    let labels = LabelSelector::label("name", "two");
    let query = ListQuery { labels, metadata_only: true, ..tested.config_maps() };
    let pages = tested.list(&query).await.expect("a list");
    let [object] = pages.iter().flat_map(|page| &page.objects).collect::<Vec<_>>()[..] else { panic!("{pages:?}") };
    assert_eq!((object.meta().name.as_str(), object.meta().kind.as_str()), ("two", "ConfigMap"));
    let value = object.to_value();
    assert_eq!(value.as_object().expect("an object").keys().collect::<Vec<_>>(), ["apiVersion", "kind", "metadata"]);

    let none = ListQuery { labels: LabelSelector::label("name", "three"), ..tested.config_maps() };
    let pages = tested.list(&none).await.expect("a list");
    assert!(pages.len() == 1 && pages[0].objects.is_empty() && pages[0].revision > Revision(0), "{pages:?}");
    tested.clean_up().await;
}

pub(super) async fn what_is_not_there_is_none_or_not_found(tested: Tested) {
    let missing = tested.at("v1/configmaps", "missing");
    assert_eq!(tested.cluster.get(&missing).await.expect("an answer"), None);
    let mut ty = (*tested.ty("v1/configmaps")).clone();
    ty.gvr = Gvr::new("example.invalid", "v1", "nothings");
    let error = tested.list(&all_of(ty.into())).await.expect_err("no such type");
    assert_eq!(error.kind(), ClusterErrorKind::NotFound);
    tested.clean_up().await;
}

pub(super) async fn an_api_without_a_server_is_reported_and_costs_nothing_else(tested: Tested) {
    let (group, version) = (format!("{}.example.com", unique("gone")), "v1beta1");
    let name = format!("{version}.{group}");
    let service = json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": name},
        "spec": {"group": group, "version": version, "groupPriorityMinimum": 100, "versionPriority": 100,
                 "insecureSkipTLSVerify": true, "service": {"name": "nobody", "namespace": tested.namespace}}});
    tested.create("apiregistration.k8s.io/v1/apiservices", service).await.expect("registered");
    let discovery = tested.cluster.discover().await;
    let at = ObjectRef::cluster(Gvr::new("apiregistration.k8s.io", "v1", "apiservices"), &name);
    tested.cluster.delete(&at, &DeleteOptions::default()).await.expect("deleted");
    let discovery = discovery.expect("the others answer");
    let broken = discovery.broken().iter().find(|broken| broken.group_version == format!("{group}/{version}"));
    assert!(broken.is_some(), "{:?}", discovery.broken());
    assert!(lasting(&discovery).eq(lasting(&tested.discovery)));
    tested.clean_up().await;
}
