//! Creates, updates and patches.

use serde_json::Value;

use super::state::{State, encode};
use super::table::Key;
use super::types::Served;
use super::{admission, convert, crds, errors, meta, tree};
use crate::cluster::{ClusterError, ClusterErrorKind, ClusterResult, Part, Patch};
use crate::model::Object;
use crate::patch::{self, Lists, PatchError};

/// How a write is done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Write<'a> {
    /// The time, as metadata tells it.
    pub(super) now: &'a str,
    pub(super) dry_run: bool,
    /// Whether the object comes with its uid, creation time and status, as from a snapshot of the server's own store.
    pub(super) load: bool,
    /// Who writes.
    pub(super) manager: &'a str,
}

impl State {
    pub(super) fn create(
        &mut self,
        served: &Served,
        namespace: Option<&str>,
        mut body: Value,
        write: &Write<'_>,
    ) -> ClusterResult<Object> {
        meta::check_shape(served, namespace, &mut body)?;
        if !write.load && !tree::text(&body, &["metadata", "resourceVersion"]).is_empty() {
            return Err(errors::bad_request("resourceVersion should not be set on objects to be created"));
        }
        convert::to_kept(&mut body, served);
        self.generate_name(&mut body);
        let name = tree::text(&body, &["metadata", "name"]).to_owned();
        self.check_place(served, namespace, &name)?;
        self.stamp(served, &mut body, write);
        let given_status = body.get("status").cloned().filter(|_| write.load || !served.ty.has_status);
        admission::create(self, served, &mut body, write)?;
        if given_status.is_some() {
            tree::set(&mut body, &["status"], given_status);
        }
        let key: Key = (namespace.unwrap_or_default().to_owned(), name);
        self.check_free(served, &key)?;
        let stored = if write.dry_run { encode(&mut body, None)?.into() } else { self.put(&served.table, body)? };
        Ok(convert::view(&stored, served))
    }

    pub(super) fn replace(
        &mut self,
        served: &Served,
        key: &Key,
        mut body: Value,
        part: Part,
        write: &Write<'_>,
    ) -> ClusterResult<Object> {
        check_part(served, part)?;
        let old = self.kept(served, key)?;
        meta::check_shape(served, namespace_of(key), &mut body)?;
        convert::to_kept(&mut body, served);
        check_identity(served, key, &old, &body)?;
        let mut new = meta::merge_parts(served, &old, body, part);
        if part == Part::Main {
            admission::update(self, served, &old, &mut new)?;
        }
        meta::bump_generation(served, &old, &mut new);
        self.finish_update(served, key, &old, new, write)
    }

    pub(super) fn patch(
        &mut self,
        served: &Served,
        key: &Key,
        patch: &Patch,
        part: Part,
        write: &Write<'_>,
    ) -> ClusterResult<Object> {
        check_part(served, part)?;
        let old = match self.read(served, key) {
            Ok(old) => old.to_value(),
            Err(error) => return self.create_by_patch(served, key, patch, part, write, error),
        };
        let mut new = patched(served, key, &old, patch, write)?;
        // A patch speaks of what is there, unless it names a revision itself.
        tree::set_default(
            &mut new,
            &["metadata", "resourceVersion"],
            tree::text(&old, &["metadata", "resourceVersion"]),
        );
        self.replace(served, key, new, part, write)
    }

    /// The object as it is kept.
    pub(super) fn kept(&self, served: &Served, key: &Key) -> ClusterResult<Value> {
        let found = self.get(&served.table, key).ok_or_else(|| errors::not_found(&served.ty.gvr, &key.1))?;
        Ok(found.to_value())
    }

    /// Only a server-side apply creates what it does not find.
    fn create_by_patch(
        &mut self,
        served: &Served,
        key: &Key,
        patch: &Patch,
        part: Part,
        write: &Write<'_>,
        missing: ClusterError,
    ) -> ClusterResult<Object> {
        match patch {
            Patch::Apply { .. } if part == Part::Main => {
                let body = patched(served, key, &Value::Null, patch, write)?;
                self.create(served, namespace_of(key), body, write)
            }
            _ => Err(missing),
        }
    }

    fn finish_update(
        &mut self,
        served: &Served,
        key: &Key,
        old: &Value,
        mut new: Value,
        write: &Write<'_>,
    ) -> ClusterResult<Object> {
        if write.dry_run {
            return Ok(convert::view(&encode(&mut new, None)?.into(), served));
        }
        let unchanged = meta::is_same(old, &new);
        if !unchanged {
            self.put(&served.table, new)?;
        }
        self.remove_if_finalized(served, key)
            .or_else(|| self.get(&served.table, key).cloned())
            .map(|stored| convert::view(&stored, served))
            .ok_or_else(|| errors::not_found(&served.ty.gvr, &key.1))
    }

    fn generate_name(&mut self, body: &mut Value) {
        let prefix = tree::text(body, &["metadata", "generateName"]).to_owned();
        if prefix.is_empty() || !tree::text(body, &["metadata", "name"]).is_empty() {
            return;
        }
        let name = format!("{prefix}{}", self.random.suffix());
        tree::set(body, &["metadata", "name"], Some(name.into()));
    }

    fn stamp(&mut self, served: &Served, body: &mut Value, write: &Write<'_>) {
        let uid = self.random.uid();
        if !write.load {
            meta::stamp_new(served, body, uid, write.now);
            return;
        }
        tree::set_default(body, &["metadata", "uid"], uid);
        tree::set_default(body, &["metadata", "creationTimestamp"], write.now);
        if served.has_generation {
            tree::set_default(body, &["metadata", "generation"], 1);
        }
    }

    /// Checks that objects can be made in this namespace, or of this type, at all.
    fn check_place(&self, served: &Served, namespace: Option<&str>, name: &str) -> ClusterResult<()> {
        if let Some(namespace) = namespace {
            let namespaces = crate::model::Gvr::new("", "v1", "namespaces");
            let found = self
                .get("namespaces", &(String::new(), namespace.to_owned()))
                .ok_or_else(|| errors::not_found(&namespaces, namespace))?;
            if found.meta().deleting {
                let why =
                    format!("unable to create new content in namespace {namespace} because it is being terminated");
                return Err(errors::forbidden(&served.ty.gvr, name, &why));
            }
        }
        let definition = self.get(crds::TABLE, &(String::new(), served.table.to_string())).filter(|_| served.custom);
        if definition.is_some_and(|definition| definition.meta().deleting) {
            let why = "create not allowed while custom resource definition is terminating";
            return Err(ClusterError::new(ClusterErrorKind::Unsupported, why));
        }
        Ok(())
    }

    fn check_free(&self, served: &Served, key: &Key) -> ClusterResult<()> {
        match self.get(&served.table, key) {
            None => Ok(()),
            Some(found) if found.meta().deleting => {
                let told = errors::already_exists(&served.ty.gvr, &key.1);
                Err(ClusterError::new(told.kind(), format!("object is being deleted: {told}")))
            }
            Some(_) => Err(errors::already_exists(&served.ty.gvr, &key.1)),
        }
    }
}

fn check_part(served: &Served, part: Part) -> ClusterResult<()> {
    if part == Part::Status && !served.ty.has_status { Err(errors::no_such_type()) } else { Ok(()) }
}

pub(super) fn namespace_of(key: &Key) -> Option<&str> {
    (!key.0.is_empty()).then_some(key.0.as_str())
}

/// Checks that a body is about the object that is there, and not about an older state of it.
fn check_identity(served: &Served, key: &Key, old: &Value, body: &Value) -> ClusterResult<()> {
    let field = |value, field| tree::text(value, &["metadata", field]);
    let (gvr, name) = (&served.ty.gvr, field(body, "name"));
    if !name.is_empty() && name != key.1 {
        let why = format!("the name of the object ({name}) does not match the name on the URL ({})", key.1);
        return Err(errors::bad_request(why));
    }
    let (uid, found) = (field(body, "uid"), field(old, "uid"));
    if !uid.is_empty() && uid != found {
        return Err(errors::wrong_uid(gvr, &key.1, uid, found));
    }
    let revision = field(body, "resourceVersion");
    if revision.is_empty() && served.custom {
        let why = "must be specified for an update";
        let fields = vec![errors::bad_value("metadata.resourceVersion", "0x0", why)];
        return Err(errors::invalid(&served.ty, &key.1, fields));
    }
    if !revision.is_empty() && revision != field(old, "resourceVersion") {
        return Err(errors::modified(gvr, &key.1));
    }
    Ok(())
}

/// What a patch makes of an object; of nothing, where `old` is `Null`.
fn patched(served: &Served, key: &Key, old: &Value, patch: &Patch, write: &Write<'_>) -> ClusterResult<Value> {
    let lists = if served.custom { Lists::Custom } else { Lists::BuiltIn };
    let result = match patch {
        Patch::Json(operations) => patch::json(old, operations),
        Patch::Merge(change) => Ok(patch::merge(old, change)),
        Patch::Strategic(_) if served.custom => {
            let why = "the body of the request was in an unknown format - accepted media types include: \
                       application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
            return Err(ClusterError::new(ClusterErrorKind::Unsupported, why));
        }
        Patch::Strategic(change) => patch::strategic(old, change),
        Patch::Apply { body, force } => {
            let applier = patch::Applier { manager: write.manager, force: *force, now: write.now, lists };
            patch::apply(old, body, &applier)
        }
    };
    result.map_err(|error| match error {
        PatchError::Conflict { .. } => ClusterError::new(ClusterErrorKind::Conflict, error.to_string()),
        PatchError::Invalid { .. } | PatchError::TestFailed => {
            errors::bad_request(format!("{} \"{}\": {error}", served.ty, key.1))
        }
    })
}
