use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// The items and the metadata of `body`, which arrives in chunks of the given lengths (and the rest in one).
fn scan(body: &[u8], chunks: &[usize]) -> Result<(Vec<Value>, ListMeta), ScanError> {
    let mut scanner = Scanner::new(1 << 20);
    let mut items = Vec::new();
    let mut rest = body;
    let mut push = |chunk: &[u8]| {
        scanner.push::<ScanError>(chunk, |item| {
            items.push(serde_json::from_slice(item).expect("an item is cut where it begins and ends"));
            Ok(())
        })
    };
    for length in chunks {
        let (chunk, after) = rest.split_at((*length).min(rest.len()));
        push(chunk)?;
        rest = after;
    }
    push(rest)?;
    Ok((items, scanner.finish()?))
}

#[test]
fn finds_items_and_metadata_wherever_they_stand() {
    let meta = ListMeta { resource_version: "7".into(), token: "abc".into(), remaining_item_count: Some(3) };
    let check = |body: &str, expect: &[Value], meta: &ListMeta| {
        for size in 1..=body.len() {
            let chunks = vec![size; body.len() / size];
            let (items, got) = scan(body.as_bytes(), &chunks).expect(body);
            assert_eq!((items.as_slice(), &got), (expect, meta), "{body} in chunks of {size}");
        }
    };
    let m = r#""metadata":{"resourceVersion":"7","continue":"abc","remainingItemCount":3}"#;
    let two = [json!({"a": 1}), json!({"b": "}]\\\""})];
    check(&format!(r#"{{"kind":"XList","apiVersion":"v1",{m},"items":[{{"a":1}},{{"b":"}}]\\\""}}]}}"#), &two, &meta);
    check(&format!(r#"{{"items":[{{"a":1}},{{"b":"}}]\\\""}}],"kind":"XList",{m}}}"#), &two, &meta);
    check(&format!(" {{ \"x\" : [1, {{\"items\":[2]}}], {m} ,\n\t\"items\" : [ ] }} \n"), &[], &meta);
    check(&format!(r#"{{{m},"items":null,"n":-1.5e3,"t":true}}"#), &[], &meta);
    check(r#"{"metadata":{},"items":[{}]}"#, &[json!({})], &ListMeta::default());
    check(r#"{"it\u0065ms":[{"a":1}]}"#, &[json!({"a": 1})], &ListMeta::default());
    check("{}", &[], &ListMeta::default());
}

#[test]
fn refuses_what_is_not_a_list() {
    let check = |body: &str, expect: ScanError| assert_eq!(scan(body.as_bytes(), &[]), Err(expect), "{body}");
    check("", ScanError::Truncated);
    check("<html>", ScanError::Syntax(0));
    check(r#"{"items":[{"a":1}"#, ScanError::Truncated);
    check(r#"{"items":[{"a":1}]"#, ScanError::Truncated);
    check(r#"{"items":[{"a":1},]}"#, ScanError::Syntax(18));
    check(r#"{"items":[1]}"#, ScanError::Syntax(10));
    check(r#"{"items":{}}"#, ScanError::Syntax(9));
    check(r#"{"a":1,}"#, ScanError::Syntax(7));
    check(r"{} {}", ScanError::Syntax(3));
    check(r#"{"metadata":{"resourceVersion":7}}"#, ScanError::Metadata);
}

#[test]
fn an_item_has_a_largest_size() {
    let body = format!(r#"{{"items":[{{"a":"{}"}}]}}"#, "x".repeat(100));
    let mut scanner = Scanner::new(50);
    let pushed = body.as_bytes().chunks(7).try_for_each(|chunk| scanner.push::<ScanError>(chunk, |_| Ok(())));
    assert_eq!(pushed, Err(ScanError::TooLarge(50)));
}

#[test]
fn what_the_taker_says_ends_the_scan() {
    let mut scanner = Scanner::new(1 << 20);
    let pushed = scanner.push(br#"{"items":[{},{}]}"#, |_| Err(ScanError::Metadata));
    assert_eq!(pushed, Err(ScanError::Metadata));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~\u{e9}\u{1f600}\n]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z\"\\\\{}\\[\\]:,]{0,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_object() -> impl Strategy<Value = Value> {
    proptest::collection::btree_map("[a-z]{1,8}", any_json(), 0..4)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

proptest! {
    #[test]
    fn agrees_with_serde_json(
        items in vec(any_object(), 0..6),
        others in vec(("x[a-z]{0,4}", any_json()), 0..3),
        chunks in vec(1usize..40, 0..60),
        pretty in any::<bool>(),
    ) {
        let mut list = serde_json::Map::from_iter(others);
        list.insert("metadata".into(), json!({"resourceVersion": "12", "continue": "t"}));
        list.insert("items".into(), Value::from(items.clone()));
        let body = if pretty { serde_json::to_vec_pretty(&list) } else { serde_json::to_vec(&list) }.expect("JSON");
        let (got, meta) = scan(&body, &chunks).expect("a list");
        prop_assert_eq!(got, items);
        prop_assert_eq!((meta.resource_version.as_str(), meta.token.as_str()), ("12", "t"));
    }

    #[test]
    fn never_panics(body in "[{}\\[\\]\",:a-z0-9\\\\ ]{0,60}", chunks in vec(1usize..9, 0..20)) {
        let mut scanner = Scanner::new(16);
        let mut rest = body.as_bytes();
        for length in chunks {
            let (chunk, after) = rest.split_at(length.min(rest.len()));
            if scanner.push::<ScanError>(chunk, |_| Ok(())).is_err() {
                return Ok(());
            }
            rest = after;
        }
        let _ = scanner.finish();
    }
}
