//! What the controllers of a real cluster do after a write, as far as a backup or a restore meets it: namespaces fill
//! and empty, owned objects are collected, definitions add types, claims bind to volumes. There are no workload
//! controllers: a Deployment makes no Pods.

use serde_json::{Value, json};

use super::state::{Change, State};
use super::table::{Key, key_of};
use super::{crds, meta, tree};
use crate::cluster::ClusterResult;

impl State {
    /// Lets the controllers see all changes, and the changes that they make, until nothing more happens.
    pub(super) fn settle(&mut self, now: &str) -> ClusterResult<()> {
        while let Some(change) = self.next_pending() {
            self.react(&change, now)?;
        }
        Ok(())
    }

    /// Looks again at every namespace that is terminating.
    pub(super) fn retry_terminating(&mut self, now: &str) -> ClusterResult<()> {
        for (_, name) in self.table("namespaces").map(|table| table.keys(None)).unwrap_or_default() {
            self.empty_namespace(&name, now)?;
        }
        self.settle(now)
    }

    fn react(&mut self, change: &Change, now: &str) -> ClusterResult<()> {
        let name = &change.new.meta().name;
        match &*change.table {
            "namespaces" if change.old.is_none() => self.fill_namespace(name, now)?,
            "namespaces" => self.empty_namespace(name, now)?,
            crds::TABLE => self.follow_definition(change, now)?,
            "persistentvolumes" if !change.removed => self.bind_volume(name)?,
            "persistentvolumeclaims" => self.follow_claim(change)?,
            _ => {}
        }
        if change.removed {
            self.collect(&change.new.meta().uid, now)?;
            if let Some(namespace) = &change.new.meta().namespace {
                self.finish_namespace(namespace, now)?;
            }
            self.finish_definition(&change.table)?;
        }
        Ok(())
    }

    /// What controllers put into every new namespace.
    fn fill_namespace(&mut self, namespace: &str, now: &str) -> ClusterResult<()> {
        let certificate = json!({"ca.crt": "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"});
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
        let bundle = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt"}, "data": certificate});
        for (table, mut value) in [("serviceaccounts", account), ("configmaps", bundle)] {
            let key: Key = (namespace.to_owned(), tree::text(&value, &["metadata", "name"]).to_owned());
            if self.get(table, &key).is_some() {
                continue;
            }
            tree::set(&mut value, &["metadata", "namespace"], Some(namespace.into()));
            tree::set(&mut value, &["metadata", "uid"], Some(self.random.uid().into()));
            tree::set(&mut value, &["metadata", "creationTimestamp"], Some(now.into()));
            self.put(&table.into(), value)?;
        }
        Ok(())
    }

    fn empty_namespace(&mut self, namespace: &str, now: &str) -> ClusterResult<()> {
        if !self.is_terminating(namespace) {
            return Ok(());
        }
        for table in self.tables_in(namespace) {
            let keys = self.table(&table).map(|table| table.keys(Some(namespace))).unwrap_or_default();
            for key in keys {
                self.delete_key(&table, &key, now)?;
            }
        }
        self.finish_namespace(namespace, now)
    }

    /// Lets a terminating namespace go once it is empty. One broken API group holds all of them, since nobody knows
    /// what is in it.
    fn finish_namespace(&mut self, namespace: &str, now: &str) -> ClusterResult<()> {
        if !self.is_terminating(namespace) || !self.is_empty_namespace(namespace) {
            return Ok(());
        }
        let key: Key = (String::new(), namespace.to_owned());
        let Some(mut value) = self.get("namespaces", &key).map(|found| found.to_value()) else { return Ok(()) };
        if self.types.any_broken() {
            return self.tell_held(value, now);
        }
        if !meta::finalizers(&value).is_empty() {
            let released = tree::list(&value, &["spec", "finalizers"]).is_empty();
            tree::set(&mut value, &["spec"], Some(json!({})));
            return if released { Ok(()) } else { self.put(&"namespaces".into(), value).map(drop) };
        }
        self.remove(&"namespaces".into(), &key);
        Ok(())
    }

    fn tell_held(&mut self, mut namespace: Value, now: &str) -> ClusterResult<()> {
        let condition = json!({
            "type": "NamespaceDeletionDiscoveryFailure", "status": "True", "reason": "DiscoveryFailed",
            "message": "Discovery failed for some groups", "lastTransitionTime": now,
        });
        if !tree::list(&namespace, &["status", "conditions"]).is_empty() {
            return Ok(());
        }
        tree::set(&mut namespace, &["status", "conditions"], Some(json!([condition])));
        self.put(&"namespaces".into(), namespace).map(drop)
    }

    fn is_terminating(&self, namespace: &str) -> bool {
        let found = self.get("namespaces", &(String::new(), namespace.to_owned()));
        found.is_some_and(|found| found.meta().deleting)
    }

    /// Serves the types of a definition, and removes them with their objects when it goes.
    fn follow_definition(&mut self, change: &Change, now: &str) -> ClusterResult<()> {
        let definition = change.new.to_value();
        let table = crds::table_of(&definition);
        let versions = if change.removed { Vec::new() } else { crds::types(&definition) };
        self.types.replace_custom(&table, versions);
        if change.new.meta().deleting && !change.removed {
            let keys = self.table(&table).map(|table| table.keys(None)).unwrap_or_default();
            for key in keys {
                self.delete_key(&table.as_str().into(), &key, now)?;
            }
            self.finish_definition(&table)?;
        }
        Ok(())
    }

    fn finish_definition(&mut self, table: &str) -> ClusterResult<()> {
        let key: Key = (String::new(), table.to_owned());
        let definition = self.get(crds::TABLE, &key).filter(|definition| definition.meta().deleting);
        let Some(mut value) = definition.map(|definition| definition.to_value()) else { return Ok(()) };
        let held = self.table(table).is_some_and(|table| table.live(None) > 0);
        if held || !meta::finalizers(&value).contains(&crds::CLEANUP_FINALIZER) {
            return Ok(());
        }
        meta::drop_finalizers(&mut value, &[crds::CLEANUP_FINALIZER]);
        if meta::finalizers(&value).is_empty() {
            self.remove(&crds::TABLE.into(), &key);
            return Ok(());
        }
        self.put(&crds::TABLE.into(), value).map(drop)
    }

    fn follow_claim(&mut self, change: &Change) -> ClusterResult<()> {
        let key = key_of(&change.new);
        let named = tree::text(&change.new.to_value(), &["spec", "volumeName"]).to_owned();
        let volume = if named.is_empty() { self.volume_reserved_for(&key).cloned() } else { Some(named) };
        match volume {
            Some(volume) => self.bind_volume(&volume),
            None => Ok(()),
        }
    }

    /// Binds a volume and its claim where both are there and mean each other; releases a volume whose claim is gone.
    fn bind_volume(&mut self, volume: &str) -> ClusterResult<()> {
        let volume_key: Key = (String::new(), volume.to_owned());
        let Some(pv) = self.get("persistentvolumes", &volume_key).map(|pv| pv.to_value()) else { return Ok(()) };
        let Some(claim_key) = self.claim_for(volume, &pv) else { return Ok(()) };
        let uid = tree::text(&pv, &["spec", "claimRef", "uid"]);
        let claim = self.get("persistentvolumeclaims", &claim_key).map(|claim| claim.to_value());
        let claim = claim.filter(|claim| uid.is_empty() || uid == tree::text(claim, &["metadata", "uid"]));
        let Some(claim) = claim else {
            return if uid.is_empty() { Ok(()) } else { self.update(&pv, |pv| set_phase(pv, "Released")) };
        };
        let wanted = tree::text(&claim, &["spec", "volumeName"]);
        if !wanted.is_empty() && wanted != volume {
            return Ok(());
        }
        self.update(&pv, |pv| bind_to_claim(pv, &claim))?;
        self.update(&claim, |claim| bind_to_volume(claim, &pv))
    }

    fn claim_for(&self, volume: &str, pv: &Value) -> Option<Key> {
        let reserved = |field| tree::text(pv, &["spec", "claimRef", field]).to_owned();
        let (namespace, name) = (reserved("namespace"), reserved("name"));
        if name.is_empty() { self.claim_wanting(volume).cloned() } else { Some((namespace, name)) }
    }

    /// Writes what `change` makes of an object, if that is anything new.
    fn update(&mut self, old: &Value, change: impl FnOnce(&mut Value)) -> ClusterResult<()> {
        let table = if tree::text(old, &["kind"]) == "PersistentVolume" {
            "persistentvolumes"
        } else {
            "persistentvolumeclaims"
        };
        let mut new = old.clone();
        change(&mut new);
        if meta::is_same(old, &new) { Ok(()) } else { self.put(&table.into(), new).map(drop) }
    }
}

fn set_phase(value: &mut Value, phase: &str) {
    tree::set(value, &["status", "phase"], Some(phase.into()));
}

fn bind_to_claim(pv: &mut Value, claim: &Value) {
    let field = |field: &str| tree::at(claim, &["metadata", field]).cloned();
    for (name, value) in [
        ("apiVersion", Some("v1".into())),
        ("kind", Some("PersistentVolumeClaim".into())),
        ("namespace", field("namespace")),
        ("name", field("name")),
        ("uid", field("uid")),
    ] {
        tree::set(pv, &["spec", "claimRef", name], value);
    }
    set_phase(pv, "Bound");
}

fn bind_to_volume(claim: &mut Value, pv: &Value) {
    tree::set(claim, &["spec", "volumeName"], tree::at(pv, &["metadata", "name"]).cloned());
    tree::set(claim, &["metadata", "annotations", "pv.kubernetes.io/bind-completed"], Some("yes".into()));
    for field in ["accessModes", "capacity"] {
        tree::set(claim, &["status", field], tree::at(pv, &["spec", field]).cloned());
    }
    set_phase(claim, "Bound");
}
