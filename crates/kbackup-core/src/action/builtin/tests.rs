//! Each rule is one row: an object as it was backed up, and what a restore makes of it. The whole chain runs.

mod apis;
mod common;
mod hooks;
mod identities;
mod mappings;
mod network;
mod refusals;
mod storage;
mod workloads;

use serde_json::{Value, json};

use crate::action::{Decision, Transforms};
use crate::model::{Gvr, ObjectRef};
use crate::spec::RestoreSpec;

fn spec() -> RestoreSpec {
    RestoreSpec::from_backup("nightly".parse().expect("a name"))
}

/// A restore of `shop` as `copy`.
fn copy() -> RestoreSpec {
    spec().map_namespace("shop", "copy")
}

/// `version/plural` or `group/version/plural`, and the object: its names are taken from its metadata.
fn source(ty: &str, object: &Value) -> ObjectRef {
    ObjectRef {
        gvr: ty.parse::<Gvr>().expect("a type"),
        namespace: object["metadata"]["namespace"].as_str().map(str::to_owned),
        name: object["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
    }
}

/// The object comes out as `expect`, without an issue; and once more through the chain changes nothing.
fn check(ty: &str, spec: &RestoreSpec, object: &Value, expect: &Value) {
    let (made, issues) = kept(ty, spec, object);
    assert_eq!(made, *expect, "{ty}");
    assert!(issues.is_empty(), "{issues:?}");
    let (again, _) = kept(ty, &self::spec(), &made);
    assert_eq!(again, made, "{ty} a second time");
}

fn kept(ty: &str, spec: &RestoreSpec, object: &Value) -> (Value, Vec<String>) {
    let mut made = object.clone();
    let result = Transforms::builtin().apply(&source(ty, object), &mut made, spec).expect("no transform fails");
    assert_eq!(result.decision, Decision::Keep, "{object}");
    (made, result.issues.iter().map(ToString::to_string).collect())
}

/// The object is left out, for a reason with these words.
fn check_skipped(ty: &str, object: &Value, words: &str) {
    let result = Transforms::builtin().apply(&source(ty, object), &mut object.clone(), &spec()).expect("nothing fails");
    let why = match result.decision {
        Decision::Skip(why) => why,
        Decision::Keep => format!("{object} was kept").into(),
    };
    assert!(why.contains(words), "\"{why}\" has no \"{words}\"");
}

/// An object of `shop` with one more top-level field.
fn in_shop(name: &str, field: &str, value: Value) -> Value {
    let mut object = json!({"metadata": {"name": name, "namespace": "shop"}});
    object[field] = value;
    object
}
