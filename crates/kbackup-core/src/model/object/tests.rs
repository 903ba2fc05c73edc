use proptest::prelude::*;
use serde_json::json;

use super::*;

fn widgets() -> ResourceType {
    ResourceType {
        gvr: Gvr::new("example.com", "v1", "widgets"),
        kind: "Widget".to_owned(),
        singular: "widget".to_owned(),
        short_names: Vec::new(),
        categories: Vec::new(),
        namespaced: true,
        verbs: Vec::new(),
        has_status: false,
        preferred: true,
    }
}

#[test]
fn the_metadata_that_selection_needs_is_read() {
    let raw = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": "web-1", "namespace": "shop", "uid": "u-1", "resourceVersion": "42",
            "labels": {"app": "web"}, "deletionTimestamp": "2026-11-23T00:00:00Z", "managedFields": [{"a": [1, 2]}],
            "ownerReferences": [
                {"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": "u-2"},
                {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "u-3", "controller": true},
            ],
        },
        "spec": {"replicas": 3},
    });
    let object = Object::from_value(&raw).expect("an object");
    let meta = object.meta();
    assert_eq!((meta.name.as_str(), meta.namespace.as_deref(), meta.uid.as_str()), ("web-1", Some("shop"), "u-1"));
    assert_eq!((meta.resource_version.as_str(), meta.deleting), ("42", true));
    assert_eq!(meta.labels, [("app".to_owned(), "web".to_owned())].into());
    assert_eq!(object.controller().map(|owner| owner.name.as_str()), Some("web"));
    assert_eq!(object.gvk(), Gvk::new("apps/v1", "ReplicaSet"));
    assert_eq!(object.to_value(), raw);
}

#[test]
fn fields_that_are_null_or_missing_are_empty() {
    let raw = r#"{"metadata":{"name":"a\n\"b\"","namespace":"","labels":null,"ownerReferences":null,"deletionTimestamp":null}}"#;
    let object = Object::parse(raw).expect("an object");
    let name = "a\n\"b\"".to_owned();
    assert_eq!(*object.meta(), ObjectMeta { name, ..ObjectMeta::default() });
}

#[test]
fn what_is_not_an_object_is_refused() {
    let deep = format!(r#"{{"metadata":{{}},"spec":{}{}}}"#, "[".repeat(126), "]".repeat(126));
    assert!(Object::parse(deep).expect("it is not too deep").to_value().is_object());
    let too_deep = format!(r#"{{"metadata":{{}},"spec":{}{}}}"#, "[".repeat(127), "]".repeat(127));
    for raw in
        ["", "null", "[]", "{}", r#"{"metadata":null}"#, r#"{"metadata":{}} x"#, r#"{"metadata":{},}"#, &too_deep]
    {
        assert!(Object::parse(raw.to_owned()).is_err(), "{raw}");
        assert!(Object::parse_list_item(raw.as_bytes(), &widgets()).is_err(), "{raw}");
    }
}

#[test]
fn an_item_of_a_list_gets_what_it_lacks() {
    for (item, expect) in [
        (r#"{"metadata":{"name":"a"}}"#, r#"{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"a"}}"#),
        (
            " \n{ \"metadata\":{\"name\":\"a\"} }",
            "{\"apiVersion\":\"example.com/v1\",\"kind\":\"Widget\", \"metadata\":{\"name\":\"a\"} }",
        ),
        (
            r#"{"metadata":{"name":"a"},"kind":"Own","apiVersion":"own/v1"}"#,
            r#"{"metadata":{"name":"a"},"kind":"Own","apiVersion":"own/v1"}"#,
        ),
        (
            r#"{"kind":"Own","metadata":{"name":"a"}}"#,
            r#"{"apiVersion":"example.com/v1","kind":"Own","metadata":{"name":"a"}}"#,
        ),
        (
            r#"{"metadata":{"name":"a"},"apiVersion":"own/v1"}"#,
            r#"{"kind":"Widget","metadata":{"name":"a"},"apiVersion":"own/v1"}"#,
        ),
        (
            r#"{"kind":"","apiVersion":null,"metadata":{"name":"a"}}"#,
            r#"{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"a"}}"#,
        ),
    ] {
        let object = Object::parse_list_item(item.as_bytes(), &widgets()).expect(item);
        assert_eq!(object.raw(), expect, "{item}");
        assert_eq!(Object::parse(object.raw().clone()).expect("it can be read again"), object, "{item}");
    }
}

#[test]
fn debug_and_display_print_no_data() {
    let raw = r#"{"kind":"Secret","metadata":{"name":"db","namespace":"shop"},"data":{"password":"aHVudGVyMg=="}}"#;
    let object = Object::parse(raw).expect("an object");
    assert_eq!(format!("{object} {object:?}"), format!("Secret shop/db Object(Secret shop/db, {} bytes)", raw.len()));
    let error = Object::parse(r#"{"kind":"Secret","metadata":{},"data":"aHVudGVyMg=="#).expect_err("it has no end");
    assert!(!format!("{error} {error:?}").contains("aHVudGVyMg"), "{error:?}");
}

/// Any JSON that can stand in an object, with the text that gives trouble: escapes, unicode, big numbers.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}|[\"\\\\{}\\[\\]\n]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("\\PC{0,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_object_keeps_its_bytes(name in "[-a-z0-9.]{1,12}", spec in json_value(), pretty: bool) {
        let value = json!({"apiVersion": "v1", "kind": "Thing", "metadata": {"name": name}, "spec": spec});
        let raw = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) }.expect("it is JSON");
        let object = Object::parse(raw.clone()).expect("an object");
        prop_assert_eq!(object.raw(), &raw);
        prop_assert_eq!(&object.meta().name, &name);
        prop_assert_eq!(object.to_value(), serde_json::from_slice::<Value>(&raw).expect("it is JSON"));
    }

    #[test]
    fn an_item_of_a_list_keeps_its_bytes(name in "[-a-z0-9.]{1,12}", spec in json_value()) {
        let item = serde_json::to_string(&json!({"metadata": {"name": name}, "spec": spec})).expect("it is JSON");
        let object = Object::parse_list_item(item.as_bytes(), &widgets()).expect("an object");
        let expect = format!(r#"{{"apiVersion":"example.com/v1","kind":"Widget",{}"#, &item[1..]);
        prop_assert_eq!(object.raw(), expect.as_bytes());
        prop_assert_eq!(Object::parse(object.raw().clone()).expect("it can be read again"), object);
    }

    #[test]
    fn what_can_be_parsed_can_be_a_tree(raw in "[\\[\\]{}\",:a1]{0,40}") {
        if let Ok(object) = Object::parse(raw) {
            prop_assert!(object.to_value().is_object());
        }
    }
}
