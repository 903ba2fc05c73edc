//! What a restore brings back.

use super::super::{ArchivedType, Reason, RestoreSelection, never_restored};
use super::*;
use crate::model::LabelSelector;
use crate::spec::RestoreSpec;

fn spec() -> RestoreSpec {
    RestoreSpec::from_backup("nightly".parse().expect("a name"))
}

fn shop() -> RestoreSpec {
    spec().namespaces(["shop"])
}

fn of_types(names: &[&str], spec: RestoreSpec) -> RestoreSpec {
    RestoreSpec { included_resources: strings(names), ..spec }
}

/// What a backup of the whole cluster holds.
fn archived() -> Vec<ArchivedType> {
    let types = TYPES.iter().filter(|(name, ..)| !name.ends_with('*') && *name != "events.events.k8s.io");
    types.map(|(name, _, _, namespaced)| ArchivedType { gvr: gvr(name), namespaced: *namespaced }).collect()
}

fn resolve(spec: &RestoreSpec) -> Result<RestoreSelection, crate::spec::Violations> {
    let namespaces = strings(&["kube-node-lease", "shop", "shop-eu", "web"]);
    RestoreSelection::resolve(spec, &archived(), &namespaces, &discovery(&[]))
}

fn never(object: &str, namespace: Option<&str>) -> Verdict {
    Verdict::Leave(Reason::NeverRestored(never_restored(&gvr(object), namespace).expect("a rule")))
}

#[test]
fn rules_decide_by_the_names_in_the_backup() {
    use Verdict::{IfNeeded, Leave, Take};
    let leases = "leases.coordination.k8s.io";
    let web = LabelSelector::label("app", "web");
    let labelled = RestoreSpec { label_selector: Some(web.clone()), ..spec() };
    let either = RestoreSpec { or_label_selectors: vec![web, LabelSelector::label("app", "db")], ..spec() };
    let without = |types: &[&str]| RestoreSpec { excluded_resources: strings(types), ..spec() };
    let cluster_scoped = |spec, on| RestoreSpec { include_cluster_resources: Some(on), ..spec };
    for (spec, object, labels, expect) in [
        (spec(), "pods/shop/web", &[][..], Take),
        (spec(), "clusterroles.rbac.authorization.k8s.io/admin", &[], Take),
        (spec(), "namespaces/shop", &[], Take),
        (spec(), "nodes/n1", &[], never("nodes", None)),
        (spec(), "events/shop/e", &[], never("events", None)),
        (cluster_scoped(spec(), true), "nodes/n1", &[], never("nodes", None)),
        (spec(), "leases.coordination.k8s.io/kube-node-lease/n1", &[], never(leases, Some("kube-node-lease"))),
        (spec(), "leases.coordination.k8s.io/shop/leader", &[], Take),
        // A label that keeps objects out of backups says nothing about those that are in one.
        (spec(), "pods/shop/web", &[("kbackup.dev/exclude-from-backup", "true")], Take),
        (shop(), "pods/shop/web", &[], Take),
        (shop(), "pods/shop-eu/web", &[], Leave(Reason::NamespaceNotIncluded)),
        (shop().map_namespace("shop", "copy"), "pods/shop/web", &[], Take),
        (shop().map_namespace("shop", "copy"), "pods/copy/web", &[], Leave(Reason::NamespaceNotIncluded)),
        (shop(), "namespaces/shop", &[], Take),
        (shop(), "persistentvolumes/pv", &[], IfNeeded),
        (cluster_scoped(shop(), true), "persistentvolumes/pv", &[], Take),
        (cluster_scoped(spec(), false), "persistentvolumes/pv", &[], Leave(Reason::ClusterScoped)),
        (of_types(&["cm"], spec()), "configmaps/shop/c", &[], Take),
        (of_types(&["cm"], spec()), "secrets/shop/s", &[], Leave(Reason::TypeNotIncluded)),
        (of_types(&["cm"], spec()), "namespaces/shop", &[], IfNeeded),
        (of_types(&["deployments.v1.apps"], spec()), "deployments.apps/shop/web", &[], Take),
        (of_types(&["*.example.com"], spec()), "widgets.example.com/shop/w", &[], Take),
        (of_types(&["pv"], shop()), "persistentvolumes/pv", &[], Take),
        (of_types(&["widgets"], spec()), "customresourcedefinitions.apiextensions.k8s.io/w", &[], IfNeeded),
        (without(&["secrets"]), "secrets/shop/s", &[], Leave(Reason::TypeExcluded)),
        (without(&["nodes"]), "nodes/n1", &[], never("nodes", None)),
        (labelled.clone(), "pods/shop/web", &[("app", "web")], Take),
        (labelled.clone(), "pods/shop/db", &[], Leave(Reason::Labels)),
        (labelled, "namespaces/shop", &[], IfNeeded),
        (either, "pods/shop/db", &[("app", "db")], Take),
    ] {
        let rules = resolve(&spec).expect("a spec without violations").rules;
        assert_eq!(verdict(&rules, object, labels), expect, "{object} {labels:?} by {spec:?}");
    }
}

#[test]
fn what_is_not_in_the_backup_is_an_issue() {
    let none: &[&str] = &[];
    for (spec, expect) in [
        (spec(), none),
        (shop().map_namespace("shop", "copy"), none),
        (
            spec().namespaces(["shopp"]),
            &["error: there is no namespace \"shopp\" in the backup; did you mean \"shop\"?"],
        ),
        (spec().namespaces(["x*"]), &["warning: no namespace of the backup fits \"x*\": nothing is taken for it"]),
        (
            of_types(&["*.nowhere.io"], spec()),
            &["warning: the backup holds no *.nowhere.io: nothing is restored for it"],
        ),
        (
            shop().map_namespace("web", "copy"),
            &["warning: the namespace \"web\" is mapped to \"copy\", but is not among those that are restored"],
        ),
    ] {
        let selection = resolve(&spec).expect("a spec without violations");
        assert_eq!(messages(&selection.issues), expect, "{spec:?}");
    }
}

#[test]
fn a_type_that_only_the_cluster_knows_is_absent_not_unknown() {
    let pods = [ArchivedType { gvr: gvr("pods"), namespaced: true }];
    let spec = of_types(&["po", "deploy"], spec());
    let selection = RestoreSelection::resolve(&spec, &pods, &strings(&["shop"]), &discovery(&[])).expect("both known");
    assert_eq!(
        messages(&selection.issues),
        ["warning: the backup holds no deployments.apps: nothing is restored for it"]
    );
}

#[test]
fn what_cannot_be_asked_is_a_violation() {
    for (spec, expect) in [
        (
            of_types(&["secret-s"], spec()),
            "includedResources: neither the backup nor the cluster has a type \"secret-s\"; did you mean \"secrets\"?",
        ),
        (of_types(&["nodes"], spec()), "includedResources: nodes are never restored: a machine registers itself"),
        (
            of_types(&["ev"], spec()),
            "includedResources: events are never restored: it tells of what happened in the old cluster",
        ),
        (
            spec().map_namespace("shop", "web"),
            "namespaceMapping: shop and web would both become \"web\"; map \"web\" to another name or exclude it",
        ),
    ] {
        assert_eq!(resolve(&spec).expect_err("there is something wrong").to_string(), expect);
    }
}

#[test]
fn namespaces_can_swap_and_take_a_free_name() {
    for spec in [
        spec().map_namespace("shop", "web").map_namespace("web", "shop"),
        shop().map_namespace("shop", "web"),
        RestoreSpec { excluded_namespaces: strings(&["web"]), ..spec().map_namespace("shop", "web") },
        spec().map_namespace("shop", "new"),
    ] {
        assert!(resolve(&spec).is_ok(), "{spec:?}");
    }
}
