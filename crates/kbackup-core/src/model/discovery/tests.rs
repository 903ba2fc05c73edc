use super::*;
use crate::model::Verb;

fn ty(gvr: &str, kind: &str, short: &[&str], preferred: bool) -> ResourceType {
    ResourceType {
        gvr: gvr.parse().expect("a type"),
        kind: kind.to_owned(),
        singular: kind.to_lowercase(),
        short_names: short.iter().map(|&name| name.to_owned()).collect(),
        categories: Vec::new(),
        namespaced: true,
        verbs: vec![Verb::List],
        has_status: false,
        preferred,
    }
}

fn discovery() -> Discovery {
    let types = vec![
        ty("v1/pods", "Pod", &["po"], true),
        ty("v1/events", "Event", &["ev"], true),
        ty("events.k8s.io/v1/events", "Event", &["ev"], true),
        ty("apps/v1/deployments", "Deployment", &["deploy"], true),
        ty("example.com/v1/widgets", "Widget", &[], true),
        ty("example.com/v1beta1/widgets", "Widget", &[], false),
    ];
    Discovery::new(types, Vec::new())
}

#[test]
fn words_find_types() {
    for (word, expect) in [
        ("pods", &["v1/pods"][..]),
        ("po", &["v1/pods"]),
        ("Pod", &["v1/pods"]),
        ("DEPLOYMENTS", &["apps/v1/deployments"]),
        ("deployments.apps", &["apps/v1/deployments"]),
        ("deploy.apps", &["apps/v1/deployments"]),
        ("deployments.v1.apps", &["apps/v1/deployments"]),
        ("deployments.v2.apps", &[]),
        ("events", &["v1/events", "events.k8s.io/v1/events"]),
        ("events.events.k8s.io", &["events.k8s.io/v1/events"]),
        ("widgets.example.com", &["example.com/v1/widgets"]),
        ("gadgets", &[]),
        ("", &[]),
    ] {
        let found: Vec<String> = discovery().find(word).iter().map(|ty| ty.gvr.to_string()).collect();
        assert_eq!(found, expect, "{word:?}");
    }
}

#[test]
fn types_are_found_at_their_version() {
    let discovery = discovery();
    let beta: Gvr = "example.com/v1beta1/widgets".parse().expect("a type");
    assert!(!discovery.get(&beta).expect("it is served").preferred);
    let found = discovery.by_kind(&Gvk::new("example.com/v1beta1", "Widget")).expect("it is served");
    assert_eq!(found.gvr, beta);
    assert!(discovery.by_kind(&Gvk::new("example.com/v2", "Widget")).is_none());
    assert_eq!(discovery.preferred().count(), 5);
}

#[test]
fn unknown_words_have_neighbours() {
    for (word, expect) in [
        ("deplyoments", &["deployments.apps"][..]),
        ("Widget.example.con", &["widgets.example.com"]),
        ("pdo", &["pods"]),
        ("something-else", &[]),
    ] {
        assert_eq!(discovery().nearest(word), expect, "{word}");
    }
}
