//! What holds for all keys and prefixes.

use proptest::prelude::*;

use super::*;

fn segment() -> impl Strategy<Value = String> {
    "[-a-zA-Z0-9_.~ %+é日]{1,6}".prop_filter("dots alone are no segment", |segment| segment != "." && segment != "..")
}

fn path(segments: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = String> {
    prop::collection::vec(segment(), segments).prop_map(|segments| segments.join("/"))
}

proptest! {
    #[test]
    fn a_key_is_its_text(text in path(1..5)) {
        let key: Key = text.parse().expect("a key");
        prop_assert_eq!(key.to_string(), text.clone());
        prop_assert_eq!(key.segments().collect::<Vec<_>>().join("/"), text);
        let json = serde_json::to_string(&key).expect("it is plain data");
        prop_assert_eq!(serde_json::from_str::<Key>(&json).expect("its own JSON"), key);
    }

    #[test]
    fn any_key_is_safe_as_a_path(text in "[./a\\\\\n]{0,10}|\\PC{0,10}") {
        if let Ok(key) = text.parse::<Key>() {
            prop_assert!(key.segments().all(|segment| !matches!(segment, "" | "." | "..")));
            prop_assert!(!text.contains(['\\', '\n', '\0']));
        }
        prop_assert_eq!(serde_json::from_value::<Key>(text.clone().into()).is_ok(), text.parse::<Key>().is_ok());
    }

    #[test]
    fn what_is_put_below_a_prefix_comes_back(prefix in path(0..3), name in path(1..3)) {
        let prefix: Prefix = prefix.parse().expect("a prefix");
        let key = prefix.key(&name).expect("a key");
        prop_assert!(prefix.contains(&key));
        prop_assert_eq!(key.relative_to(&prefix).map(String::from), Some(name.clone()));
        let child = prefix.child(&name).expect("a prefix");
        prop_assert_eq!(child.relative_to(&prefix).map(|rest| rest.to_string()), Some(name));
        prop_assert_eq!(child.relative_to(&child), Some(Prefix::root()));
        prop_assert!(!child.contains(&key), "a prefix does not contain the key of its own name");
    }

    #[test]
    fn a_prefix_contains_by_segments(prefix in path(1..3), key in path(1..4)) {
        let (one, other): (Prefix, Key) = (prefix.parse().expect("a prefix"), key.parse().expect("a key"));
        let (beginning, segments): (Vec<&str>, Vec<&str>) = (prefix.split('/').collect(), other.segments().collect());
        prop_assert_eq!(one.contains(&other), segments.len() > beginning.len() && segments.starts_with(&beginning));
    }

    #[test]
    fn a_clipped_range_is_within_the_object(size in 0..100_u64, start in 0..120_u64, end in 0..120_u64) {
        let key = "a".parse().expect("a key");
        let stored = Stored { key, size, modified: jiff::Timestamp::UNIX_EPOCH };
        prop_assert_eq!(stored.clip(None).expect("all of it"), 0..size);
        match stored.clip(Some(start..end)) {
            Ok(range) => prop_assert!(range.start == start && range.end == end.min(size) && start < range.end),
            Err(error) => {
                prop_assert_eq!(error.kind(), StoreErrorKind::Invalid);
                prop_assert!(start >= end || start >= size);
            }
        }
    }
}
