//! What holds for all patterns, selectors, names and words.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// What a pattern of plain characters, `*` and `?` means, said as plainly as possible.
fn fits(pattern: &[char], name: &[char]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        (['*', rest @ ..], _) => (0..=name.len()).any(|taken| fits(rest, &name[taken..])),
        (['?', rest @ ..], [_, name @ ..]) => fits(rest, name),
        ([first, rest @ ..], [same, name @ ..]) if first == same => fits(rest, name),
        _ => false,
    }
}

fn word() -> impl Strategy<Value = String> {
    "[a-z0-9]([-a-z0-9_.A-Z]{0,8}[a-zA-Z0-9])?"
}

fn label_key() -> impl Strategy<Value = String> {
    prop_oneof![word(), ("[a-z]{1,5}(\\.[a-z]{1,5})?", word()).prop_map(|(prefix, name)| format!("{prefix}/{name}"))]
}

fn requirement() -> impl Strategy<Value = Requirement> {
    let values = prop::collection::vec(prop_oneof![word(), Just(String::new())], 1..4);
    (label_key(), 0..4, values).prop_map(|(key, operator, values)| match operator {
        0 => Requirement { key, operator: Operator::In, values },
        1 => Requirement { key, operator: Operator::NotIn, values },
        2 => Requirement { key, operator: Operator::Exists, values: Vec::new() },
        _ => Requirement { key, operator: Operator::DoesNotExist, values: Vec::new() },
    })
}

fn selector() -> impl Strategy<Value = LabelSelector> {
    let labels = prop::collection::btree_map(label_key(), prop_oneof![word(), Just(String::new())], 0..3);
    (labels, prop::collection::vec(requirement(), 0..3))
        .prop_map(|(match_labels, match_expressions)| LabelSelector { match_labels, match_expressions })
}

/// Labels that have a good chance to meet a selector: keys and values of it, and others.
fn labels_for(selector: &LabelSelector, picks: &[u8]) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let own = selector.match_labels.iter().map(|(key, value)| (key, Some(value)));
    let asked = selector.match_expressions.iter().map(|requirement| (&requirement.key, requirement.values.first()));
    for ((key, value), pick) in own.chain(asked).zip(picks) {
        match pick % 3 {
            0 => _ = labels.insert(key.clone(), value.cloned().unwrap_or_default()),
            1 => _ = labels.insert(key.clone(), "another".to_owned()),
            _ => {}
        }
    }
    labels
}

proptest! {
    #[test]
    fn globs_mean_what_they_say(pattern in "[ab*?]{0,8}", name in "[ab]{0,8}") {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(Glob::new(&pattern).matches(&name), fits(&chars(&pattern), &chars(&name)));
    }

    #[test]
    fn a_glob_never_fails_and_a_name_fits_itself(pattern in "\\PC{0,12}", name in "[-a-z0-9.é]{0,12}") {
        _ = Glob::new(&pattern).matches(&name);
        _ = Glob::is_balanced(&pattern);
        prop_assert!(Glob::new(&name).matches(&name));
        prop_assert!(!Glob::is_pattern(&name));
        let around = format!("*{name}*");
        let longer = format!("x{name}y");
        prop_assert!(Glob::new(&around).matches(&longer));
    }

    #[test]
    fn a_selector_survives_its_text(selector in selector()) {
        prop_assert_eq!(selector.violations(), Vec::<String>::new());
        let text = selector.to_string();
        prop_assert_eq!(&text.parse::<LabelSelector>().expect("its own text"), &selector, "{}", text);
    }

    #[test]
    fn a_selector_survives_its_json(selector in selector()) {
        let json = serde_json::to_string(&selector).expect("it is plain data");
        prop_assert_eq!(serde_json::from_str::<LabelSelector>(&json).expect("its own JSON"), selector);
    }

    #[test]
    fn a_selector_holds_where_each_part_holds(selector in selector(), picks in prop::collection::vec(any::<u8>(), 6)) {
        let labels = labels_for(&selector, &picks);
        let alone = |text: String| text.parse::<LabelSelector>().expect("a part of a selector").matches(&labels);
        let parts = selector.match_labels.iter().map(|(key, value)| format!("{key}={value}"));
        let mut parts = parts.chain(selector.match_expressions.iter().map(Requirement::to_string));
        prop_assert_eq!(selector.matches(&labels), parts.all(alone));
    }

    #[test]
    fn opposite_requirements_divide_all_labels(requirement in requirement(), picks in prop::collection::vec(any::<u8>(), 1)) {
        let opposite = match requirement.operator {
            Operator::In => Operator::NotIn,
            Operator::NotIn => Operator::In,
            Operator::Exists => Operator::DoesNotExist,
            Operator::DoesNotExist => Operator::Exists,
        };
        let other = Requirement { operator: opposite, ..requirement.clone() };
        let [one, other] = [requirement, other]
            .map(|requirement| LabelSelector { match_expressions: vec![requirement], ..LabelSelector::default() });
        let labels = labels_for(&one, &picks);
        prop_assert_ne!(one.matches(&labels), other.matches(&labels));
    }

    #[test]
    fn reading_a_selector_never_fails_otherwise(text in "[a-z=!,() /]{0,16}|\\PC{0,16}") {
        if let Ok(selector) = text.parse::<LabelSelector>() {
            prop_assert_eq!(selector.to_string().parse::<LabelSelector>().expect("its own text"), selector);
        }
    }

    #[test]
    fn a_backup_name_is_a_label_and_a_path(name in "\\PC{0,20}|[-a-z0-9.]{0,20}") {
        if let Ok(name) = name.parse::<BackupName>() {
            prop_assert!(!name.as_str().contains(['/', '\\', ' ']) && !name.as_str().starts_with('.'));
            prop_assert_eq!(name.to_string().parse::<BackupName>().expect("its own text"), name);
        }
    }

    #[test]
    fn types_survive_their_text(group in "([a-z]{1,5}(\\.[a-z]{1,5})?)?", version in "v[1-9]", plural in "[a-z]{1,9}") {
        let gvr = Gvr::new(&group, &version, &plural);
        prop_assert_eq!(gvr.to_string().parse::<Gvr>().expect("its own text"), gvr.clone());
        let gvk = Gvk::new(&gvr.api_version(), "Kind");
        prop_assert_eq!((gvk.group, gvk.version), (group, version));
    }

    #[test]
    fn edit_distance_is_symmetric_and_bounded(a in "[abc]{0,8}", b in "[abc]{0,8}") {
        let distance = edit_distance(&a, &b);
        prop_assert_eq!(distance, edit_distance(&b, &a));
        prop_assert_eq!(distance == 0, a == b);
        prop_assert!((a.len().abs_diff(b.len())..=a.len().max(b.len())).contains(&distance));
    }
}

#[test]
fn nearest_names_come_best_first() {
    let names = ["nightly", "nightly-2", "weekly", "night", "n"];
    for (word, expect) in [
        ("nightly", &["nightly", "night", "nightly-2"][..]),
        ("nigthly", &["nightly", "night", "nightly-2"]),
        ("nightl", &["night", "nightly", "nightly-2"]),
        ("wekly", &["weekly"]),
        ("nothing-like-it", &[]),
        ("", &["n"]),
    ] {
        assert_eq!(nearest(word, names), expect, "{word:?}");
    }
}

#[test]
fn revisions_are_decimal_numbers() {
    for (text, expect) in [
        ("0", Some(0)),
        ("12345", Some(12_345)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("+5", None),
        ("-5", None),
        (" 5", None),
        ("", None),
        ("0x5", None),
    ] {
        assert_eq!(text.parse().ok(), expect.map(Revision), "{text:?}");
    }
}

#[test]
fn text_that_names_no_type_is_refused() {
    for text in ["", "pods", "/pods", "v1/", "/v1/pods", "apps//deployments", "a/b/c/d"] {
        assert!(text.parse::<Gvr>().is_err(), "{text:?}");
    }
}
