use std::time::Duration;

use kbackup_core::cluster::{ClusterErrorKind, ClusterReader, ClusterWriter, Condition, Created, Waited, WriteOptions};
use kbackup_core::model::{Gvr, Object, ObjectRef};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Answer, answering, asked, scripted};

fn status(code: u16, reason: &str) -> Answer {
    Answer::json(code, &json!({"kind": "Status", "code": code, "reason": reason, "message": reason}))
}

fn config_map() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web", "namespace": "shop"}})
}

fn at() -> ObjectRef {
    ObjectRef::namespaced(Gvr::new("", "v1", "configmaps"), "shop", "web")
}

#[tokio::test(start_paused = true)]
async fn reads_are_tried_again_when_the_server_says() {
    let (cluster, log) = scripted([
        status(429, "TooManyRequests").header("retry-after", "3"),
        status(503, "ServiceUnavailable"),
        Answer::pieces(200, [Some("{\"api".to_owned()), None]),
        Answer::json(200, &config_map()),
    ]);
    let begun = Instant::now();
    let object = cluster.get(&at()).await.expect("an answer").expect("an object");
    assert_eq!(object.meta().name, "web");
    assert_eq!(asked(&log), ["GET /api/v1/namespaces/shop/configmaps/web"; 4]);
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(3) && waited < Duration::from_secs(6), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_down_is_given_up() {
    let (cluster, log) = answering(|_| status(503, "ServiceUnavailable"));
    let error = cluster.get(&at()).await.expect_err("it is down");
    assert_eq!((error.kind(), error.is_retryable()), (ClusterErrorKind::Unavailable, true));
    assert_eq!(asked(&log).len(), 5);
}

#[tokio::test(start_paused = true)]
async fn creates_are_tried_again_only_where_nothing_was_done() {
    let ty = kbackup_core::model::ResourceType {
        gvr: at().gvr,
        kind: "ConfigMap".into(),
        singular: String::new(),
        short_names: Vec::new(),
        categories: Vec::new(),
        namespaced: true,
        verbs: Vec::new(),
        has_status: false,
        preferred: true,
    };
    let object = Object::from_value(&config_map()).expect("an object");
    let options = WriteOptions::default();
    let (cluster, log) = scripted([status(429, "TooManyRequests"), Answer::json(201, &config_map())]);
    assert!(matches!(cluster.create(&ty, &object, &options).await, Ok(Created::New(_))));
    assert_eq!(asked(&log).len(), 2);

    let (cluster, log) = scripted([status(503, "ServiceUnavailable"), Answer::json(201, &config_map())]);
    let error = cluster.create(&ty, &object, &options).await.expect_err("who knows");
    assert_eq!((error.kind(), asked(&log).len()), (ClusterErrorKind::Unavailable, 1));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_given_up() {
    let service = tower::service_fn(|_: http::Request<kube::client::Body>| {
        std::future::pending::<Result<http::Response<kube::client::Body>, std::io::Error>>()
    });
    let client = kube::Client::new(service, "default");
    let cluster = kbackup_kube::KubeCluster::new(client, "https://slow", kbackup_kube::CallLimits::default());
    let error = cluster.get(&at()).await.expect_err("nothing comes");
    assert_eq!(error.to_string(), "https://slow sent nothing for 75 s");
    assert_eq!(error.kind(), ClusterErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn a_server_without_aggregated_discovery_is_asked_group_by_group() {
    let (cluster, log) = answering(|line| match line {
        "GET /api" => Answer::json(200, &json!({"kind": "APIVersions", "versions": ["v1"]})),
        "GET /apis" => Answer::json(
            200,
            &json!({"kind": "APIGroupList", "groups": [
                {"name": "apps", "versions": [{"version": "v1"}]},
                {"name": "metrics.k8s.io", "versions": [{"version": "v1beta1"}]}]}),
        ),
        "GET /api/v1" => Answer::json(
            200,
            &json!({"resources": [{"name": "pods", "singularName": "pod", "namespaced": true, "kind": "Pod", "verbs": ["list"]}]}),
        ),
        "GET /apis/apps/v1" => Answer::json(200, &json!({"resources": []})),
        "GET /apis/metrics.k8s.io/v1beta1" => status(503, "nobody is there"),
        _ => status(404, "NotFound"),
    });
    let discovery = cluster.discover().await.expect("discovery");
    let types: Vec<String> = discovery.types().iter().map(|ty| ty.gvr.to_string()).collect();
    assert_eq!(types, ["v1/pods"]);
    let broken: Vec<_> =
        discovery.broken().iter().map(|broken| (broken.group_version.as_str(), broken.message.as_str())).collect();
    assert_eq!(broken, [("metrics.k8s.io/v1beta1", "nobody is there")]);
    assert!(asked(&log).contains(&"GET /apis/apiregistration.k8s.io/v1/apiservices".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_discovery_leaves_out_is_told_by_its_registration() {
    let group = |name: &str, freshness: &str| json!({"metadata": {"name": name}, "versions": [{"version": "v1", "freshness": freshness, "resources": []}]});
    let service = |group: &str, available: &str| {
        json!({"spec": {"group": group, "version": "v1"},
            "status": {"conditions": [{"type": "Available", "status": available, "message": "endpoints not found"}]}})
    };
    let (apis, services) = (
        json!({"kind": "APIGroupDiscoveryList", "items": [group("apps", "Current"), group("stale", "Stale")]}),
        json!({"items": [service("apps", "True"), service("stale", "False"), service("gone", "False")]}),
    );
    let (cluster, _) = answering(move |line| match line {
        "GET /api" => Answer::json(200, &json!({"kind": "APIGroupDiscoveryList", "items": []})),
        "GET /apis" => Answer::json(200, &apis),
        "GET /apis/stale/v1" => status(503, "still not there"),
        "GET /apis/apiregistration.k8s.io/v1/apiservices" => Answer::json(200, &services),
        _ => status(404, "NotFound"),
    });
    let discovery = cluster.discover().await.expect("discovery");
    let broken: Vec<_> =
        discovery.broken().iter().map(|broken| (broken.group_version.as_str(), broken.message.as_str())).collect();
    let unavailable = "its APIService is not available: endpoints not found";
    assert_eq!(broken, [("stale/v1", "still not there"), ("gone/v1", unavailable)]);
}

#[tokio::test(start_paused = true)]
async fn a_type_that_was_defined_a_moment_ago_is_not_missed() {
    let definition = json!({
        "metadata": {"name": "carts.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "carts", "kind": "Cart"},
                 "versions": [{"name": "v1", "served": true}]},
        "status": {"conditions": [{"type": "Established", "status": "True"}]}});
    let names = json!({"items": [definition]});
    let (cluster, _) = answering(move |line| match line.strip_prefix("GET ").unwrap_or_default() {
        "/api" | "/apis" => Answer::json(200, &json!({"kind": "APIGroupDiscoveryList", "items": []})),
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions" => Answer::json(200, &names),
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/carts.example.com" => Answer::json(200, &definition),
        _ => status(403, "Forbidden"),
    });
    let discovery = cluster.discover().await.expect("discovery");
    let types: Vec<String> = discovery.preferred().map(|ty| ty.gvr.to_string()).collect();
    assert_eq!((types, discovery.broken().len()), (vec!["example.com/v1/carts".to_owned()], 0));
}

#[tokio::test(start_paused = true)]
async fn a_cluster_without_definitions_says_null() {
    let (cluster, _) = answering(|line| match line.strip_prefix("GET ").unwrap_or_default() {
        "/api" | "/apis" => Answer::json(200, &json!({"kind": "APIGroupDiscoveryList", "items": null})),
        _ => Answer::json(200, &json!({"metadata": {}, "items": null})),
    });
    let discovery = cluster.discover().await.expect("discovery");
    assert_eq!((discovery.types().len(), discovery.broken().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_may_not_watch_asks_again_and_again() {
    let answers = [
        status(403, "Forbidden"),
        Answer::json(200, &config_map()),
        Answer::json(200, &config_map()),
        status(404, "NotFound"),
    ];
    let (cluster, log) = scripted(answers);
    let waited = cluster.wait(&at(), &Condition::Gone, Duration::from_secs(60)).await.expect("it waits");
    assert_eq!((waited, asked(&log).len()), (Waited::Met, 4));
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_is_taken_up_again() {
    let list = |items: Value| Answer::json(200, &json!({"metadata": {"resourceVersion": "7"}, "items": items}));
    let event = |kind: &str| Some(format!("{}\n", json!({"type": kind, "object": config_map()})));
    let (cluster, log) = scripted([
        list(json!([config_map()])),
        Answer::pieces(200, [event("MODIFIED"), None]),
        list(json!([config_map()])),
        Answer::pieces(200, [event("DELETED")]),
    ]);
    let waited = cluster.wait(&at(), &Condition::Gone, Duration::from_secs(60)).await.expect("it waits");
    assert_eq!(waited, Waited::Met);
    let path = "GET /api/v1/namespaces/shop/configmaps?fieldSelector=metadata.name%3Dweb";
    let watch = format!("{path}&watch=true&resourceVersion=7&timeoutSeconds=45");
    assert_eq!(asked(&log), [path, &watch, path, &watch]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_has_an_end() {
    let list = json!({"metadata": {"resourceVersion": "7"}, "items": [config_map()]});
    let (cluster, _) =
        answering(
            move |line| {
                if line.contains("watch=true") { Answer::pieces(200, []) } else { Answer::json(200, &list) }
            },
        );
    let begun = Instant::now();
    let waited = cluster.wait(&at(), &Condition::Gone, Duration::from_secs(10)).await.expect("it waits");
    assert_eq!((waited, begun.elapsed().as_secs()), (Waited::TimedOut, 10));
}
