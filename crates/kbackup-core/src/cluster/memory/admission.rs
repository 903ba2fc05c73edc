//! What a server fills in, checks and refuses by an object's kind, before it is stored.

mod immutable;
mod job;
mod pod;
mod secret;
mod service;

use serde_json::{Value, json};

use super::state::State;
use super::types::Served;
use super::write::Write;
use super::{crds, errors, names, tree};
use crate::cluster::{ClusterResult, FieldError};

/// Fills in and checks an object that is to be created.
///
/// # Errors
/// `Invalid` with the fields; `Forbidden` where something that it needs is missing.
pub(super) fn create(state: &mut State, served: &Served, value: &mut Value, write: &Write<'_>) -> ClusterResult<()> {
    let found = names::violations(served, value);
    refuse(served, value, found)?;
    fill_in(served, value);
    first_status(served, value, write);
    let seed = state.random.next();
    let found = match &*served.table {
        "services" => service::create(state.addresses(), value, seed),
        "jobs.batch" => job::create(value),
        "pods" if !write.load => return pod::check(state, served, value),
        crds::TABLE => crds::violations(value),
        _ => Vec::new(),
    };
    refuse(served, value, found)
}

/// Fills in and checks the new state of an object.
///
/// # Errors
/// `Invalid` with the fields that can't be so, or can't change.
pub(super) fn update(state: &mut State, served: &Served, old: &Value, new: &mut Value) -> ClusterResult<()> {
    let mut found = names::violations(served, new);
    fill_in(served, new);
    let seed = state.random.next();
    match &*served.table {
        "services" => found.extend(service::update(state.addresses(), old, new, seed)),
        // Only the server itself takes the finalizer of a namespace's specification away.
        "namespaces" => tree::set(new, &["spec"], old.get("spec").cloned()),
        _ => {}
    }
    found.extend(immutable::violations(&served.table, old, new));
    refuse(served, new, found)
}

fn refuse(served: &Served, value: &Value, found: Vec<FieldError>) -> ClusterResult<()> {
    let name = tree::text(value, &["metadata", "name"]);
    if found.is_empty() { Ok(()) } else { Err(errors::invalid(&served.ty, name, found)) }
}

/// The defaults of fields that a client left out.
fn fill_in(served: &Served, value: &mut Value) {
    match &*served.table {
        "namespaces" => {
            let name = tree::text(value, &["metadata", "name"]).to_owned();
            tree::set(value, &["metadata", "labels", "kubernetes.io/metadata.name"], Some(name.into()));
        }
        "secrets" => secret::fill_in(value),
        "services" => service::fill_in(value),
        "persistentvolumes" => {
            tree::set_default(value, &["spec", "persistentVolumeReclaimPolicy"], "Retain");
            tree::set_default(value, &["spec", "volumeMode"], "Filesystem");
        }
        "persistentvolumeclaims" => tree::set_default(value, &["spec", "volumeMode"], "Filesystem"),
        "jobs.batch" => job::fill_in(value),
        "pods" => pod::fill_in(value),
        crds::TABLE => crds::fill_in(value),
        _ => {}
    }
}

/// The status that a new object begins with, and what else only the server writes.
fn first_status(served: &Served, value: &mut Value, write: &Write<'_>) {
    let status = match &*served.table {
        "namespaces" => {
            tree::set(value, &["spec"], Some(json!({"finalizers": ["kubernetes"]})));
            json!({"phase": "Active"})
        }
        "persistentvolumes" => json!({"phase": "Available"}),
        "persistentvolumeclaims" | "pods" => json!({"phase": "Pending"}),
        "services" => json!({"loadBalancer": {}}),
        crds::TABLE => crds::first_status(value, write.now),
        _ => return,
    };
    tree::set(value, &["status"], Some(status));
}
