//! Deletions: finalizers, what an object owns, and what is in a namespace.

use std::sync::Arc;

use serde_json::Value;

use super::request::Deleted;
use super::state::State;
use super::table::Key;
use super::types::{Served, TableName};
use super::{convert, crds, errors, meta, tree};
use crate::cluster::{ClusterResult, DeleteOptions, Propagation};
use crate::model::Object;

/// Finalizers that a controller of a real cluster takes away as soon as nothing uses the object. Nothing uses an object
/// here: no Pod runs.
const TAKEN_AWAY: &[&str] =
    &["kubernetes.io/pvc-protection", "kubernetes.io/pv-protection", "foregroundDeletion", "orphan"];

/// The namespaces that a server does not let go.
const FOR_EVER: &[&str] = &["default", "kube-system", "kube-public"];

impl State {
    pub(super) fn delete(
        &mut self,
        served: &Served,
        key: &Key,
        options: &DeleteOptions,
        now: &str,
    ) -> ClusterResult<Deleted> {
        let gvr = &served.ty.gvr;
        let found = self.get(&served.table, key).cloned().ok_or_else(|| errors::not_found(gvr, &key.1))?;
        if let Some(uid) = options.uid.as_ref().filter(|uid| **uid != found.meta().uid) {
            return Err(errors::wrong_uid(gvr, &key.1, uid, &found.meta().uid));
        }
        if &*served.table == "namespaces" && FOR_EVER.contains(&key.1.as_str()) {
            return Err(errors::forbidden(gvr, &key.1, "this namespace may not be deleted"));
        }
        if options.dry_run {
            return Ok(Deleted::Gone(convert::view(&found, served)));
        }
        match options.propagation {
            Some(Propagation::Orphan) => self.orphan(&found.meta().uid)?,
            Some(Propagation::Foreground) => self.collect(&found.meta().uid, now)?,
            Some(Propagation::Background) | None => {}
        }
        let gone = self.delete_key(&served.table, key, now)?;
        Ok(match (gone, self.get(&served.table, key)) {
            (None, Some(left)) => Deleted::Finalizing(convert::view(left, served)),
            (gone, _) => Deleted::Gone(convert::view(&gone.unwrap_or(found), served)),
        })
    }

    /// Asks for one object to go; gives its last state if it went at once.
    pub(super) fn delete_key(&mut self, table: &TableName, key: &Key, now: &str) -> ClusterResult<Option<Arc<Object>>> {
        let Some(found) = self.get(table, key).cloned() else { return Ok(None) };
        let mut value = found.to_value();
        let had = meta::finalizers(&value).len();
        meta::drop_finalizers(&mut value, TAKEN_AWAY);
        if &**table == crds::TABLE && !found.meta().deleting {
            let finalizers = tree::object_mut(&mut value, &["metadata"])
                .entry("finalizers")
                .or_insert_with(|| Value::Array(Vec::new()));
            if let Some(finalizers) = finalizers.as_array_mut() {
                finalizers.push(crds::CLEANUP_FINALIZER.into());
            }
        }
        if meta::finalizers(&value).is_empty() && &**table != "namespaces" {
            return Ok(self.remove(table, key));
        }
        if !found.meta().deleting {
            meta::mark_deleting(&mut value, now);
            if &**table == "namespaces" {
                tree::set(&mut value, &["status", "phase"], Some("Terminating".into()));
            }
            self.put(table, value)?;
        } else if meta::finalizers(&value).len() != had {
            self.put(table, value)?;
        }
        Ok(None)
    }

    /// Removes an object that was to go and is not held any longer; gives its last state.
    pub(super) fn remove_if_finalized(&mut self, served: &Served, key: &Key) -> Option<Arc<Object>> {
        let found = self.get(&served.table, key).filter(|found| found.meta().deleting)?.to_value();
        let held = !meta::finalizers(&found).is_empty()
            || !tree::list(&found, &["spec", "finalizers"]).is_empty() && &*served.table == "namespaces";
        if held { None } else { self.remove(&served.table, key) }
    }

    /// Deletes what an object owned, unless it has another owner that is still there.
    pub(super) fn collect(&mut self, uid: &str, now: &str) -> ClusterResult<()> {
        for (table, key) in self.owned_by(uid) {
            let others = self.get(&table, &key).map_or(0, |owned| owned.meta().owners.len());
            if others > 1 {
                self.drop_owner(&table, &key, uid)?;
            } else {
                self.delete_key(&table, &key, now)?;
            }
        }
        Ok(())
    }

    fn orphan(&mut self, uid: &str) -> ClusterResult<()> {
        for (table, key) in self.owned_by(uid) {
            self.drop_owner(&table, &key, uid)?;
        }
        Ok(())
    }

    fn drop_owner(&mut self, table: &TableName, key: &Key, uid: &str) -> ClusterResult<()> {
        let Some(mut value) = self.get(table, key).map(|owned| owned.to_value()) else { return Ok(()) };
        let owners = tree::list(&value, &["metadata", "ownerReferences"]).iter();
        let left: Vec<_> = owners.filter(|owner| tree::text(owner, &["uid"]) != uid).cloned().collect();
        tree::set(&mut value, &["metadata", "ownerReferences"], (!left.is_empty()).then(|| left.into()));
        self.put(table, value).map(drop)
    }
}
