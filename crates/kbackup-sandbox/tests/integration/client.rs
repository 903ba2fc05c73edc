//! A Kubernetes client that has the sandbox for its transport.

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kbackup_sandbox::Sandbox;
use kube::api::{
    Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::core::GroupVersionKind;
use kube::{Client, Discovery, ResourceExt};
use serde_json::json;

use super::service::shop;

fn client(sandbox: &Sandbox) -> Client {
    Client::new(sandbox.clone(), "shop")
}

#[tokio::test]
async fn objects_come_and_go() {
    let sandbox = shop().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    let new: ConfigMap = serde_json::from_value(json!({"metadata": {"name": "new"}, "data": {"a": "1"}})).unwrap();
    let created = maps.create(&PostParams::default(), &new).await.expect("it is new");
    assert!(created.uid().is_some());
    let patch = Patch::Merge(json!({"data": {"a": null, "b": "2"}}));
    let patched = maps.patch("new", &PatchParams::default(), &patch).await.expect("it is there");
    assert_eq!(patched.data, Some([("b".to_owned(), "2".to_owned())].into()));

    let mut stale = created;
    stale.data = None;
    let refused = maps.replace("new", &PostParams::default(), &stale).await.expect_err("it was changed meanwhile");
    assert!(matches!(&refused, kube::Error::Api(status) if status.code == 409), "{refused}");

    maps.delete("new", &DeleteParams::default()).await.expect("it is there");
    assert!(maps.get_opt("new").await.expect("an answer").is_none());
}

#[tokio::test]
async fn lists_come_in_pages_and_as_metadata() {
    let sandbox = shop().await;
    let deployments: Api<Deployment> = Api::all(client(&sandbox));
    let first = deployments.list(&ListParams::default().limit(1)).await.expect("a page");
    assert_eq!((first.items.len(), first.metadata.remaining_item_count), (1, Some(1)));
    let token = first.metadata.continue_.expect("there is more");
    let second = deployments.list(&ListParams::default().limit(1).continue_token(&token)).await.expect("a page");
    assert_eq!(second.items[0].name_any(), "web");

    let pods: Api<Pod> = Api::all(client(&sandbox));
    let metadata = pods.list_metadata(&ListParams::default().labels("app=toolbox")).await.expect("a list");
    assert_eq!(metadata.items.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), ["toolbox"]);
}

#[tokio::test]
async fn discovery_finds_custom_types() {
    let sandbox = shop().await;
    let client = client(&sandbox);
    let discovery = Discovery::new(client.clone()).run_aggregated().await.expect("types");
    let kind = GroupVersionKind::gvk("shop.example.com", "v1", "Coupon");
    let (resource, capabilities) = discovery.resolve_gvk(&kind).expect("the shop has coupons");
    assert_eq!((resource.plural.as_str(), capabilities.subresources.len()), ("coupons", 1));
    let coupons: Api<DynamicObject> = Api::default_namespaced_with(client, &resource);
    let list = coupons.list(&ListParams::default()).await.expect("a list");
    assert_eq!(list.items.len(), 3);
    assert_eq!(list.items[0].data["spec"]["percent"], 35);
}

#[tokio::test]
async fn watches_follow() {
    let sandbox = shop().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(client(&sandbox));
    let revision = sandbox.cluster().revision().to_string();
    let mut events = maps.watch(&WatchParams::default(), &revision).await.expect("a watch").boxed();
    let patch = Patch::Merge(json!({"metadata": {"labels": {"seen": "yes"}}}));
    maps.patch("web", &PatchParams::default(), &patch).await.expect("it is there");
    let event = events.try_next().await.expect("a whole line").expect("an event");
    assert!(matches!(&event, WatchEvent::Modified(map) if map.labels()["seen"] == "yes"), "{event:?}");
}
