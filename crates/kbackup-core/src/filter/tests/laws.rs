//! What holds for every spec.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::{Needs, Selection};
use super::*;
use crate::model::LabelSelector;
use crate::spec::BackupSpec;

const NAMESPACES: &[&str] = &["a", "b", "ab", "ba", "kube-system", "x1", "x2", "x3", "x4", "x5", "x6", "x7"];
const PATTERNS: &[&str] = &["a", "b", "a*", "*b", "?", "x[1-4]", "x*", "kube-system", "none"];
const WORDS: &[&str] = &["pods", "cm", "deployments.apps", "*.example.com", "persistentvolumes", "gadgets", "ev", "ns"];

/// An object of the test cluster: its type, namespace, name, and whether it has the label.
type Thing = (usize, usize, bool);

fn namespaces() -> Vec<NamespaceInfo> {
    NAMESPACES.iter().map(|name| namespace(name, &[])).collect()
}

fn resolve(spec: &BackupSpec) -> Selection {
    Selection::resolve(spec, &discovery(&[]), &namespaces()).expect("words that are known")
}

fn subset(of: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    prop::sample::subsequence(of, 0..of.len()).prop_map(|words| strings(&words))
}

prop_compose! {
    fn any_spec()(
        included_namespaces in subset(PATTERNS),
        excluded_namespaces in subset(PATTERNS),
        included_resources in subset(WORDS),
        excluded_resources in subset(WORDS),
        include_cluster_resources in any::<Option<bool>>(),
        selected in any::<bool>(),
    ) -> BackupSpec {
        BackupSpec {
            included_namespaces, excluded_namespaces, included_resources, excluded_resources, include_cluster_resources,
            label_selector: selected.then(|| LabelSelector::label("app", "web")),
            ..BackupSpec::default()
        }
    }
}

fn any_thing() -> impl Strategy<Value = Thing> {
    (0..TYPES.len(), 0..NAMESPACES.len(), any::<bool>())
}

fn verdict_on(selection: &Selection, (ty, at, labelled): Thing) -> Verdict {
    let (ty, _, _, namespaced) = TYPES[ty];
    let pairs: &[(&str, &str)] = if labelled { &[("app", "web")] } else { &[] };
    let ty = gvr(ty.trim_end_matches('*'));
    let namespace = namespaced.then_some(NAMESPACES[at]);
    selection.rules.verdict(&ty, namespace, NAMESPACES[at], &labels(pairs))
}

fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Leave(_) => 0,
        Verdict::IfNeeded => 1,
        Verdict::Take => 2,
    }
}

proptest! {
    #[test]
    fn what_is_excluded_is_not_taken(spec in any_spec(), thing in any_thing()) {
        let (ty, _, _, namespaced) = TYPES[thing.0];
        let all_of_type = BackupSpec {
            excluded_resources: [spec.excluded_resources.clone(), vec![ty.trim_end_matches('*').to_owned()]].concat(),
            ..spec.clone()
        };
        prop_assert_eq!(rank(verdict_on(&resolve(&all_of_type), thing)), 0);
        let excluded_namespaces = [spec.excluded_namespaces.clone(), strings(&[NAMESPACES[thing.1]])].concat();
        let all_of_namespace = BackupSpec { excluded_namespaces, ..spec };
        if namespaced || ty == "namespaces" {
            prop_assert_eq!(rank(verdict_on(&resolve(&all_of_namespace), thing)), 0);
        }
    }

    #[test]
    fn one_more_exclude_never_adds(
        spec in any_spec(), word in prop::sample::select(WORDS), pattern in prop::sample::select(PATTERNS), thing in any_thing(),
    ) {
        let before = rank(verdict_on(&resolve(&spec), thing));
        let excluded_resources = [spec.excluded_resources.clone(), strings(&[word])].concat();
        let fewer_types = BackupSpec { excluded_resources, ..spec.clone() };
        prop_assert!(rank(verdict_on(&resolve(&fewer_types), thing)) <= before);
        let excluded_namespaces = [spec.excluded_namespaces.clone(), strings(&[pattern])].concat();
        let fewer_namespaces = BackupSpec { excluded_namespaces, ..spec };
        prop_assert!(rank(verdict_on(&resolve(&fewer_namespaces), thing)) <= before);
    }

    #[test]
    fn a_star_is_the_same_as_no_list(spec in any_spec(), thing in any_thing()) {
        let none = BackupSpec { included_namespaces: Vec::new(), included_resources: Vec::new(), ..spec.clone() };
        let star = BackupSpec { included_namespaces: strings(&["*"]), included_resources: strings(&["*"]), ..spec };
        prop_assert_eq!(verdict_on(&resolve(&none), thing), verdict_on(&resolve(&star), thing));
        prop_assert_eq!(resolve(&none).queries, resolve(&star).queries);
    }

    #[test]
    fn the_order_of_a_list_does_not_matter(spec in any_spec(), thing in any_thing()) {
        let turned = |list: &[String]| list.iter().rev().cloned().collect::<Vec<_>>();
        let other = BackupSpec {
            included_namespaces: turned(&spec.included_namespaces),
            excluded_namespaces: turned(&spec.excluded_namespaces),
            included_resources: turned(&spec.included_resources),
            excluded_resources: turned(&spec.excluded_resources),
            ..spec.clone()
        };
        prop_assert_eq!(verdict_on(&resolve(&spec), thing), verdict_on(&resolve(&other), thing));
        prop_assert_eq!(resolve(&spec).queries, resolve(&other).queries);
    }

    #[test]
    fn what_is_taken_is_listed_once_and_nothing_else_twice(spec in any_spec(), thing in any_thing()) {
        let selection = resolve(&spec);
        let (name, _, _, namespaced) = TYPES[thing.0];
        let ty = gvr(name.trim_end_matches('*'));
        let pairs: &[(&str, &str)] = if thing.2 { &[("app", "web")] } else { &[] };
        let listing = selection.queries.iter().filter(|query| {
            let here = query.namespace.as_deref().is_none_or(|only| namespaced && only == NAMESPACES[thing.1]);
            query.ty.gvr == ty && here && query.labels.matches(&labels(pairs))
        });
        let count = listing.count();
        let taken = verdict_on(&selection, thing) == Verdict::Take;
        prop_assert!(count <= 1 && (!taken || count == 1), "{} lists give it", count);
    }

    #[test]
    fn a_namespace_that_may_be_needed_is_listed_for_it(spec in any_spec(), thing in any_thing()) {
        let selection = resolve(&spec);
        let namespaces = (0, thing.1, thing.2);
        let mut needs = Needs::default();
        needs.add(&gvr("pods"), Some(NAMESPACES[thing.1]));
        let queries = selection.queries_if_needed(&needs, &Needs::default());
        let listed = queries.iter().any(|query| query.ty.gvr == gvr("namespaces"));
        prop_assert!(listed || verdict_on(&selection, namespaces) != Verdict::IfNeeded);
    }

    #[test]
    fn whatever_may_be_needed_is_listed_for_it_once(spec in any_spec(), thing in any_thing(), many in any::<bool>()) {
        let selection = resolve(&spec);
        let (name, _, _, namespaced) = TYPES[thing.0];
        let (ty, at) = (name.trim_end_matches('*'), NAMESPACES[thing.1]);
        let place = namespaced.then_some(at);
        let mut needs = Needs::default();
        needs.require(ty, place, at);
        if many {
            (0..100).for_each(|number| needs.require(ty, place, &format!("n{number}")));
        }
        let queries = selection.queries_if_needed(&needs, &Needs::default());
        let gives = queries.iter().filter(|query| {
            query.ty.gvr == gvr(ty)
                && query.labels.is_empty()
                && query.namespace.as_deref().is_none_or(|only| Some(only) == place)
                && query.name.as_deref().is_none_or(|only| only == at)
        });
        let needed = verdict_on(&selection, thing) == Verdict::IfNeeded;
        let count = gives.count();
        prop_assert!(count <= 1 && (!needed || count == 1), "{} lists give it", count);
    }

    #[test]
    fn namespaces_of_queries_are_chosen_ones(spec in any_spec()) {
        let selection = resolve(&spec);
        let chosen: BTreeSet<&str> = selection.namespaces.iter().map(String::as_str).collect();
        let asked = selection.queries.iter().filter_map(|query| query.namespace.as_deref());
        prop_assert!(asked.collect::<BTreeSet<_>>().is_subset(&chosen));
    }
}
