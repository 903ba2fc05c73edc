//! What a backup takes.

use super::super::{Needs, Reason, Selection};
use super::*;
use crate::model::LabelSelector;
use crate::spec::{BackupSpec, Violations};

const MARK: (&str, &str) = ("kbackup.dev/exclude-from-backup", "true");

fn cluster() -> Vec<NamespaceInfo> {
    vec![
        namespace("kube-system", &[]),
        namespace("kube-node-lease", &[]),
        namespace("shop", &[("team", "a")]),
        namespace("shop-eu", &[]),
        namespace("secret", &[("velero.io/exclude-from-backup", "true")]),
    ]
}

fn spec() -> BackupSpec {
    BackupSpec::default()
}

fn shop() -> BackupSpec {
    spec().namespaces(["shop"])
}

fn web() -> LabelSelector {
    LabelSelector::label("app", "web")
}

fn resolve(spec: &BackupSpec) -> Selection {
    Selection::resolve(spec, &discovery(&[]), &cluster()).expect("a spec without violations")
}

#[test]
fn rules_decide_by_type_namespace_name_and_labels() {
    use Verdict::{IfNeeded, Leave, Take};
    let excluding = |types: &[&str]| BackupSpec { excluded_resources: strings(types), ..spec() };
    let cluster_scoped = |spec: BackupSpec, on| BackupSpec { include_cluster_resources: Some(on), ..spec };
    let not_kube = BackupSpec { excluded_namespaces: strings(&["kube-*"]), ..spec() };
    let either = BackupSpec { or_label_selectors: vec![web(), LabelSelector::label("app", "db")], ..spec() };
    for (spec, object, labels, expect) in [
        // Everything.
        (spec(), "pods/shop/web", &[][..], Take),
        (spec(), "pods/born-later/web", &[], Take),
        (spec(), "nodes/n1", &[], Take),
        (spec(), "namespaces/shop", &[], Take),
        (spec(), "events/shop/e", &[], Take),
        (spec(), "leases.coordination.k8s.io/kube-node-lease/n1", &[], Take),
        (spec(), "never.heard.of/shop/x", &[], Leave(Reason::TypeNotIncluded)),
        // Labels that leave out.
        (spec(), "pods/shop/web", &[MARK], Leave(Reason::ExcludeLabel)),
        (spec(), "pods/shop/web", &[("velero.io/exclude-from-backup", "true")], Leave(Reason::ExcludeLabel)),
        (spec(), "pods/shop/web", &[(MARK.0, "false")], Take),
        (spec(), "nodes/n1", &[MARK], Leave(Reason::ExcludeLabel)),
        (shop(), "persistentvolumes/pv", &[MARK], Leave(Reason::ExcludeLabel)),
        (spec(), "pods/secret/web", &[], Leave(Reason::NamespaceLabel)),
        (spec(), "namespaces/secret", &[MARK], Leave(Reason::ExcludeLabel)),
        // Namespaces.
        (shop(), "pods/shop/web", &[], Take),
        (shop(), "pods/shop-eu/web", &[], Leave(Reason::NamespaceNotIncluded)),
        (shop(), "namespaces/shop", &[], Take),
        (shop(), "namespaces/shop-eu", &[], Leave(Reason::NamespaceNotIncluded)),
        (spec().namespaces(["shop*"]), "pods/shop-eu/web", &[], Take),
        (spec().namespaces(["shop*"]), "pods/shop-born-later/web", &[], Take),
        (spec().namespaces(["secret"]), "pods/secret/web", &[], Leave(Reason::NamespaceLabel)),
        (not_kube.clone(), "pods/kube-system/dns", &[], Leave(Reason::NamespaceExcluded)),
        (not_kube.clone(), "namespaces/kube-system", &[], Leave(Reason::NamespaceExcluded)),
        (not_kube.clone(), "pods/shop/web", &[], Take),
        // Objects of the cluster.
        (shop(), "persistentvolumes/pv", &[], IfNeeded),
        (not_kube, "nodes/n1", &[], IfNeeded),
        (cluster_scoped(shop(), true), "persistentvolumes/pv", &[], Take),
        (cluster_scoped(shop(), false), "persistentvolumes/pv", &[], Leave(Reason::ClusterScoped)),
        (cluster_scoped(shop(), false), "namespaces/shop", &[], Take),
        (cluster_scoped(spec(), false), "nodes/n1", &[], Leave(Reason::ClusterScoped)),
        (shop().resources(["pv", "po"]), "persistentvolumes/pv", &[], Take),
        (shop().resources(["*.example.com"]), "gadgets.example.com/g", &[], IfNeeded),
        (cluster_scoped(shop().resources(["pv"]), false), "persistentvolumes/pv", &[], Leave(Reason::ClusterScoped)),
        // Types.
        (spec().resources(["Deployment"]), "deployments.apps/shop/web", &[], Take),
        (spec().resources(["deploy"]), "pods/shop/web", &[], Leave(Reason::TypeNotIncluded)),
        (spec().resources(["deployments.v1.apps"]), "deployments.apps/shop/web", &[], Take),
        (spec().resources(["*.EXAMPLE.com"]), "widgets.example.com/shop/w", &[], Take),
        (spec().resources(["*"]), "widgets.example.com/shop/w", &[], Take),
        (spec().resources(["deploy"]), "namespaces/shop", &[], IfNeeded),
        (shop().resources(["deploy"]), "namespaces/shop", &[], Take),
        (spec().resources(["events.events.k8s.io"]), "events/shop/e", &[], Take),
        (excluding(&["ev"]), "events/shop/e", &[], Leave(Reason::TypeExcluded)),
        (excluding(&["secrets"]), "secrets/shop/s", &[], Leave(Reason::TypeExcluded)),
        (excluding(&["*.example.com"]), "widgets.example.com/shop/w", &[], Leave(Reason::TypeExcluded)),
        (excluding(&["ns"]), "namespaces/shop", &[], Leave(Reason::TypeExcluded)),
        (spec(), "events.events.k8s.io/shop/e", &[], Leave(Reason::TypeNotIncluded)),
        (spec(), "pods.metrics.k8s.io/shop/web", &[], Leave(Reason::TypeNotIncluded)),
        (spec().resources(["widgets"]), "customresourcedefinitions.apiextensions.k8s.io/w", &[], IfNeeded),
        (shop().resources(["widgets"]), "customresourcedefinitions.apiextensions.k8s.io/w", &[], IfNeeded),
        (
            cluster_scoped(spec().resources(["widgets"]), false),
            "customresourcedefinitions.apiextensions.k8s.io/w",
            &[],
            Leave(Reason::TypeNotIncluded),
        ),
        // Label selectors.
        (spec().selector(web()), "pods/shop/web", &[("app", "web")], Take),
        (spec().selector(web()), "pods/shop/db", &[("app", "db")], IfNeeded),
        (spec().selector(web()), "pods/shop/db", &[MARK], Leave(Reason::ExcludeLabel)),
        (spec().selector(web()), "nodes/n1", &[], IfNeeded),
        (spec().selector(web()), "namespaces/shop", &[], IfNeeded),
        (spec().selector(web()), "namespaces/shop", &[("app", "web")], Take),
        (shop().selector(web()), "namespaces/shop", &[], Take),
        (either.clone(), "pods/shop/db", &[("app", "db")], Take),
        (either, "pods/shop/queue", &[("app", "queue")], IfNeeded),
    ] {
        assert_eq!(verdict(&resolve(&spec).rules, object, labels), expect, "{object} {labels:?} by {spec:?}");
    }
}

#[test]
fn what_is_asked_of_the_cluster() {
    // Types of TYPES that a backup can hold: all but the twin of events, and the three that are not state.
    let all = TYPES.len() - 4;
    let either = BackupSpec { or_label_selectors: vec![web(), LabelSelector::label("app", "db")], ..spec() };
    for (spec, count, expect) in [
        (spec(), all, "pods everywhere"),
        (spec().selector(web()), all, "pods everywhere with app=web"),
        (either, all, "pods everywhere with app in (db,web)"),
        (shop(), 8, "pods in shop"),
        (shop().resources(["po"]).selector(web()), 2, "pods in shop with app=web"),
        (spec().namespaces(["shop", "shop-eu"]).resources(["po"]), 3, "pods in shop-eu"),
        (spec().resources(["po"]), 2, "pods everywhere"),
        (BackupSpec { excluded_namespaces: strings(&["s*"]), ..spec() }.resources(["po"]), 2, "pods everywhere"),
        (spec().resources(["po"]).selector(web()), 2, "namespaces everywhere"),
    ] {
        let queries = resolve(&spec).queries;
        let shown: Vec<String> = queries.iter().map(show).collect();
        assert_eq!(queries.len(), count, "{shown:?} for {spec:?}");
        assert!(shown.iter().any(|query| query == expect), "{expect} in {shown:?}");
    }
}

/// What a Pod of shop with a claim, a custom resource of shop and a volume need.
fn needs() -> Needs {
    let mut needs = Needs::default();
    needs.add(&gvr("pods"), Some("shop"));
    needs.add(&gvr("widgets.example.com"), Some("shop"));
    needs.require("persistentvolumes", None, "pv-1");
    needs.require("configmaps", Some("shop"), "env");
    needs.require("configmaps", Some("kube-system"), "ca");
    needs.require_mention("clusterroles.rbac.authorization.k8s.io", "someone");
    needs
}

#[test]
fn what_comes_only_with_what_needs_it_is_listed_apart() {
    let none: &[&str] = &[];
    let widgets = "customresourcedefinitions.apiextensions.k8s.io/widgets.example.com everywhere";
    let roles = "clusterroles.rbac.authorization.k8s.io everywhere";
    for (spec, expect) in [
        (spec(), none),
        (shop(), &["persistentvolumes/pv-1 everywhere", roles, widgets]),
        (
            spec().selector(web()),
            &[
                "namespaces/shop everywhere",
                "configmaps/ca in kube-system",
                "configmaps/env in shop",
                "persistentvolumes/pv-1 everywhere",
                roles,
                widgets,
            ],
        ),
        (spec().resources(["po"]), &["namespaces/shop everywhere", widgets]),
        (spec().resources(["po", "ns"]), &[widgets]),
        (spec().resources(["po", "ns", "crd"]), none),
        (shop().selector(web()), &["configmaps/env in shop", "persistentvolumes/pv-1 everywhere", roles, widgets]),
        (BackupSpec { include_cluster_resources: Some(false), ..shop() }, none),
        (BackupSpec { excluded_resources: strings(&["crd"]), ..shop() }, &["persistentvolumes/pv-1 everywhere", roles]),
        (BackupSpec { excluded_cluster_scoped_resources: strings(&["pv"]), ..shop() }, &[roles, widgets]),
    ] {
        let selection = resolve(&spec);
        let shown: Vec<String> = selection.queries_if_needed(&needs(), &Needs::default()).iter().map(show).collect();
        assert_eq!(shown, expect, "{spec:?}");
        assert_eq!(selection.queries_if_needed(&needs(), &needs()), [], "what was asked for is not asked for again");
    }
}

#[test]
fn many_needed_objects_of_a_type_are_one_list() {
    let mut needs = Needs::default();
    for number in 0..100 {
        needs.require("persistentvolumes", None, &format!("pv-{number}"));
        needs.require("configmaps", Some("shop"), &format!("c-{number}"));
    }
    let selection = resolve(&shop().selector(web()));
    let shown: Vec<String> = selection.queries_if_needed(&needs, &Needs::default()).iter().map(show).collect();
    assert_eq!(shown, ["configmaps in shop", "persistentvolumes everywhere"]);
}

fn show(query: &super::super::Query) -> String {
    let place = query.namespace.as_ref().map_or("everywhere".to_owned(), |namespace| format!("in {namespace}"));
    let labels = if query.labels.is_empty() { String::new() } else { format!(" with {}", query.labels) };
    let name = query.name.as_ref().map(|name| format!("/{name}")).unwrap_or_default();
    format!("{}{name} {place}{labels}", query.ty)
}

#[test]
fn types_are_named_once() {
    let selection = resolve(&spec().namespaces(["shop", "shop-eu"]));
    let mut names: Vec<String> = selection.types().map(ToString::to_string).collect();
    assert!(names.contains(&"deployments.apps".to_owned()), "{names:?}");
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    assert_eq!(selection.namespaces, ["shop", "shop-eu"]);
}

#[test]
fn a_name_that_nothing_has_is_a_mistake_where_nothing_is_left() {
    for (spec, expect) in [
        (spec().namespaces(["shpo"]), "there is no namespace \"shpo\" in the cluster; did you mean \"shop\"?"),
        (spec().namespaces(["shpo"]).resources(["configmaps"]), "there is no namespace \"shpo\""),
        (spec().namespaces(["shpo", "x-*"]), "there is no namespace \"shpo\""),
        (spec().namespaces(["shpo", "shop"]), ""),
        (spec().namespaces(["x-*"]), ""),
        (BackupSpec { include_cluster_resources: Some(true), ..spec().namespaces(["shpo"]) }, ""),
        (BackupSpec { excluded_namespaces: strings(&["*"]), ..spec() }, ""),
        (spec(), ""),
    ] {
        let told = resolve(&spec).check_not_empty().map_or_else(|error| error.to_string(), |()| String::new());
        assert!(told.contains(expect) && told.is_empty() == expect.is_empty(), "{spec:?}: {told}");
    }
}

#[test]
fn what_is_not_there_is_an_issue() {
    let none: &[&str] = &[];
    for (spec, broken, expect) in [
        (spec(), none, none),
        (
            spec().namespaces(["shpo"]),
            none,
            &["error: there is no namespace \"shpo\" in the cluster; did you mean \"shop\"?"],
        ),
        (
            spec().namespaces(["x-*"]),
            none,
            &["warning: no namespace of the cluster fits \"x-*\": nothing is taken for it"],
        ),
        (
            spec().resources(["*.nowhere.io"]),
            none,
            &["warning: no type of the cluster fits \"*.nowhere.io\": nothing is taken for it"],
        ),
        (BackupSpec { excluded_namespaces: strings(&["gone"]), ..spec() }, none, none),
        (
            spec(),
            &["broken.io"],
            &[
                "error: the API group broken.io/v1 does not answer, so its types are not in the backup: 503; exclude \"*.broken.io\" to do without",
            ],
        ),
        (BackupSpec { excluded_resources: strings(&["*.broken.io"]), ..spec() }, &["broken.io"], none),
        (
            spec().resources(["things.broken.io"]),
            &["broken.io"],
            &[
                "error: the API group broken.io/v1 does not answer, so its types are not in the backup: 503; exclude \"*.broken.io\" to do without",
            ],
        ),
        (spec().resources(["pods"]), &["broken.io"], none),
        (
            spec(),
            &["metrics.k8s.io"],
            &["warning: the API group metrics.k8s.io/v1 does not answer: 503; no backup holds its objects"],
        ),
    ] {
        let selection = Selection::resolve(&spec, &discovery(broken), &cluster()).expect("no violations");
        assert_eq!(messages(&selection.issues), expect, "{spec:?}");
    }
}

#[test]
fn what_cannot_be_asked_is_a_violation() {
    let unknown = "includedResources: the cluster serves no type \"deplyoments\"; did you mean \"deployments.apps\"?";
    for (included, excluded, expect) in [
        (&["deplyoments"][..], &[][..], unknown),
        (&[], &["zzz"], "excludedResources: the cluster serves no type \"zzz\""),
        (
            &["cs"],
            &[],
            "includedResources: \"componentstatuses\" cannot be in a backup: it is computed when it is asked for",
        ),
        (
            &["tokenreviews"],
            &[],
            "includedResources: \"tokenreviews.authentication.k8s.io\" cannot be in a backup: it is a question, not state",
        ),
        (
            &["pods.metrics.k8s.io"],
            &[],
            "includedResources: \"pods.metrics.k8s.io\" cannot be in a backup: it is a measurement, not state",
        ),
    ] {
        let spec = BackupSpec { excluded_resources: strings(excluded), ..spec().resources(included.iter().copied()) };
        let violations: Violations =
            Selection::resolve(&spec, &discovery(&[]), &cluster()).expect_err("there is something wrong");
        assert_eq!(violations.to_string(), expect);
    }
}

#[test]
fn every_violation_is_named() {
    let spec = BackupSpec { excluded_resources: strings(&["yyy"]), ..spec().resources(["zzz", "cs", "pods"]) };
    let violations = Selection::resolve(&spec, &discovery(&[]), &cluster()).expect_err("three are wrong");
    assert_eq!(violations.0.len(), 3, "{violations}");
}
