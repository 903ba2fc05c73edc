//! What a real API server does, told as requests and answers.

use std::sync::Arc;

use futures::StreamExt;
use serde_json::{Value, json};

use super::{Deleted, ListAt, ListRequest, MemoryCluster, Request, WatchEvent, WatchRequest};
use crate::clock::ManualClock;
use crate::cluster::{ClusterErrorKind as Kind, ClusterResult, DeleteOptions, Part, Patch, Propagation, WriteOptions};
use crate::model::{Gvr, Object, ObjectRef, Revision};

const NOW: &str = "2026-11-23T10:00:00Z";

fn cluster() -> MemoryCluster {
    let clock = ManualClock::at(NOW.parse().expect("a time"));
    MemoryCluster::builder().clock(Arc::new(clock)).seed(1).build()
}

fn gvr(text: &str) -> Gvr {
    text.parse().expect("a type")
}

fn at(ty: &str, name: &str) -> ObjectRef {
    ObjectRef::namespaced(gvr(ty), "default", name)
}

fn create(cluster: &MemoryCluster, ty: &str, name: &str, body: Value) -> ClusterResult<Object> {
    create_in(cluster, ty, Some("default"), name, body)
}

fn create_in(
    cluster: &MemoryCluster,
    ty: &str,
    ns: Option<&str>,
    name: &str,
    mut body: Value,
) -> ClusterResult<Object> {
    body["metadata"]["name"] = json!(name);
    cluster.create(&gvr(ty), ns, body, &WriteOptions::default())
}

fn refusal<T: std::fmt::Debug>(result: ClusterResult<T>) -> (Kind, String) {
    let error = result.expect_err("the server refuses this");
    (error.kind(), error.to_string())
}

fn patch(cluster: &MemoryCluster, at: &ObjectRef, change: Value) -> ClusterResult<Object> {
    cluster.patch(at, &Patch::Merge(change), Part::Main, &WriteOptions::default())
}

fn delete(cluster: &MemoryCluster, at: &ObjectRef) -> ClusterResult<Deleted> {
    cluster.delete(at, &DeleteOptions::default())
}

fn names(cluster: &MemoryCluster, request: &ListRequest) -> Vec<String> {
    let page = cluster.list_page(request).expect("the type is served");
    page.objects.iter().map(|object| object.meta().name.clone()).collect()
}

#[test]
fn a_fresh_cluster_has_what_a_real_one_has() {
    let cluster = cluster();
    let namespaces = names(&cluster, &ListRequest::new(gvr("v1/namespaces")));
    assert_eq!(namespaces, ["default", "kube-node-lease", "kube-public", "kube-system"]);
    let service = cluster.get(&at("v1/services", "kubernetes")).expect("the server's own Service").to_value();
    assert_eq!(service["spec"]["clusterIPs"], json!(["10.96.0.1"]));
    let accounts = names(&cluster, &ListRequest::new(gvr("v1/serviceaccounts")));
    assert_eq!(accounts, ["default"; 4]);
}

#[test]
fn a_create_gives_what_only_a_server_can() {
    let cluster = cluster();
    let body = json!({
        "metadata": {"generateName": "web-", "uid": "mine", "generation": 7, "deletionTimestamp": NOW},
        "spec": {"replicas": 1}, "status": {"replicas": 9},
    });
    let made = cluster
        .create(&gvr("apps/v1/deployments"), Some("default"), body, &WriteOptions::default())
        .expect("it is valid");
    let value = made.to_value();
    assert!(made.meta().name.starts_with("web-") && made.meta().name.len() == 9, "{made}");
    assert_ne!(made.meta().uid, "mine");
    assert_eq!(made.meta().resource_version, cluster.revision().to_string());
    assert_eq!(value["metadata"]["creationTimestamp"], NOW);
    assert_eq!(value["metadata"]["generation"], 1);
    assert_eq!(value["apiVersion"], "apps/v1");
    assert!(!made.meta().deleting);
    assert_eq!(value.get("status"), None);
}

#[test]
fn what_cannot_be_created_is_refused_in_the_servers_words() {
    let cluster = cluster();
    create(&cluster, "v1/configmaps", "web", json!({})).expect("it is valid");
    let refused =
        |ty: &str, ns: Option<&str>, name: &str, body: Value| refusal(create_in(&cluster, ty, ns, name, body));
    assert_eq!(
        refused("v1/configmaps", Some("default"), "web", json!({})),
        (Kind::AlreadyExists, "configmaps \"web\" already exists".to_owned())
    );
    assert_eq!(
        refused("v1/configmaps", Some("shop"), "web", json!({})),
        (Kind::NotFound, "namespaces \"shop\" not found".to_owned())
    );
    assert_eq!(refused("v1/widgets", None, "web", json!({})).0, Kind::NotFound);
    assert_eq!(refused("v1/configmaps", Some("default"), "a", json!({"kind": "Secret"})).0, Kind::Invalid);
    assert_eq!(refused("v1/configmaps", Some("default"), "a", json!({"apiVersion": "v2"})).0, Kind::Invalid);
    assert_eq!(
        refused("v1/configmaps", Some("default"), "a", json!({"metadata": {"namespace": "kube-system"}})).1,
        "the namespace of the provided object does not match the namespace sent on the request"
    );
    let (kind, message) = refused("v1/configmaps", Some("default"), "Web", json!({}));
    assert_eq!(kind, Kind::Invalid);
    assert!(
        message.starts_with("ConfigMap \"Web\" is invalid: metadata.name: Invalid value: \"Web\": a lowercase"),
        "{message}"
    );
    let large = json!({"data": {"a": "x".repeat(3 << 20)}});
    assert_eq!(
        refused("v1/configmaps", Some("default"), "large", large).1,
        "Request entity too large: limit is 3145728"
    );
    assert_eq!(refused("authentication.k8s.io/v1/tokenreviews", None, "", json!({})).0, Kind::Invalid);
}

#[test]
fn a_dry_run_changes_nothing() {
    let cluster = cluster();
    let before = cluster.revision();
    let dry = WriteOptions { dry_run: true, ..WriteOptions::default() };
    let body = json!({"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}});
    let made = cluster.create(&gvr("v1/services"), Some("default"), body, &dry).expect("it would be valid");
    assert!(made.to_value()["spec"]["clusterIP"].is_string());
    let options = DeleteOptions { dry_run: true, ..DeleteOptions::default() };
    cluster.delete(&at("v1/services", "kubernetes"), &options).expect("it could be deleted");
    assert_eq!(cluster.revision(), before);
}

#[test]
fn an_update_keeps_what_is_the_servers() {
    let cluster = cluster();
    let at = at("apps/v1/deployments", "web");
    let made = create(&cluster, "apps/v1/deployments", "web", json!({"spec": {"replicas": 1}})).expect("it is valid");
    let status = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"replicas": 5}, "status": {"replicas": 1}});
    let told =
        cluster.replace(&at, status, Part::Status, &WriteOptions::default()).expect("it has a status").to_value();
    assert_eq!((&told["spec"]["replicas"], &told["status"]["replicas"]), (&json!(1), &json!(1)));
    let change = json!({"spec": {"replicas": 2}, "status": {"replicas": 7}});
    let scaled = patch(&cluster, &at, change).expect("it is valid");
    let value = scaled.to_value();
    assert_eq!((&value["metadata"]["generation"], &value["status"]["replicas"]), (&json!(2), &json!(1)));
    assert_eq!(scaled.meta().uid, made.meta().uid);
    let labelled = patch(&cluster, &at, json!({"metadata": {"labels": {"a": "b"}}})).expect("it is valid");
    assert_eq!(labelled.to_value()["metadata"]["generation"], 2);
    let before = cluster.revision();
    let again = patch(&cluster, &at, json!({"metadata": {"labels": {"a": "b"}}})).expect("it is valid");
    assert_eq!((cluster.revision(), again), (before, labelled), "what changes nothing is no write");
}

#[test]
fn an_older_state_does_not_win() {
    let cluster = cluster();
    let at = at("v1/configmaps", "web");
    let old = create(&cluster, "v1/configmaps", "web", json!({"data": {"a": "1"}})).expect("it is valid");
    patch(&cluster, &at, json!({"data": {"a": "2"}})).expect("it is valid");
    let replace = |body: Value| refusal(cluster.replace(&at, body, Part::Main, &WriteOptions::default()));
    let why = "Operation cannot be fulfilled on configmaps \"web\": the object has been modified; \
               please apply your changes to the latest version and try again";
    assert_eq!(replace(old.to_value()), (Kind::Conflict, why.to_owned()));
    assert_eq!(replace(json!({"metadata": {"uid": "other"}})).0, Kind::Conflict);
    assert_eq!(replace(json!({"metadata": {"name": "other"}})).0, Kind::Invalid);
    let by_patch = json!({"metadata": {"resourceVersion": old.meta().resource_version}, "data": {"a": "3"}});
    assert_eq!(refusal(patch(&cluster, &at, by_patch)).0, Kind::Conflict);
}

#[test]
fn finalizers_hold_an_object() {
    let cluster = cluster();
    let at = at("v1/configmaps", "held");
    let made =
        create(&cluster, "v1/configmaps", "held", json!({"metadata": {"finalizers": ["a/b"]}})).expect("it is valid");
    let wrong = DeleteOptions { uid: Some("other".to_owned()), ..DeleteOptions::default() };
    assert_eq!(refusal(cluster.delete(&at, &wrong)).0, Kind::Conflict);
    let right = DeleteOptions { uid: Some(made.meta().uid.clone()), ..DeleteOptions::default() };
    let Ok(Deleted::Finalizing(held)) = cluster.delete(&at, &right) else { panic!("the finalizer must hold it") };
    assert_eq!(held.to_value()["metadata"]["deletionTimestamp"], NOW);
    let (kind, message) = refusal(create(&cluster, "v1/configmaps", "held", json!({})));
    assert_eq!((kind, &*message), (Kind::AlreadyExists, "object is being deleted: configmaps \"held\" already exists"));
    patch(&cluster, &at, json!({"metadata": {"finalizers": null}})).expect("finalizers can go");
    assert_eq!(refusal(cluster.get(&at)), (Kind::NotFound, "configmaps \"held\" not found".to_owned()));
}

#[test]
fn a_namespace_goes_with_all_that_is_in_it() {
    let cluster = cluster();
    create_in(&cluster, "v1/namespaces", None, "shop", json!({})).expect("it is valid");
    create_in(&cluster, "v1/configmaps", Some("shop"), "held", json!({"metadata": {"finalizers": ["a/b"]}}))
        .expect("ok");
    create_in(&cluster, "v1/secrets", Some("shop"), "key", json!({})).expect("ok");
    let shop = ObjectRef::cluster(gvr("v1/namespaces"), "shop");
    let Ok(Deleted::Finalizing(_)) = delete(&cluster, &shop) else { panic!("a namespace ends in two steps") };
    let value = cluster.get(&shop).expect("it is held").to_value();
    assert_eq!(value["status"]["phase"], "Terminating");
    let in_shop =
        |ty| names(&cluster, &ListRequest { namespace: Some("shop".to_owned()), ..ListRequest::new(gvr(ty)) });
    assert_eq!((in_shop("v1/configmaps"), in_shop("v1/secrets").len()), (vec!["held".to_owned()], 0));
    let refused = refusal(create_in(&cluster, "v1/configmaps", Some("shop"), "late", json!({})));
    let why = "configmaps \"late\" is forbidden: unable to create new content in namespace shop because it is being terminated";
    assert_eq!(refused, (Kind::Forbidden, why.to_owned()));
    let held = ObjectRef::namespaced(gvr("v1/configmaps"), "shop", "held");
    patch(&cluster, &held, json!({"metadata": {"finalizers": null}})).expect("finalizers can go");
    assert_eq!(refusal(cluster.get(&shop)).0, Kind::NotFound);
    let system = ObjectRef::cluster(gvr("v1/namespaces"), "kube-system");
    assert_eq!(
        refusal(delete(&cluster, &system)).1,
        "namespaces \"kube-system\" is forbidden: this namespace may not be deleted"
    );
}

#[test]
fn a_broken_group_holds_every_namespace() {
    let cluster = cluster();
    create_in(&cluster, "v1/namespaces", None, "shop", json!({})).expect("it is valid");
    cluster.break_group("metrics.k8s.io/v1beta1", "the server is currently unable to handle the request");
    assert_eq!(cluster.discovery().broken().len(), 1);
    let shop = ObjectRef::cluster(gvr("v1/namespaces"), "shop");
    delete(&cluster, &shop).expect("it can be asked to go");
    let held = cluster.get(&shop).expect("it is held").to_value();
    assert_eq!(held["status"]["conditions"][0]["type"], "NamespaceDeletionDiscoveryFailure");
    cluster.mend_group("metrics.k8s.io/v1beta1");
    assert_eq!(refusal(cluster.get(&shop)).0, Kind::NotFound);
}

#[test]
fn every_revision_can_be_listed_until_it_is_compacted() {
    let cluster = cluster();
    let maps = |request: ListRequest| ListRequest { namespace: Some("default".to_owned()), ..request };
    let request = maps(ListRequest::new(gvr("v1/configmaps")));
    for name in ["a", "b", "c"] {
        create(&cluster, "v1/configmaps", name, json!({})).expect("it is valid");
    }
    let then = cluster.revision();
    let first = cluster.list_page(&ListRequest { limit: Some(2), ..request.clone() }).expect("a page");
    assert_eq!((first.remaining, first.revision), (Some(2), then));
    delete(&cluster, &at("v1/configmaps", "c")).expect("it is there");
    create(&cluster, "v1/configmaps", "d", json!({})).expect("it is valid");
    let exact = ListRequest { at: ListAt::Exact(then), ..request.clone() };
    assert_eq!(names(&cluster, &exact), ["a", "b", "c", "kube-root-ca.crt"]);
    let rest = ListRequest { continue_token: first.continue_token.clone(), ..request.clone() };
    assert_eq!(names(&cluster, &rest), ["c", "kube-root-ca.crt"], "the pages of one list are of one revision");
    assert_eq!(names(&cluster, &request), ["a", "b", "d", "kube-root-ca.crt"]);
    let future = ListRequest { at: ListAt::Exact(Revision(9_999)), ..request.clone() };
    assert!(refusal(cluster.list_page(&future)).1.starts_with("Too large resource version"));
    cluster.compact_all();
    assert_eq!(refusal(cluster.list_page(&exact)).0, Kind::Expired);
    assert_eq!(refusal(cluster.list_page(&rest)).0, Kind::Expired);
    assert_eq!(names(&cluster, &request), ["a", "b", "d", "kube-root-ca.crt"]);
    let watch = cluster.watch(WatchRequest::new(gvr("v1/configmaps"), Some(then))).map(drop);
    assert_eq!(refusal(watch).0, Kind::Expired);
}

#[test]
fn old_writes_are_forgotten_where_history_is_bounded() {
    let cluster = MemoryCluster::builder().history_max(5).build();
    let then = cluster.revision();
    for count in 0..10 {
        let body = json!({"data": {"count": count.to_string()}});
        let made = cluster
            .load([json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": body["data"]})]);
        made.expect("it is valid");
    }
    let request = ListRequest { at: ListAt::Exact(then), ..ListRequest::new(gvr("v1/configmaps")) };
    assert_eq!(refusal(cluster.list_page(&request)).0, Kind::Expired);
    assert_eq!(cluster.get(&at("v1/configmaps", "x")).expect("it is there").to_value()["data"]["count"], "9");
}

#[test]
fn lists_select_by_labels_and_fields() {
    let cluster = cluster();
    for (name, app) in [("a", "web"), ("b", "db")] {
        create(&cluster, "v1/secrets", name, json!({"metadata": {"labels": {"app": app}}})).expect("it is valid");
    }
    let request = ListRequest::new(gvr("v1/secrets"));
    let labels = "app=web".parse().expect("a selector");
    assert_eq!(names(&cluster, &ListRequest { labels, ..request.clone() }), ["a"]);
    let fields = "type=Opaque,metadata.name!=a".parse().expect("a selector");
    assert_eq!(names(&cluster, &ListRequest { fields, ..request.clone() }), ["b"]);
    let unknown = ListRequest { fields: "spec.x=1".parse().expect("a selector"), ..request };
    assert_eq!(refusal(cluster.list_page(&unknown)), (Kind::Invalid, "field label not supported: spec.x".to_owned()));
}

fn widgets() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [
                {"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}},
                {"name": "v1beta1", "served": true, "storage": false},
            ],
        },
    })
}

#[test]
fn a_definition_adds_its_type_and_takes_it_away() {
    let cluster = cluster();
    cluster.load([widgets()]).expect("it is valid");
    let types: Vec<String> = cluster.discovery().find("widget").iter().map(|ty| ty.gvr.to_string()).collect();
    assert_eq!(types, ["example.com/v1/widgets"]);
    create(&cluster, "example.com/v1beta1/widgets", "w", json!({"spec": {"a": 1}})).expect("it is served");
    let stored = cluster.get(&at("example.com/v1/widgets", "w")).expect("it is one object").to_value();
    assert_eq!((&stored["apiVersion"], &stored["spec"]["a"]), (&json!("example.com/v1"), &json!(1)));
    let unconditional =
        cluster.replace(&at("example.com/v1/widgets", "w"), json!({}), Part::Main, &WriteOptions::default());
    assert!(
        refusal(unconditional)
            .1
            .ends_with("metadata.resourceVersion: Invalid value: 0x0: must be specified for an update")
    );
    let strategic = Patch::Strategic(json!({"spec": {"a": 2}}));
    let refused = cluster.patch(&at("example.com/v1/widgets", "w"), &strategic, Part::Main, &WriteOptions::default());
    assert_eq!(refusal(refused).0, Kind::Unsupported);
    patch(&cluster, &at("example.com/v1/widgets", "w"), json!({"metadata": {"finalizers": ["a/b"]}})).expect("ok");
    let definition =
        ObjectRef::cluster(gvr("apiextensions.k8s.io/v1/customresourcedefinitions"), "widgets.example.com");
    let Ok(Deleted::Finalizing(_)) = delete(&cluster, &definition) else { panic!("its instance holds it") };
    assert_eq!(refusal(create(&cluster, "example.com/v1/widgets", "late", json!({}))).0, Kind::Unsupported);
    patch(&cluster, &at("example.com/v1/widgets", "w"), json!({"metadata": {"finalizers": null}})).expect("ok");
    assert_eq!(refusal(cluster.get(&definition)).0, Kind::NotFound);
    assert_eq!(
        refusal(cluster.get(&at("example.com/v1/widgets", "w"))).1,
        "the server could not find the requested resource"
    );
    assert!(cluster.discovery().find("widget").is_empty());
}

#[test]
fn owned_objects_follow_their_owner_as_asked() {
    for (propagation, left) in [
        (None, 0),
        (Some(Propagation::Background), 0),
        (Some(Propagation::Foreground), 0),
        (Some(Propagation::Orphan), 1),
    ] {
        let cluster = cluster();
        let owner = create(&cluster, "apps/v1/deployments", "web", json!({})).expect("it is valid");
        let owners = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": owner.meta().uid}]);
        create(&cluster, "apps/v1/replicasets", "web-1", json!({"metadata": {"ownerReferences": owners}})).expect("ok");
        let options = DeleteOptions { propagation, ..DeleteOptions::default() };
        cluster.delete(&at("apps/v1/deployments", "web"), &options).expect("it is there");
        let sets = cluster.list_page(&ListRequest::new(gvr("apps/v1/replicasets"))).expect("a list").objects;
        assert_eq!(sets.len(), left, "{propagation:?}");
        assert!(sets.iter().all(|set| set.meta().owners.is_empty()), "{propagation:?}");
    }
}

#[test]
fn services_get_addresses_that_nobody_else_has() {
    let cluster = cluster();
    let service = |name: &str, spec: Value| create(&cluster, "v1/services", name, json!({"spec": spec}));
    let web = service("web", json!({"type": "NodePort", "ports": [{"port": 80}]})).expect("it is valid").to_value();
    let (ip, port) = (&web["spec"]["clusterIP"], &web["spec"]["ports"][0]["nodePort"]);
    assert!(port.as_u64().is_some_and(|port| (30_000..=32_767).contains(&port)), "{port}");
    let (kind, message) = refusal(service("other", json!({"clusterIP": ip})));
    assert_eq!(kind, Kind::Invalid);
    assert!(message.ends_with("provided IP is already allocated"), "{message}");
    let taken = service("other", json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": port}]}));
    let error = taken.expect_err("the port is taken");
    assert_eq!(error.fields()[0].field, "spec.ports[0].nodePort");
    assert_eq!(
        error.to_string(),
        format!(
            "Service \"other\" is invalid: spec.ports[0].nodePort: Invalid value: {port}: provided port is already allocated"
        )
    );
    let headless = service("headless", json!({"clusterIP": "None"})).expect("it is valid").to_value();
    assert_eq!(headless["spec"]["clusterIPs"], json!(["None"]));
    let external = service("external", json!({"type": "ExternalName", "externalName": "example.com"}));
    assert_eq!(external.expect("it is valid").to_value()["spec"].get("clusterIP"), None);
    delete(&cluster, &at("v1/services", "web")).expect("it is there");
    service("other", json!({"clusterIP": ip})).expect("the address is free again");
}

#[test]
fn a_service_that_is_updated_keeps_its_addresses() {
    let cluster = cluster();
    let body = json!({"spec": {"type": "NodePort", "ports": [{"port": 80}]}});
    let web = create(&cluster, "v1/services", "web", body.clone()).expect("it is valid").to_value();
    let again = cluster.replace(&at("v1/services", "web"), body, Part::Main, &WriteOptions::default());
    assert_eq!(again.expect("it is valid").to_value()["spec"], web["spec"]);
    let moved = patch(
        &cluster,
        &at("v1/services", "web"),
        json!({"spec": {"clusterIP": "10.96.9.9", "clusterIPs": ["10.96.9.9"]}}),
    );
    assert!(refusal(moved).1.ends_with("may not change once set"));
}

#[test]
fn a_claim_and_its_volume_bind() {
    let cluster = cluster();
    let volume = ObjectRef::cluster(gvr("v1/persistentvolumes"), "disk");
    let spec = json!({"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "claimRef": {"namespace": "default", "name": "data"}});
    create_in(&cluster, "v1/persistentvolumes", None, "disk", json!({"spec": spec})).expect("it is valid");
    create(&cluster, "v1/persistentvolumeclaims", "data", json!({"spec": {}})).expect("it is valid");
    let claim = cluster.get(&at("v1/persistentvolumeclaims", "data")).expect("it is there").to_value();
    assert_eq!((&claim["status"]["phase"], &claim["spec"]["volumeName"]), (&json!("Bound"), &json!("disk")));
    let bound = cluster.get(&volume).expect("it is there").to_value();
    assert_eq!(
        (&bound["status"]["phase"], &bound["spec"]["claimRef"]["uid"]),
        (&json!("Bound"), &claim["metadata"]["uid"])
    );
    delete(&cluster, &at("v1/persistentvolumeclaims", "data")).expect("it is there");
    assert_eq!(cluster.get(&volume).expect("it is there").to_value()["status"]["phase"], "Released");
    let stays = json!({"spec": {"volumeName": "disk"}});
    create(&cluster, "v1/persistentvolumeclaims", "data", stays).expect("it is valid");
    let claim = cluster.get(&at("v1/persistentvolumeclaims", "data")).expect("it is there").to_value();
    assert_eq!(claim["status"]["phase"], "Pending", "the volume is another claim's");
}

#[test]
fn a_pod_needs_its_account() {
    let cluster = cluster();
    let body = json!({"spec": {"serviceAccountName": "web", "containers": [{"name": "web"}]}});
    let why =
        "pods \"web\" is forbidden: error looking up service account default/web: serviceaccount \"web\" not found";
    assert_eq!(refusal(create(&cluster, "v1/pods", "web", body.clone())), (Kind::Forbidden, why.to_owned()));
    create(&cluster, "v1/serviceaccounts", "web", json!({})).expect("it is valid");
    create(&cluster, "v1/pods", "web", body).expect("its account is there");
}

#[test]
fn a_load_keeps_identities_and_status() {
    let cluster = cluster();
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web", "namespace": "shop", "uid": "u-1", "resourceVersion": "77", "creationTimestamp": "2020-01-01T00:00:00Z"},
        "spec": {"nodeName": "n1", "serviceAccountName": "gone"}, "status": {"phase": "Running"},
    });
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [pod, namespace]});
    cluster.load([list.clone()]).expect("it is valid");
    let at = ObjectRef::namespaced(gvr("v1/pods"), "shop", "web");
    let loaded = cluster.get(&at).expect("it is there").to_value();
    assert_eq!((&loaded["metadata"]["uid"], &loaded["status"]["phase"]), (&json!("u-1"), &json!("Running")));
    assert_eq!(loaded["metadata"]["creationTimestamp"], "2020-01-01T00:00:00Z");
    cluster.load([list]).expect("it can be loaded again");
    assert_eq!(cluster.get(&at).expect("it is there").to_value(), loaded);
}

#[test]
fn requests_are_counted_by_kind() {
    let cluster = cluster();
    cluster.reset_requests();
    create(&cluster, "v1/configmaps", "web", json!({})).expect("it is valid");
    names(&cluster, &ListRequest::new(gvr("v1/configmaps")));
    let counts = cluster.requests();
    assert_eq!((counts.of(Request::Create), counts.of(Request::List), counts.total(), counts.writes()), (1, 1, 2, 1));
    assert_eq!(counts.to_string(), "List 1, Create 1");
}

fn told(event: ClusterResult<WatchEvent>) -> String {
    match event {
        Ok(WatchEvent::Added(object)) => format!("+{}", object.meta().name),
        Ok(WatchEvent::Modified(object)) => format!("~{}", object.meta().name),
        Ok(WatchEvent::Deleted(object)) => format!("-{}", object.meta().name),
        Ok(WatchEvent::Bookmark(_)) => "bookmark".to_owned(),
        Err(error) => format!("{:?}", error.kind()),
    }
}

#[tokio::test]
async fn a_watch_tells_what_its_selector_sees() {
    let cluster = cluster();
    let mut request = WatchRequest::new(gvr("v1/secrets"), Some(cluster.revision()));
    request.labels = "app=web".parse().expect("a selector");
    request.bookmarks = true;
    let mut events = Box::pin(cluster.watch(request).expect("the type is served").map(told));
    create(&cluster, "v1/secrets", "a", json!({})).expect("it is valid");
    let label = |app: &str| json!({"metadata": {"labels": {"app": app}}});
    for change in [label("web"), json!({"data": {"k": ""}}), label("db"), label("web")] {
        patch(&cluster, &at("v1/secrets", "a"), change).expect("it is valid");
    }
    let five: Vec<String> = events.by_ref().take(5).collect().await;
    assert_eq!(five, ["+a", "~a", "-a", "+a", "bookmark"]);
    delete(&cluster, &at("v1/secrets", "a")).expect("it is there");
    assert_eq!(events.next().await.as_deref(), Some("-a"));
}

#[tokio::test]
async fn a_watch_begins_with_what_is_there_and_learns_that_it_was_too_slow() {
    let cluster = cluster();
    let mut events =
        Box::pin(cluster.watch(WatchRequest::new(gvr("v1/namespaces"), None)).expect("the type is served").map(told));
    let four: Vec<String> = events.by_ref().take(4).collect().await;
    assert_eq!(four, ["+default", "+kube-node-lease", "+kube-public", "+kube-system"]);
    create_in(&cluster, "v1/namespaces", None, "shop", json!({})).expect("it is valid");
    assert_eq!(events.next().await.as_deref(), Some("+shop"));
    create_in(&cluster, "v1/namespaces", None, "late", json!({})).expect("it is valid");
    cluster.compact_all();
    assert_eq!(events.next().await.as_deref(), Some("Expired"));
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn it_conforms_to_the_ports() {
    let cluster = cluster();
    crate::conformance::cluster::all(Arc::new(cluster.clone())).await;
    let namespaces = names(&cluster, &ListRequest::new(gvr("v1/namespaces")));
    assert_eq!(namespaces.len(), 4, "the suite leaves nothing behind: {namespaces:?}");
    let compact = |revision| {
        cluster.compact(revision);
        async {}
    };
    crate::conformance::cluster::compacted_revisions_are_expired(Arc::new(cluster.clone()), compact).await;
}
