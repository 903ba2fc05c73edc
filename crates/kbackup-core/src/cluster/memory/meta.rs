//! What a server makes of an object's metadata.

use serde_json::{Value, json};

use super::types::Served;
use super::{errors, tree};
use crate::cluster::{ClusterError, ClusterErrorKind, ClusterResult, Part};

/// The largest request body that a server reads.
const BODY_BYTES_MAX: usize = 3 << 20;

/// Checks that a body is an object of this type for this place, and fills in what its path says.
///
/// # Errors
/// `Invalid` where it is something else.
pub(super) fn check_shape(served: &Served, namespace: Option<&str>, body: &mut Value) -> ClusterResult<()> {
    if !body.is_object() {
        return Err(errors::bad_request("the body of the request is not an object"));
    }
    check_size(body)?;
    let api_version = served.ty.gvr.api_version();
    tree::set_default(body, &["apiVersion"], api_version.as_str());
    tree::set_default(body, &["kind"], served.ty.kind.as_str());
    let (given_version, given_kind) = (tree::text(body, &["apiVersion"]), tree::text(body, &["kind"]));
    if given_version != api_version {
        return Err(errors::bad_request(format!(
            "the API version in the data ({given_version}) does not match the expected API version ({api_version})"
        )));
    }
    if given_kind != served.ty.kind {
        let kind = &served.ty.kind;
        let why = format!("{given_kind} in version \"{given_version}\" cannot be handled as a {kind}");
        return Err(errors::bad_request(why));
    }
    let given = tree::text(body, &["metadata", "namespace"]);
    if !given.is_empty() && namespace != Some(given) {
        let why = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(errors::bad_request(why));
    }
    tree::object_mut(body, &["metadata"]);
    tree::set(body, &["metadata", "namespace"], namespace.map(Into::into));
    Ok(())
}

/// Gives a new object what only a server can give. The name was made before.
pub(super) fn stamp_new(served: &Served, body: &mut Value, uid: String, now: &str) {
    for field in ["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"] {
        tree::set(body, &["metadata", field], None);
    }
    tree::set(body, &["metadata", "uid"], Some(uid.into()));
    tree::set(body, &["metadata", "creationTimestamp"], Some(now.into()));
    if served.has_generation {
        tree::set(body, &["metadata", "generation"], Some(1.into()));
    }
    if served.ty.has_status {
        tree::set(body, &["status"], None);
    }
}

/// What an update of one part of an object makes of its old state and the body that was sent.
pub(super) fn merge_parts(served: &Served, old: &Value, body: Value, part: Part) -> Value {
    let mut new = match part {
        Part::Main if !served.ty.has_status => body,
        Part::Main => with_field(body, "status", old.get("status")),
        Part::Status => status_of(old, &body),
    };
    keep_system_fields(old, &mut new);
    new
}

/// What only a server writes stays as it was.
fn keep_system_fields(old: &Value, new: &mut Value) {
    let system = [
        "uid",
        "name",
        "namespace",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "generateName",
    ];
    for field in system {
        tree::set(new, &["metadata", field], tree::at(old, &["metadata", field]).cloned());
    }
    tree::set(new, &["metadata", "selfLink"], None);
    if tree::at(new, &["metadata", "managedFields"]).is_none() {
        let kept = tree::at(old, &["metadata", "managedFields"]).cloned();
        tree::set(new, &["metadata", "managedFields"], kept);
    }
}

/// Counts a change of anything but metadata and status.
pub(super) fn bump_generation(served: &Served, old: &Value, new: &mut Value) {
    if !served.has_generation || without_unversioned(old) == without_unversioned(new) {
        return;
    }
    let generation = tree::at(old, &["metadata", "generation"]).and_then(Value::as_u64).unwrap_or(0);
    tree::set(new, &["metadata", "generation"], Some(json!(generation + 1)));
}

/// Whether two states differ in nothing but what every write changes.
pub(super) fn is_same(old: &Value, new: &Value) -> bool {
    let without_revision = |value: &Value| {
        let mut value = value.clone();
        tree::set(&mut value, &["metadata", "resourceVersion"], None);
        value
    };
    without_revision(old) == without_revision(new)
}

/// Whether the server is asked to delete this object already.
pub(super) fn is_deleting(value: &Value) -> bool {
    !tree::text(value, &["metadata", "deletionTimestamp"]).is_empty()
}

/// What keeps a deleted object from going.
pub(super) fn finalizers(value: &Value) -> Vec<&str> {
    tree::list(value, &["metadata", "finalizers"]).iter().filter_map(Value::as_str).collect()
}

/// Takes finalizers away.
pub(super) fn drop_finalizers(value: &mut Value, gone: &[&str]) {
    let left: Vec<Value> = finalizers(value).into_iter().filter(|name| !gone.contains(name)).map(Into::into).collect();
    tree::set(value, &["metadata", "finalizers"], (!left.is_empty()).then(|| left.into()));
}

/// Marks an object as being deleted.
pub(super) fn mark_deleting(value: &mut Value, now: &str) {
    tree::set(value, &["metadata", "deletionTimestamp"], Some(now.into()));
    tree::set(value, &["metadata", "deletionGracePeriodSeconds"], Some(0.into()));
    if let Some(generation) = tree::at(value, &["metadata", "generation"]).and_then(Value::as_u64) {
        tree::set(value, &["metadata", "generation"], Some(json!(generation + 1)));
    }
}

fn check_size(body: &Value) -> ClusterResult<()> {
    let mut counter = ByteCounter(0);
    let fits = serde_json::to_writer(&mut counter, body).is_ok();
    if fits {
        return Ok(());
    }
    let why = format!("Request entity too large: limit is {BODY_BYTES_MAX}");
    Err(ClusterError::new(ClusterErrorKind::Invalid, why))
}

/// Counts what is written to it, and fails at the first byte over the limit.
struct ByteCounter(usize);

impl std::io::Write for ByteCounter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        if self.0 > BODY_BYTES_MAX { Err(std::io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn without_unversioned(value: &Value) -> Value {
    let mut value = value.clone();
    tree::set(&mut value, &["metadata"], None);
    tree::set(&mut value, &["status"], None);
    value
}

/// The old state with the status that was sent, and the managers of its fields.
fn status_of(old: &Value, body: &Value) -> Value {
    let mut new = with_field(old.clone(), "status", body.get("status"));
    if let Some(managers) = tree::at(body, &["metadata", "managedFields"]) {
        tree::set(&mut new, &["metadata", "managedFields"], Some(managers.clone()));
    }
    new
}

fn with_field(mut value: Value, field: &str, content: Option<&Value>) -> Value {
    tree::set(&mut value, &[field], content.cloned());
    value
}
