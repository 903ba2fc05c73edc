//! Services and endpoints.

use serde_json::json;

use super::*;

fn service(spec: Value) -> Value {
    in_shop("web", "spec", spec)
}

#[test]
fn an_address_that_the_cluster_chose_goes() {
    for (given, expect) in [
        (
            json!({"clusterIP": "10.0.0.7", "clusterIPs": ["10.0.0.7"], "type": "ClusterIP"}),
            json!({"type": "ClusterIP"}),
        ),
        (json!({"clusterIP": "None", "clusterIPs": ["None"]}), json!({"clusterIP": "None", "clusterIPs": ["None"]})),
        (
            json!({"type": "ExternalName", "externalName": "example.com"}),
            json!({"type": "ExternalName", "externalName": "example.com"}),
        ),
        (
            json!({"type": "LoadBalancer", "loadBalancerIP": "192.0.2.1", "clusterIP": "10.0.0.8"}),
            json!({"type": "LoadBalancer", "loadBalancerIP": "192.0.2.1"}),
        ),
    ] {
        check("v1/services", &spec(), &service(given), &service(expect));
    }
}

#[test]
fn an_address_that_somebody_asked_for_stays() {
    let ip = || json!({"clusterIP": "10.0.0.7", "clusterIPs": ["10.0.0.7"]});
    let applied = |ip: &str| {
        let text = json!({"spec": {"clusterIP": ip}}).to_string();
        json!({"annotations": {"kubectl.kubernetes.io/last-applied-configuration": text}})
    };
    for (metadata, stays) in [
        (applied("10.0.0.7"), true),
        (applied("10.0.0.8"), false),
        (json!({"managedFields": [{"manager": "helm", "fieldsV1": {"f:spec": {"f:clusterIP": {}}}}]}), true),
        (json!({"managedFields": [{"manager": "helm", "fieldsV1": {"f:spec": {"f:ports": {}}}}]}), false),
    ] {
        let mut object = service(ip());
        object["metadata"]["annotations"] = metadata["annotations"].clone();
        object["metadata"]["managedFields"] = metadata["managedFields"].clone();
        let (made, _) = kept("v1/services", &spec(), &object);
        assert_eq!(made["spec"], if stays { ip() } else { json!({}) }, "{metadata}");
    }
}

fn node_ports() -> Value {
    json!({"type": "LoadBalancer", "healthCheckNodePort": 32000, "ports": [
        {"name": "http", "port": 80, "protocol": "TCP", "nodePort": 30080},
        {"name": "dns", "port": 53, "protocol": "UDP", "nodePort": 30053},
    ]})
}

/// The node ports left, by the ports' names, and the one for health checks.
fn left(spec: &RestoreSpec, object: &Value) -> Vec<String> {
    let (made, _) = kept("v1/services", spec, object);
    let ports = made["spec"]["ports"].as_array().expect("ports").iter();
    let mut left: Vec<String> = ports
        .filter(|port| port.get("nodePort").is_some())
        .map(|port| port["name"].as_str().unwrap_or("-").to_owned())
        .collect();
    left.extend(made["spec"].get("healthCheckNodePort").map(|_| "health".to_owned()));
    left
}

#[test]
fn node_ports_stay_where_somebody_asked_for_them() {
    let none: &[&str] = &[];
    let applied = |spec: Value| {
        let text = json!({"spec": spec}).to_string();
        json!({"annotations": {"kubectl.kubernetes.io/last-applied-configuration": text}})
    };
    let managed = |fields: Value| json!({"managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": fields}}]});
    for (metadata, expect) in [
        (json!({}), none),
        (applied(json!({"ports": [{"name": "http", "port": 80, "nodePort": 30080}]})), &["http"]),
        (applied(json!({"ports": [{"name": "http", "port": 80}]})), none),
        (applied(json!({"ports": [{"name": "http", "port": 80, "nodePort": 31111}]})), none),
        (applied(json!({"ports": [], "healthCheckNodePort": 32000})), &["health"]),
        (managed(json!({"f:ports": {r#"k:{"port":53,"protocol":"UDP"}"#: {"f:nodePort": {}}}})), &["dns"]),
        (managed(json!({"f:ports": {r#"k:{"port":53,"protocol":"TCP"}"#: {"f:nodePort": {}}}})), none),
        (managed(json!({"f:ports": {r#"k:{"port":80,"protocol":"TCP"}"#: {"f:port": {}}}})), none),
        (managed(json!({"f:healthCheckNodePort": {}})), &["health"]),
        (json!({"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "not JSON"}}), none),
    ] {
        let mut object = json!({"metadata": metadata, "spec": node_ports()});
        object["metadata"]["name"] = "web".into();
        assert_eq!(left(&spec(), &object), expect, "{object}");
        let preserving = RestoreSpec { preserve_node_ports: true, ..spec() };
        assert_eq!(left(&preserving, &object), ["http", "dns", "health"]);
    }
}

#[test]
fn a_port_without_a_name_is_told_by_its_number() {
    let applied = json!({"spec": {"ports": [{"port": 80, "nodePort": 30080}]}}).to_string();
    let mut object = service(json!({"ports": [{"port": 80, "nodePort": 30080}]}));
    object["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": applied});
    assert_eq!(left(&spec(), &object), ["-"]);
}

#[test]
fn the_api_servers_own_service_is_left_out() {
    let own = json!({"metadata": {"name": "kubernetes", "namespace": "default"}});
    for ty in ["v1/services", "v1/endpoints", "discovery.k8s.io/v1/endpointslices"] {
        check_skipped(ty, &own, "API server's own");
        kept(ty, &spec(), &json!({"metadata": {"name": "kubernetes", "namespace": "shop"}}));
        kept(ty, &spec(), &json!({"metadata": {"name": "web", "namespace": "default"}}));
    }
}

#[test]
fn endpoints_that_a_controller_makes_are_left_out() {
    let endpoints = "v1/endpoints";
    let slices = "discovery.k8s.io/v1/endpointslices";
    let managed_by = |manager: &str| json!({"labels": {"endpointslice.kubernetes.io/managed-by": manager}});
    let leader = json!({"annotations": {"control-plane.alpha.kubernetes.io/leader": "{}"}});
    for (ty, metadata, words) in [
        (
            endpoints,
            json!({"labels": {"endpoints.kubernetes.io/managed-by": "endpoint-controller"}}),
            Some("from a Service"),
        ),
        (
            endpoints,
            json!({"annotations": {"endpoints.kubernetes.io/last-change-trigger-time": "t"}}),
            Some("from a Service"),
        ),
        (endpoints, json!({"managedFields": [{"manager": "kube-controller-manager"}]}), Some("from a Service")),
        (endpoints, leader, Some("leads")),
        (endpoints, json!({"managedFields": [{"manager": "kubectl"}]}), None),
        (slices, managed_by("endpointslice-controller.k8s.io"), Some("from a Service")),
        (slices, managed_by("endpointslicemirroring-controller.k8s.io"), Some("from a Service")),
        (slices, managed_by("staff"), None),
        (slices, json!({}), None),
    ] {
        let mut object = json!({"metadata": metadata});
        object["metadata"]["name"] = "web".into();
        object["metadata"]["namespace"] = "shop".into();
        match words {
            Some(words) => check_skipped(ty, &object, words),
            None => _ = kept(ty, &spec(), &object),
        }
    }
}
