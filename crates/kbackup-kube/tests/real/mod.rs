//! Against a real API server: the cluster of the kubeconfig that `KBACKUP_TEST_KUBECONFIG` names, which is written to.
//! Without it these tests say that they were skipped; with `KBACKUP_TEST_REQUIRE=1` they fail then.

use futures::TryStreamExt;
use kbackup_core::cluster::{At, ClusterReader, ListQuery, Page, PageSize};
use kbackup_core::model::{LabelSelector, Object};
use kbackup_kube::{ConnectOptions, KubeCluster};

/// The real cluster, where there is one.
async fn cluster() -> Option<KubeCluster> {
    let Some(kubeconfig) = std::env::var_os("KBACKUP_TEST_KUBECONFIG") else {
        assert!(
            std::env::var_os("KBACKUP_TEST_REQUIRE").is_none_or(|value| value != "1"),
            "KBACKUP_TEST_REQUIRE=1, and KBACKUP_TEST_KUBECONFIG names no cluster"
        );
        eprintln!("skipped: KBACKUP_TEST_KUBECONFIG names no cluster");
        return None;
    };
    let options = ConnectOptions { kubeconfig: Some(kubeconfig.into()), ..ConnectOptions::default() };
    Some(KubeCluster::connect(&options).await.expect("the cluster answers"))
}

#[tokio::test]
async fn tells_who_it_is() {
    let Some(cluster) = cluster().await else { return };
    let info = cluster.info().await.expect("it tells");
    assert!(info.version.starts_with("v1."), "{info:?}");
    assert!(info.uid.is_some_and(|uid| uid.len() == 36));
    assert!(info.name.starts_with("https://"), "{}", info.name);
}

#[tokio::test]
async fn every_type_lists_at_one_revision() {
    let Some(cluster) = cluster().await else { return };
    let discovery = cluster.discover().await.expect("discovery");
    let revision = cluster.revision().await.expect("a revision");
    let listed: Vec<_> = discovery.preferred().filter(|ty| ty.can(kbackup_core::model::Verb::List)).collect();
    assert!(listed.len() > 50, "{} types", listed.len());
    for ty in listed {
        if ty.gvr.plural == "componentstatuses" {
            continue;
        }
        let query = ListQuery {
            ty: std::sync::Arc::clone(ty),
            namespace: None,
            labels: LabelSelector::default(),
            at: At::Exact(revision),
            page: PageSize { objects_max: 3, bytes_target: 16 << 20 },
            metadata_only: false,
        };
        let pages: Vec<Page> = cluster.list(&query).try_collect().await.unwrap_or_else(|error| panic!("{ty}: {error}"));
        let objects: Vec<&Object> = pages.iter().flat_map(|page| &page.objects).collect();
        println!("{ty} {} {}", objects.len(), ty.has_status);
        assert!(pages.iter().all(|page| page.revision == revision), "{ty}");
        assert!(objects.iter().all(|object| object.gvk() == ty.gvk()), "{ty}");
    }
}
