//! What a backup takes where types are chosen by scope, and by filters for single kinds.

use super::super::{Reason, Selection};
use super::*;
use crate::model::LabelSelector;
use crate::spec::{BackupSpec, NamespacedFilter, ResourceFilter};

const WIDGETS: &str = "widgets.example.com/shop/w";
const GADGETS: &str = "gadgets.example.com/g";
const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io/w";

fn resolve(spec: &BackupSpec) -> Selection {
    let namespaces = ["kube-system", "shop", "shop-eu", "web"].map(|name| namespace(name, &[]));
    Selection::resolve(spec, &discovery(&[]), &namespaces).unwrap_or_else(|violations| panic!("{violations}: {spec:?}"))
}

/// Included and excluded types of the cluster, included and excluded types in namespaces.
fn scoped(cluster: (&[&str], &[&str]), namespaced: (&[&str], &[&str])) -> BackupSpec {
    BackupSpec {
        included_cluster_scoped_resources: strings(cluster.0),
        excluded_cluster_scoped_resources: strings(cluster.1),
        included_namespace_scoped_resources: strings(namespaced.0),
        excluded_namespace_scoped_resources: strings(namespaced.1),
        ..BackupSpec::default()
    }
}

#[test]
fn each_scope_has_its_lists() {
    use Verdict::{IfNeeded, Leave, Take};
    let in_shop = |spec: BackupSpec| spec.namespaces(["shop"]);
    for (spec, object, expect) in [
        // What is in namespaces.
        (scoped((&[], &[]), (&["po"], &[])), "pods/shop/web", Take),
        (scoped((&[], &[]), (&["po"], &[])), "secrets/shop/s", Leave(Reason::TypeNotIncluded)),
        (scoped((&[], &[]), (&[], &["secrets"])), "secrets/shop/s", Leave(Reason::TypeExcluded)),
        (scoped((&[], &[]), (&[], &["secrets"])), "pods/shop/web", Take),
        (scoped((&["*"], &[]), (&[], &["*"])), "pods/shop/web", Leave(Reason::TypeExcluded)),
        (in_shop(scoped((&[], &[]), (&["*"], &[]))), WIDGETS, Take),
        // What is of the cluster: listed, or with everything, or with what needs it.
        (scoped((&["*"], &[]), (&[], &["*"])), GADGETS, Take),
        (scoped((&["gadgets"], &[]), (&["po"], &[])), GADGETS, Take),
        (scoped((&["*.example.com"], &[]), (&["po"], &[])), GADGETS, Take),
        (scoped((&["gadgets"], &[]), (&["po"], &[])), "persistentvolumes/pv", IfNeeded),
        (scoped((&[], &["pv"]), (&[], &[])), GADGETS, Take),
        (scoped((&[], &["pv"]), (&[], &[])), "persistentvolumes/pv", Leave(Reason::TypeExcluded)),
        (scoped((&[], &["*"]), (&[], &[])), GADGETS, Leave(Reason::TypeExcluded)),
        (scoped((&[], &[]), (&["*"], &[])), GADGETS, Take),
        (in_shop(scoped((&[], &[]), (&["*"], &[]))), GADGETS, IfNeeded),
        (scoped((&[], &[]), (&["widgets"], &[])), DEFINITIONS, IfNeeded),
        (scoped((&[], &["crd"]), (&["widgets"], &[])), DEFINITIONS, Leave(Reason::TypeExcluded)),
        // Namespaces always, but where they are excluded.
        (scoped((&[], &[]), (&["po"], &[])), "namespaces/shop", Take),
        (scoped((&[], &["ns"]), (&["po"], &[])), "namespaces/shop", Leave(Reason::TypeExcluded)),
    ] {
        assert_eq!(verdict(&resolve(&spec).rules, object, &[]), expect, "{object} by {spec:?}");
    }
}

fn filter(kinds: &[&str]) -> ResourceFilter {
    ResourceFilter { kinds: strings(kinds), ..ResourceFilter::default() }
}

fn labelled(kinds: &[&str], value: &str) -> ResourceFilter {
    ResourceFilter { label_selector: Some(LabelSelector::label("app", value)), ..filter(kinds) }
}

fn named(kinds: &[&str], names: &[&str], excluded: &[&str]) -> ResourceFilter {
    ResourceFilter { names: strings(names), excluded_names: strings(excluded), ..filter(kinds) }
}

fn of_cluster(filters: Vec<ResourceFilter>) -> BackupSpec {
    BackupSpec { cluster_scoped_filters: filters, ..BackupSpec::default() }
}

fn of_namespaces(entries: Vec<(&[&str], Vec<ResourceFilter>)>) -> BackupSpec {
    let entry = |(namespaces, resource_filters): (&[&str], _)| NamespacedFilter {
        namespaces: strings(namespaces),
        resource_filters,
    };
    BackupSpec { namespaced_filters: entries.into_iter().map(entry).collect(), ..BackupSpec::default() }
}

#[test]
fn filters_choose_objects_of_single_kinds() {
    use Verdict::{IfNeeded, Leave, Take};
    let stopped = Leave(Reason::Filter);
    let only_pods_of_shop = || of_namespaces(vec![(&["shop"], vec![filter(&["po"])])]);
    let two = || of_namespaces(vec![(&["sh*"], vec![filter(&["secrets"])]), (&["shop"], vec![filter(&["po"])])]);
    let rest = || of_namespaces(vec![(&["shop"], vec![named(&["cm"], &["a*"], &["ab"]), labelled(&[], "web")])]);
    let selected = |spec: BackupSpec| spec.selector(LabelSelector::label("app", "web"));
    let listed = |spec| BackupSpec { included_namespace_scoped_resources: strings(&["cm"]), ..spec };
    let excluded = |spec| BackupSpec { excluded_namespace_scoped_resources: strings(&["po"]), ..spec };
    for (spec, object, labels, expect) in [
        // Kinds of the cluster: only those that are named are refined.
        (of_cluster(vec![named(&["gadgets"], &["g*"], &["gg"])]), GADGETS, &[][..], Take),
        (of_cluster(vec![named(&["gadgets"], &["g*"], &["gg"])]), "gadgets.example.com/gg", &[], stopped),
        (of_cluster(vec![named(&["gadgets"], &["g*"], &["gg"])]), "gadgets.example.com/x", &[], stopped),
        (of_cluster(vec![named(&["gadgets"], &["g*"], &[])]), "nodes/x", &[], Take),
        (of_cluster(vec![labelled(&["gadgets"], "web")]), GADGETS, &[("app", "web")], Take),
        (of_cluster(vec![labelled(&["gadgets"], "web")]), GADGETS, &[("app", "db")], stopped),
        (of_cluster(vec![labelled(&["gadgets"], "web")]).namespaces(["shop"]), GADGETS, &[("app", "web")], IfNeeded),
        (of_cluster(vec![labelled(&["gadgets"], "web")]).namespaces(["shop"]), GADGETS, &[], stopped),
        // A namespace with filters of its own takes what these let through, and nothing else.
        (only_pods_of_shop(), "pods/shop/web", &[], Take),
        (only_pods_of_shop(), "configmaps/shop/a", &[], stopped),
        (only_pods_of_shop(), "configmaps/web/a", &[], Take),
        (only_pods_of_shop(), "nodes/n", &[], Take),
        // Its name goes before a glob.
        (two(), "pods/shop/web", &[], Take),
        (two(), "secrets/shop/s", &[], stopped),
        (two(), "secrets/shop-eu/s", &[], Take),
        // A filter that names the kind goes before that for all others.
        (rest(), "configmaps/shop/aa", &[], Take),
        (rest(), "configmaps/shop/ab", &[("app", "web")], stopped),
        (rest(), "pods/shop/p", &[("app", "web")], Take),
        (rest(), "pods/shop/p", &[], stopped),
        // A filter without a selector leaves the labels to the selector of the spec; one with a selector replaces it.
        (selected(only_pods_of_shop()), "pods/shop/web", &[("app", "web")], Take),
        (selected(only_pods_of_shop()), "pods/shop/web", &[], IfNeeded),
        (selected(of_cluster(vec![labelled(&["gadgets"], "db")])), GADGETS, &[("app", "db")], Take),
        // It replaces what the lists include, and not what they exclude.
        (listed(only_pods_of_shop()), "pods/shop/web", &[], Take),
        (listed(only_pods_of_shop()), "pods/web/web", &[], Leave(Reason::TypeNotIncluded)),
        (excluded(only_pods_of_shop()), "pods/shop/web", &[], Leave(Reason::TypeExcluded)),
    ] {
        assert_eq!(verdict(&resolve(&spec).rules, object, labels), expect, "{object} {labels:?} by {spec:?}");
    }
}

#[test]
fn filters_and_scopes_decide_what_is_listed() {
    let web = LabelSelector::label("app", "web");
    let pods_of_shop = of_namespaces(vec![(&["shop"], vec![filter(&["po"])])]);
    let listed = |spec| BackupSpec { included_namespace_scoped_resources: strings(&["cm"]), ..spec };
    for (spec, ty, expect) in [
        (listed(pods_of_shop.clone()), "pods", &["shop"][..]),
        (listed(pods_of_shop.clone()), "configmaps", &["*"]),
        (listed(pods_of_shop.clone()), "secrets", &[]),
        (scoped((&["*"], &[]), (&[], &["*"])), "pods", &[]),
        (pods_of_shop.clone().selector(web.clone()), "pods", &["* app=web"]),
        // The server can't select for a filter that judges labels itself.
        (of_namespaces(vec![(&["shop"], vec![labelled(&["po"], "db")])]).selector(web.clone()), "pods", &["*"]),
        (of_namespaces(vec![(&["shop"], vec![labelled(&["po"], "db")])]).selector(web), "secrets", &["* app=web"]),
    ] {
        let queries = resolve(&spec).queries;
        let of_type = queries.iter().filter(|query| query.ty.gvr.plural == ty);
        let shown: Vec<String> = of_type
            .map(|query| {
                let place = query.namespace.as_deref().unwrap_or("*");
                if query.labels.is_empty() { place.to_owned() } else { format!("{place} {}", query.labels) }
            })
            .collect();
        assert_eq!(shown, expect, "{ty} by {spec:?}");
    }
}

#[test]
fn words_in_the_wrong_list_are_violations() {
    for (spec, expect) in [
        (
            scoped((&["po"], &[]), (&[], &[])),
            "includedClusterScopedResources: the objects of \"po\" are in namespaces: put it into includedNamespaceScopedResources",
        ),
        (
            scoped((&[], &[]), (&[], &["nodes"])),
            "excludedNamespaceScopedResources: the objects of \"nodes\" are of the cluster: put it into excludedClusterScopedResources",
        ),
        (
            scoped((&["gadgetz"], &[]), (&[], &[])),
            "includedClusterScopedResources: the cluster serves no type \"gadgetz\"; did you mean \"gadgets.example.com\" or \"widgets.example.com\"?",
        ),
        (
            of_cluster(vec![filter(&["gadgetz.example.com"])]),
            "clusterScopedFilters: the cluster serves no type \"gadgetz.example.com\"; did you mean \"gadgets.example.com\" or \"widgets.example.com\"?",
        ),
        (
            scoped((&["cs"], &[]), (&[], &[])),
            "includedClusterScopedResources: \"componentstatuses\" cannot be in a backup: it is computed when it is asked for",
        ),
    ] {
        let violations = Selection::resolve(&spec, &discovery(&[]), &[]).expect_err("there is something wrong");
        assert_eq!(violations.to_string(), expect);
    }
}
