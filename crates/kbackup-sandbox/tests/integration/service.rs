//! Requests and answers, without a socket.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use kbackup_sandbox::{Body, Fault, FaultRule, Sandbox, manifest, shop};
use serde_json::{Value, json};
use tower::ServiceExt;

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const METADATA: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
const MAPS: &str = "/api/v1/namespaces/shop/configmaps";

/// A sandbox with the shop in it.
pub(crate) async fn shop() -> Sandbox {
    let sandbox = Sandbox::default();
    let manifests = shop::manifests().expect("the shop's files are YAML");
    manifest::load(sandbox.cluster(), manifests, "test").await.expect("the shop is accepted");
    sandbox
}

struct Ask<'a> {
    method: Method,
    path: &'a str,
    accept: &'a str,
    content_type: &'a str,
    body: String,
}

fn get(path: &str) -> Ask<'_> {
    Ask { method: Method::GET, path, accept: "application/json", content_type: "", body: String::new() }
}

fn send<'a>(method: &str, path: &'a str, content_type: &'a str, body: &str) -> Ask<'a> {
    let method = method.parse().expect("a method");
    Ask { method, content_type, body: body.to_owned(), ..get(path) }
}

async fn answer(sandbox: &Sandbox, ask: Ask<'_>) -> Response<Body> {
    let request = Request::builder()
        .method(ask.method)
        .uri(ask.path)
        .header("accept", ask.accept)
        .header("content-type", ask.content_type)
        .header("user-agent", "tester/1.0 (linux)")
        .body(Full::new(Bytes::from(ask.body)))
        .expect("a request");
    let Ok(answer) = sandbox.clone().oneshot(request).await;
    answer
}

async fn ask(sandbox: &Sandbox, what: Ask<'_>) -> (u16, Value) {
    let answer = answer(sandbox, what).await;
    let status = answer.status().as_u16();
    let bytes = answer.into_body().collect().await.expect("a whole body").to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into()))
}

#[tokio::test]
async fn codes_and_reasons() {
    let sandbox = shop().await;
    let revision = sandbox.cluster().revision();
    let config_map = r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"web"}}"#;
    let exact = format!("{MAPS}?resourceVersion={}&resourceVersionMatch=Exact", revision.0 + 1000);
    for (what, expect) in [
        (get("/nothing"), (404, "NotFound")),
        (get("/apis/example.com/v1/things"), (404, "NotFound")),
        (get("/api/v1/namespaces/shop/configmaps/none"), (404, "NotFound")),
        (get("/api/v1/namespaces/shop/configmaps/web/log"), (404, "NotFound")),
        (send("POST", "/api", "", ""), (405, "MethodNotAllowed")),
        (send("PUT", MAPS, "application/json", "{}"), (405, "MethodNotAllowed")),
        (send("POST", MAPS, "application/json", config_map), (409, "AlreadyExists")),
        (send("POST", MAPS, "text/html", "<p>"), (415, "UnsupportedMediaType")),
        (
            send("PATCH", "/api/v1/namespaces/shop/configmaps/web", "application/json", "{}"),
            (415, "UnsupportedMediaType"),
        ),
        (send("POST", MAPS, "application/json", "{"), (400, "BadRequest")),
        (send("POST", "/api/v1/namespaces/none/configmaps", "application/json", config_map), (404, "NotFound")),
        (send("POST", "/api/v1/namespaces/shop/configmaps?dryRun=Some", "application/json", "{}"), (422, "Invalid")),
        (
            send(
                "POST",
                MAPS,
                "application/json",
                r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"A_b"}}"#,
            ),
            (422, "Invalid"),
        ),
        (send("DELETE", "/api/v1/namespaces/kube-system", "", ""), (403, "Forbidden")),
        (get(&format!("{MAPS}?resourceVersionMatch=Exact")), (422, "Invalid")),
        (get(&exact), (504, "Timeout")),
        (get(&format!("{MAPS}?fieldSelector=data.x%3D1")), (400, "BadRequest")),
        (Ask { accept: "application/vnd.kubernetes.protobuf", ..get(MAPS) }, (406, "NotAcceptable")),
    ] {
        let told = format!("{} {}", what.method, what.path);
        let (code, status) = ask(&sandbox, what).await;
        assert_eq!((code, status["reason"].as_str().unwrap_or_default()), expect, "{told}: {status}");
        assert_eq!(status["code"], code, "{told}");
    }
}

#[tokio::test]
async fn old_states_stay_listable_until_they_are_compacted() {
    let sandbox = shop().await;
    let revision = sandbox.cluster().revision();
    let exact = format!("{MAPS}?limit=2&resourceVersion={revision}&resourceVersionMatch=Exact");
    let (_, before) = ask(&sandbox, get(&exact)).await;
    ask(&sandbox, send("DELETE", MAPS, "", "")).await;
    let (_, after) = ask(&sandbox, get(&exact)).await;
    assert_eq!(before, after);
    assert_eq!(before["metadata"]["resourceVersion"], revision.to_string());
    assert_eq!(before["metadata"]["remainingItemCount"], 2);

    let next = format!("{MAPS}?limit=2&continue={}", before["metadata"]["continue"].as_str().expect("a token"));
    let (_, second) = ask(&sandbox, get(&next)).await;
    assert_eq!(second["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(second["metadata"]["continue"], Value::Null);

    sandbox.cluster().compact_all();
    for path in [&exact, &next] {
        let (code, status) = ask(&sandbox, get(path)).await;
        assert_eq!((code, &status["reason"]), (410, &json!("Expired")), "{path}");
    }
}

#[tokio::test]
async fn items_of_lists_name_their_type_only_where_it_is_custom() {
    let sandbox = shop().await;
    let (_, maps) = ask(&sandbox, get(MAPS)).await;
    assert_eq!((&maps["kind"], &maps["items"][0]["kind"]), (&json!("ConfigMapList"), &Value::Null));
    let (_, coupons) = ask(&sandbox, get("/apis/shop.example.com/v1/coupons")).await;
    assert_eq!((&coupons["kind"], &coupons["items"][0]["kind"]), (&json!("CouponList"), &json!("Coupon")));
    let (_, metadata) = ask(&sandbox, Ask { accept: METADATA, ..get(MAPS) }).await;
    assert_eq!(metadata["kind"], "PartialObjectMetadataList");
    assert_eq!(metadata["items"][0]["metadata"]["name"], "cart");
    assert_eq!(metadata["items"][0]["data"], Value::Null);
}

#[tokio::test]
async fn tables() {
    let sandbox = shop().await;
    for (path, columns, first) in [
        (
            "/apis/apps/v1/namespaces/shop/deployments",
            "Name,Ready,Up-to-date,Available,Age",
            json!(["cart", "0/2", 0, 0]),
        ),
        ("/api/v1/namespaces/shop/secrets", "Name,Type,Data,Age", json!(["db", "Opaque", 2])),
        ("/api/v1/namespaces/shop/pods", "Name,Ready,Status,Restarts,Age", json!(["toolbox", "0/1", "Pending", "0"])),
        (
            "/api/v1/persistentvolumeclaims",
            "Name,Status,Volume,Capacity,Access Modes,StorageClass,VolumeAttributesClass,Age",
            json!(["data-db-0", "Bound", "shop-db", "1Gi", "RWO", "shop-standard", "<unset>"]),
        ),
        ("/apis/shop.example.com/v1/coupons", "Name,Percent,Until,Used,Age", json!(["staff", 35, null, null])),
        (
            "/apis/policy/v1/poddisruptionbudgets",
            "Name,Min Available,Max Unavailable,Allowed Disruptions,Age",
            json!(["web", "2", "N/A", 0]),
        ),
        ("/api/v1/namespaces/shop/limitranges", "Name,Age", json!(["containers"])),
    ] {
        let (_, table) = ask(&sandbox, Ask { accept: TABLE, ..get(path) }).await;
        let shown =
            table["columnDefinitions"].as_array().into_iter().flatten().filter(|column| column["priority"] == 0);
        let names: Vec<_> = shown.filter_map(|column| column["name"].as_str()).collect();
        assert_eq!(names.join(","), columns, "{path}");
        // The age moves on while this runs.
        let cells = table["rows"][0]["cells"].as_array().expect(path);
        let expect = first.as_array().expect("a row");
        assert_eq!(cells[..expect.len()], expect[..], "{path}");
        assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata", "{path}");
    }
}

#[tokio::test]
async fn watches_tell_what_happens_line_by_line() {
    let sandbox = shop().await;
    let revision = sandbox.cluster().revision();
    let from = format!("{MAPS}?watch=1&resourceVersion={revision}&fieldSelector=metadata.name%3Dnew");
    let watch = answer(&sandbox, get(&from)).await;
    let new = r#"{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"new"},"data":{"a":"1"}}"#;
    let patch = "application/merge-patch+json";
    ask(&sandbox, send("POST", MAPS, "application/json", new)).await;
    ask(&sandbox, send("PATCH", &format!("{MAPS}/new"), patch, r#"{"data":{"a":"2"}}"#)).await;
    ask(&sandbox, send("DELETE", &format!("{MAPS}/new"), "", "")).await;

    let mut body = watch.into_body();
    for (kind, value) in [("ADDED", "1"), ("MODIFIED", "2"), ("DELETED", "2")] {
        let event = next_event(&mut body).await;
        assert_eq!((&event["type"], &event["object"]["data"]["a"]), (&json!(kind), &json!(value)));
    }
}

#[tokio::test]
async fn watches_begin_with_what_there_is() {
    let sandbox = shop().await;
    let path =
        format!("{MAPS}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
    let mut body = answer(&sandbox, get(&path)).await.into_body();
    for name in ["cart", "kube-root-ca.crt", "logo", "web"] {
        let event = next_event(&mut body).await;
        assert_eq!((&event["type"], &event["object"]["metadata"]["name"]), (&json!("ADDED"), &json!(name)));
    }
    let bookmark = next_event(&mut body).await;
    assert_eq!(bookmark["type"], "BOOKMARK");
    assert_eq!(bookmark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
}

#[tokio::test]
async fn a_watch_from_a_compacted_revision_says_so_in_its_stream() {
    let sandbox = shop().await;
    sandbox.cluster().compact_all();
    let answer = answer(&sandbox, get(&format!("{MAPS}?watch=1&resourceVersion=1"))).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let event = next_event(&mut answer.into_body()).await;
    assert_eq!((&event["type"], &event["object"]["reason"]), (&json!("ERROR"), &json!("Expired")));
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_when_its_time_is_over() {
    let sandbox = shop().await;
    let path = format!("{MAPS}?watch=1&resourceVersion={}&timeoutSeconds=30", sandbox.cluster().revision());
    let body = answer(&sandbox, get(&path)).await.into_body();
    let started = tokio::time::Instant::now();
    assert!(body.collect().await.expect("it ends well").to_bytes().is_empty());
    assert_eq!(started.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn deletions_take_options_from_body_and_query() {
    let sandbox = shop().await;
    let web = format!("{MAPS}/web");
    let wrong = |field: &str| json!({"preconditions": {field: "123"}}).to_string();
    for body in [wrong("uid"), wrong("resourceVersion")] {
        let (code, status) = ask(&sandbox, send("DELETE", &web, "application/json", &body)).await;
        assert_eq!((code, &status["reason"]), (409, &json!("Conflict")), "{body}");
    }
    let dry_run = format!("{web}?dryRun=All");
    assert_eq!(ask(&sandbox, send("DELETE", &dry_run, "", "")).await.0, 200);
    assert_eq!(ask(&sandbox, get(&web)).await.0, 200);
    let (code, status) = ask(&sandbox, send("DELETE", &web, "", "")).await;
    assert_eq!((code, &status["status"], &status["details"]["name"]), (200, &json!("Success"), &json!("web")));
    assert_eq!(ask(&sandbox, get(&web)).await.0, 404);
}

#[tokio::test]
async fn discovery_is_the_same_in_both_forms() {
    let sandbox = shop().await;
    sandbox.cluster().break_group("metrics.k8s.io/v1beta1", "its server is gone");
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let (_, aggregated) = ask(&sandbox, Ask { accept, ..get("/apis") }).await;
    let (_, legacy) = ask(&sandbox, get("/apis")).await;
    let names = |list: &Value, name: &str| -> Vec<String> {
        let entries = list.as_array().expect("groups").iter();
        entries.map(|entry| entry.pointer(name).and_then(Value::as_str).expect("a name").to_owned()).collect()
    };
    let groups = names(&legacy["groups"], "/name");
    assert_eq!(names(&aggregated["items"], "/metadata/name"), groups);
    assert!(groups.contains(&"shop.example.com".to_owned()) && groups.contains(&"metrics.k8s.io".to_owned()));
    for group in groups.iter().filter(|group| *group != "metrics.k8s.io") {
        let (code, list) = ask(&sandbox, get(&format!("/apis/{group}"))).await;
        assert_eq!((code, &list["kind"]), (200, &json!("APIGroup")));
        let version = list["preferredVersion"]["groupVersion"].as_str().expect("a version").to_owned();
        let (code, list) = ask(&sandbox, get(&format!("/apis/{version}"))).await;
        assert_eq!((code, &list["kind"]), (200, &json!("APIResourceList")), "{version}");
    }
    assert_eq!(ask(&sandbox, get("/apis/metrics.k8s.io/v1beta1")).await.0, 503);
}

#[tokio::test]
async fn every_document_of_the_openapi_index_is_there() {
    let sandbox = shop().await;
    let (_, index) = ask(&sandbox, get("/openapi/v3")).await;
    let paths = index["paths"].as_object().expect("paths");
    assert!(paths.contains_key("api/v1") && paths.contains_key("apis/shop.example.com/v1"));
    for entry in paths.values() {
        let (code, document) = ask(&sandbox, get(entry["serverRelativeURL"].as_str().expect("a path"))).await;
        assert_eq!((code, &document["openapi"]), (200, &json!("3.0.0")), "{entry}");
    }
}

#[tokio::test]
async fn faults_happen_as_often_as_they_should() {
    let sandbox = shop().await;
    let rule = |fault| FaultRule { method: Some(Method::GET), path_prefix: MAPS.to_owned(), times: 1, fault };
    sandbox.faults().add(rule(Fault::TooManyRequests { retry_after: Duration::from_secs(3) }));
    sandbox.faults().add(rule(Fault::Unavailable));
    sandbox.faults().add(rule(Fault::Cut { after_bytes: 100 }));
    let throttled = answer(&sandbox, get(MAPS)).await;
    assert_eq!((throttled.status().as_u16(), throttled.headers()["retry-after"].to_str().ok()), (429, Some("3")));
    assert_eq!(ask(&sandbox, get(MAPS)).await.0, 503);
    let cut = answer(&sandbox, get(MAPS)).await;
    assert!(cut.status() == StatusCode::OK && cut.into_body().collect().await.is_err());
    assert_eq!(ask(&sandbox, get(MAPS)).await.0, 200);
}

/// The next line of a watch.
async fn next_event(body: &mut Body) -> Value {
    let frame = body.frame().await.expect("the watch goes on").expect("a frame");
    serde_json::from_slice(&frame.into_data().expect("data")).expect("one line of JSON")
}
