//! Errors as kube-apiserver words them.

use crate::cluster::{ClusterError, ClusterErrorKind as Kind, FieldError};
use crate::model::{Gvr, ResourceType};

pub(super) fn not_found(gvr: &Gvr, name: &str) -> ClusterError {
    ClusterError::new(Kind::NotFound, format!("{} \"{name}\" not found", gvr.group_resource()))
}

/// A path that no type answers to.
pub(super) fn no_such_type() -> ClusterError {
    ClusterError::new(Kind::NotFound, "the server could not find the requested resource")
}

pub(super) fn already_exists(gvr: &Gvr, name: &str) -> ClusterError {
    ClusterError::new(Kind::AlreadyExists, format!("{} \"{name}\" already exists", gvr.group_resource()))
}

pub(super) fn conflict(gvr: &Gvr, name: &str, why: &str) -> ClusterError {
    let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", gvr.group_resource());
    ClusterError::new(Kind::Conflict, message)
}

/// The object of a write is older than what is there.
pub(super) fn modified(gvr: &Gvr, name: &str) -> ClusterError {
    let why = "the object has been modified; please apply your changes to the latest version and try again";
    conflict(gvr, name, why)
}

pub(super) fn wrong_uid(gvr: &Gvr, name: &str, wanted: &str, found: &str) -> ClusterError {
    let why = format!("Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}");
    conflict(gvr, name, &why)
}

pub(super) fn forbidden(gvr: &Gvr, name: &str, why: &str) -> ClusterError {
    ClusterError::new(Kind::Forbidden, format!("{} \"{name}\" is forbidden: {why}", gvr.group_resource()))
}

/// Something is wrong with the request itself (400).
pub(super) fn bad_request(why: impl Into<String>) -> ClusterError {
    ClusterError::new(Kind::Invalid, why)
}

/// The object breaks rules of its type (422).
pub(super) fn invalid(ty: &ResourceType, name: &str, fields: Vec<FieldError>) -> ClusterError {
    let kind = if ty.gvr.group.is_empty() { ty.kind.clone() } else { format!("{}.{}", ty.kind, ty.gvr.group) };
    let told: Vec<String> = fields.iter().map(|field| format!("{}: {}", field.field, field.message)).collect();
    let told = if told.len() == 1 { told.concat() } else { format!("[{}]", told.join(", ")) };
    ClusterError::new(Kind::Invalid, format!("{kind} \"{name}\" is invalid: {told}")).with_fields(fields)
}

/// The type can't be asked to do this (405).
pub(super) fn not_allowed() -> ClusterError {
    ClusterError::new(Kind::Unsupported, "the server does not allow this method on the requested resource")
}

/// The revision, or the token's, was compacted away (410).
pub(super) fn expired(why: &str) -> ClusterError {
    ClusterError::new(Kind::Expired, why)
}

/// The revision has not happened yet (504).
pub(super) fn too_large(asked: u64, current: u64) -> ClusterError {
    ClusterError::new(Kind::Timeout, format!("Too large resource version: {asked}, current: {current}"))
}

/// A field whose value can't be accepted; `shown` is the value as it may be shown.
pub(super) fn bad_value(field: &str, shown: &str, why: &str) -> FieldError {
    field_error(field, "FieldValueInvalid", format!("Invalid value: {shown}: {why}"))
}

/// A field that is missing.
pub(super) fn required(field: &str, why: &str) -> FieldError {
    let message = if why.is_empty() { "Required value".to_owned() } else { format!("Required value: {why}") };
    field_error(field, "FieldValueRequired", message)
}

/// A field that can't be written so.
pub(super) fn forbidden_field(field: &str, why: &str) -> FieldError {
    field_error(field, "FieldValueForbidden", format!("Forbidden: {why}"))
}

fn field_error(field: &str, reason: &str, message: String) -> FieldError {
    FieldError { field: field.to_owned(), reason: reason.to_owned(), message }
}
