//! Definitions, webhooks, APIServices, and references to namespaces that nobody rewrites.

use serde_json::json;

use super::*;

const DEFINITIONS: &str = "apiextensions.k8s.io/v1/customresourcedefinitions";

#[test]
fn a_definition_says_in_its_schema_that_unknown_fields_are_kept() {
    let definition = |spec: Value| json!({"metadata": {"name": "widgets.example.com"}, "spec": spec});
    let given = json!({"preserveUnknownFields": true, "versions": [
        {"name": "v1", "schema": {"openAPIV3Schema": {"type": "object", "properties": {"a": {}}}}}, {"name": "v2"},
    ]});
    let kept = json!({"preserveUnknownFields": false, "versions": [
        {"name": "v1", "schema": {"openAPIV3Schema":
            {"type": "object", "properties": {"a": {}}, "x-kubernetes-preserve-unknown-fields": true}}},
        {"name": "v2", "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}},
    ]});
    check(DEFINITIONS, &spec(), &definition(given), &definition(kept));
    let plain = definition(json!({"preserveUnknownFields": false, "versions": [{"name": "v1"}]}));
    check(DEFINITIONS, &spec(), &plain, &plain);
}

#[test]
fn services_that_are_called_are_where_the_mapping_puts_them() {
    let conversion = |namespace: &str| {
        json!({"metadata": {"name": "w"}, "spec": {"conversion": {"strategy": "Webhook",
        "webhook": {"clientConfig": {"service": {"name": "hook", "namespace": namespace}}}}}})
    };
    let webhook = |namespace: &str| {
        json!({"metadata": {"name": "w"}, "webhooks": [
            {"name": "a", "clientConfig": {"service": {"name": "hook", "namespace": namespace}}, "sideEffects": "None"},
            {"name": "b", "clientConfig": {"url": "https://example.com"}, "sideEffects": "NoneOnDryRun"},
        ]})
    };
    let api = |namespace: &str| json!({"metadata": {"name": "w"}, "spec": {"service": {"name": "api", "namespace": namespace}}});
    for (ty, given, expect) in [
        (DEFINITIONS, conversion("shop"), conversion("copy")),
        ("admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", webhook("shop"), webhook("copy")),
        ("admissionregistration.k8s.io/v1/validatingwebhookconfigurations", webhook("shop"), webhook("copy")),
        ("apiregistration.k8s.io/v1/apiservices", api("shop"), api("copy")),
    ] {
        check(ty, &copy(), &given, &expect);
        check(ty, &spec(), &given, &given);
    }
}

#[test]
fn side_effects_are_words_that_v1_takes() {
    for (given, expect) in
        [("Unknown", "None"), ("Some", "None"), ("", "None"), ("None", "None"), ("NoneOnDryRun", "NoneOnDryRun")]
    {
        let webhook =
            |effects: &str| json!({"metadata": {"name": "w"}, "webhooks": [{"name": "a", "sideEffects": effects}]});
        check(
            "admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
            &spec(),
            &webhook(given),
            &webhook(expect),
        );
    }
}

#[test]
fn the_api_servers_own_apiservices_are_left_out() {
    let own =
        json!({"metadata": {"name": "v1.apps", "labels": {"kube-aggregator.kubernetes.io/automanaged": "onstart"}}});
    check_skipped("apiregistration.k8s.io/v1/apiservices", &own, "API server");
}

#[test]
fn references_that_nobody_rewrites_are_reported() {
    let name_label = "kubernetes.io/metadata.name";
    for (ty, spec_field, places) in [
        (
            "monitoring.coreos.com/v1/servicemonitors",
            json!({"namespaceSelector": {"matchNames": ["web", "shop"]}}),
            Some("namespaceSelector.matchNames \"shop\""),
        ),
        (
            "networking.k8s.io/v1/networkpolicies",
            json!({"ingress": [{"from": [{"namespaceSelector": {"matchLabels": {name_label: "shop"}}}]}]}),
            Some("matchLabels.kubernetes.io/metadata.name \"shop\""),
        ),
        (
            "networking.k8s.io/v1/networkpolicies",
            json!({"egress": [{"to": [{"namespaceSelector": {"matchExpressions":
                [{"key": name_label, "operator": "In", "values": ["shop", "web"]}]}}]}]}),
            Some("matchExpressions.values \"shop\""),
        ),
        (
            "gateway.networking.k8s.io/v1/httproutes",
            json!({"parentRefs": [{"name": "gw", "namespace": "shop"}]}),
            Some("parentRefs.namespace \"shop\""),
        ),
        (
            "example.com/v1/widgets",
            json!({"a": [{"namespace": "shop"}, {"namespace": "shop"}], "b": {"namespace": "shop"}, "c": {"namespaces": ["shop"]}}),
            Some("a.namespace \"shop\", a.namespace \"shop\", b.namespace \"shop\" and 1 more"),
        ),
        ("example.com/v1/widgets", json!({"namespace": "web", "name": "shop"}), None),
        ("apiregistration.k8s.io/v1/apiservices", json!({"service": {"namespace": "shop"}}), None),
    ] {
        let (made, issues) = kept(ty, &copy(), &in_shop("x", "spec", spec_field.clone()));
        let expect = places.map(|places| {
            let object = ty.parse::<Gvr>().expect("a type").group_resource();
            format!(
                "warning: {object}/copy/x: it still names a namespace that is restored under another name: {places}"
            )
        });
        assert_eq!(issues, expect.into_iter().collect::<Vec<_>>());
        assert!(ty.contains("apiservices") || made["spec"] == spec_field);
        assert!(kept(ty, &spec(), &in_shop("x", "spec", spec_field)).1.is_empty());
    }
}

#[test]
fn a_swap_of_namespaces_is_not_taken_for_a_dangling_reference() {
    let swap = spec().map_namespace("shop", "web").map_namespace("web", "shop");
    let api = json!({"metadata": {"name": "w"}, "spec": {"service": {"name": "api", "namespace": "shop"}}});
    let (made, issues) = kept("apiregistration.k8s.io/v1/apiservices", &swap, &api);
    assert_eq!(made["spec"]["service"]["namespace"], "web");
    assert!(issues.is_empty(), "{issues:?}");
}
