//! What holds for all durations, and which specs are refused, with everything that is wrong with them.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::LabelSelector;

proptest! {
    #[test]
    fn a_ttl_survives_its_text(seconds in 1..100_u64 * 366 * 86_400) {
        let ttl: Ttl = format!("{seconds}s").parse().expect("a duration");
        prop_assert_eq!(ttl.duration(), Duration::from_secs(seconds));
        prop_assert_eq!(ttl.to_string().parse::<Ttl>().expect("its own text"), ttl);
        let json = serde_json::to_string(&ttl).expect("it is plain data");
        prop_assert_eq!(serde_json::from_str::<Ttl>(&json).expect("its own JSON"), ttl);
    }

    #[test]
    fn the_parts_of_a_ttl_add_up(w in 0..9_u64, d in 0..99_u64, h in 0..999_u64, m in 0..999_u64, s in 1..999_u64) {
        let ttl: Ttl = format!("{w}w{d}d{h}h{m}m{s}s").parse().expect("a duration");
        prop_assert_eq!(ttl.duration().as_secs(), (((w * 7 + d) * 24 + h) * 60 + m) * 60 + s);
    }

    #[test]
    fn reading_a_ttl_never_fails_otherwise(text in "[0-9hmsdw+. -]{0,12}|\\PC{0,12}") {
        if let Ok(ttl) = text.parse::<Ttl>() {
            prop_assert!(ttl.duration() >= Duration::from_secs(1));
        }
    }
}

fn backup(change: impl FnOnce(&mut BackupSpec)) -> Vec<&'static str> {
    let mut spec = BackupSpec::default();
    change(&mut spec);
    fields(spec.validate())
}

fn restore(change: impl FnOnce(&mut RestoreSpec)) -> Vec<&'static str> {
    let mut spec = RestoreSpec::from_backup("nightly".parse().expect("a name"));
    change(&mut spec);
    fields(spec.validate())
}

fn fields(result: Result<(), Violations>) -> Vec<&'static str> {
    result.err().map_or(Vec::new(), |Violations(found)| found.into_iter().map(|violation| violation.field).collect())
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn names_of_namespaces_are_checked() {
    let long = "a".repeat(64);
    for (name, valid) in [
        ("shop", true),
        ("*", true),
        ("shop-*", true),
        ("team-?", true),
        ("team-[a-c]", true),
        ("Shop", false),
        ("shop/web", false),
        ("shop.web", false),
        ("**", false),
        ("[", false),
        ("a]", false),
        ("a[]", false),
        ("", false),
        (" ", false),
        (&long, false),
    ] {
        assert_eq!(backup(|spec| spec.included_namespaces = names(&[name])).is_empty(), valid, "{name:?}");
    }
}

#[test]
fn lists_that_contradict_themselves_are_refused() {
    assert_eq!(backup(|spec| spec.included_namespaces = names(&["*", "a"])), ["includedNamespaces"]);
    assert_eq!(backup(|spec| spec.excluded_namespaces = names(&["*"])), ["excludedNamespaces"]);
    assert_eq!(backup(|spec| spec.excluded_resources = names(&["*"])), ["excludedResources"]);
    assert_eq!(backup(|spec| spec.included_resources = names(&["pods", ""])), ["includedResources"]);
    let both = backup(|spec| {
        spec.included_resources = names(&["pods", "secrets"]);
        spec.excluded_resources = names(&["secrets"]);
    });
    assert_eq!(both, ["includedResources"]);
    let selectors = backup(|spec| {
        spec.label_selector = Some(LabelSelector::label("app", "web"));
        spec.or_label_selectors = vec![LabelSelector::label("app", "db")];
    });
    assert_eq!(selectors, ["orLabelSelectors"]);
    assert_eq!(backup(|spec| spec.label_selector = Some(LabelSelector::label("a b", "c d"))), ["labelSelector"; 2]);
    assert_eq!(backup(|spec| spec.labels = [("a b".to_owned(), "c d".to_owned())].into()), ["labels"; 2]);
    let noted = |key: &str| [(key.to_owned(), "c d, e".to_owned())].into();
    assert_eq!(backup(|spec| spec.annotations = noted("a b")), ["annotations"]);
    assert!(backup(|spec| spec.annotations = noted("example.com/why")).is_empty());
    assert!(backup(|spec| spec.labels = [(SCHEDULE_LABEL.to_owned(), "nightly".to_owned())].into()).is_empty());
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let found = restore(|spec| {
        spec.included_namespaces = names(&["Shop"]);
        spec.excluded_resources = names(&["*"]);
        spec.namespace_mapping.insert("a".to_owned(), "B".to_owned());
    });
    assert_eq!(found, ["includedNamespaces", "excludedResources", "namespaceMapping"]);
}

#[test]
fn mappings_lead_to_namespaces_of_their_own() {
    let map = |pairs: &[(&str, &str)]| {
        restore(|spec| spec.namespace_mapping = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect())
    };
    assert!(map(&[("a", "b"), ("b", "a")]).is_empty(), "two can swap");
    assert!(map(&[("a", "b"), ("c", "d")]).is_empty());
    assert_eq!(map(&[("a", "x"), ("b", "x")]), ["namespaceMapping"]);
    assert_eq!(map(&[("a.b", "x")]), ["namespaceMapping"]);
    assert_eq!(map(&[("a", "")]), ["namespaceMapping"]);
    assert_eq!(map(&[("a", "x*")]), ["namespaceMapping"]);
}

#[test]
fn what_changes_objects_is_checked_beforehand() {
    let class =
        |from: &str, to: &str| restore(|spec| _ = spec.storage_class_mapping.insert(from.to_owned(), to.to_owned()));
    assert!(class("gp2", "fast.ssd-1").is_empty());
    assert_eq!(class("gp2", "Fast"), ["storageClassMapping"]);
    assert_eq!(class("", "-"), ["storageClassMapping"; 2]);
    let image = |from: &str, to: &str| restore(|spec| _ = spec.image_mapping.insert(from.to_owned(), to.to_owned()));
    assert!(image("docker.io/", "mirror.example/docker/").is_empty());
    assert_eq!(image("a b", "c"), ["imageMapping"]);
    assert_eq!(image("a", ""), ["imageMapping"]);
    let status = |included: &[&str], excluded: &[&str]| {
        let lists = RestoreStatus { included_resources: names(included), excluded_resources: names(excluded) };
        restore(|spec| spec.restore_status = Some(lists))
    };
    assert!(status(&["*"], &["pods"]).is_empty());
    assert_eq!(status(&["pods"], &["pods"]), ["restoreStatus.includedResources"]);
    assert_eq!(status(&[], &["*"]), ["restoreStatus.excludedResources"]);
    let rules =
        serde_json::json!({"version": "v1", "resourceModifierRules": [{"conditions": {"groupResource": "pods"}}]});
    let modifiers = serde_json::from_value(rules).expect("it has the form of rules");
    assert_eq!(restore(|spec| spec.resource_modifiers = Some(modifiers)), ["resourceModifiers"]);
}

#[test]
fn specs_refuse_fields_that_they_do_not_know() {
    let spec: BackupSpec = serde_json::from_str(r#"{"includedNamespaces":["shop"],"ttl":"24h"}"#).expect("a spec");
    assert_eq!(spec, BackupSpec::default().namespaces(["shop"]).ttl("24h".parse().expect("a duration")));
    let error = serde_json::from_str::<BackupSpec>(r#"{"includeNamespaces":["shop"]}"#).expect_err("a typing error");
    assert!(error.to_string().contains("includedNamespaces"), "{error}");
    let json = serde_json::to_value(BackupSpec::default()).expect("it is plain data");
    assert_eq!(json, serde_json::json!({"ttl": "720h0m0s", "consistency": "revision"}));
}
