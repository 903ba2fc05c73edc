//! What a writer writes during a backup, and what the backup must have of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kbackup_core::format::Manifest as BackupManifest;
use kbackup_core::model::{Discovery, Gvr, Object, ObjectRef, ResourceType, Revision};
use kbackup_e2e::journal::{Journal, Writer};
use kbackup_e2e::target::Target;
use kbackup_sandbox::manifest::{Manifest, read_text};
use serde_json::{Value, json};

const NAMESPACE: &str = "atomic";
/// Objects of each type before a backup begins.
const OBJECTS: usize = 60;
/// The custom one of the types.
pub(super) const CUSTOM: &str = "e2e.kbackup.dev/v1/counters";

/// A writer that has filled an empty namespace.
pub(super) async fn writer(target: &Target) -> Writer {
    wipe(target).await;
    target.load(&manifests()).await;
    let mut writer = Writer::new(Arc::clone(&target.cluster), NAMESPACE, types(target).await);
    writer.fill(OBJECTS).await;
    writer
}

/// Removes all that it wrote.
pub(super) async fn wipe(target: &Target) {
    target.wipe(&manifests(), &[]).await;
}

/// Checks that a backup has what was written, each type exactly as it was at the revision that the manifest says.
pub(super) fn is_archived(journal: &Journal, manifest: &BackupManifest, archived: &BTreeMap<ObjectRef, Object>) {
    let written: BTreeSet<&Gvr> = journal.entries.iter().map(|entry| &entry.object.gvr).collect();
    assert_eq!(written.len(), 5, "five types were written");
    for gvr in written {
        let other = manifest.consistency.exceptions.iter().find(|exception| exception.gvr == *gvr);
        let revision =
            other.map_or(manifest.consistency.revision, |exception| exception.revision.expect("it was read"));
        is_as_at(journal, gvr, revision, archived);
    }
}

fn is_as_at(journal: &Journal, gvr: &Gvr, revision: Revision, archived: &BTreeMap<ObjectRef, Object>) {
    let (expected, unsure) = journal.at(revision);
    let is_own = |at: &&ObjectRef| at.gvr == *gvr && at.namespace.as_deref() == Some(NAMESPACE);
    let is_sure = |at: &&ObjectRef| Some(*at) != unsure.as_ref() && at.name.starts_with("written-");
    let found: BTreeSet<&ObjectRef> = archived.keys().filter(is_own).filter(is_sure).collect();
    let wanted: BTreeSet<&ObjectRef> = expected.keys().filter(is_own).filter(is_sure).collect();
    assert_eq!(found, wanted, "the objects of {gvr} at revision {revision}");
    for (at, object) in expected.iter().filter(|(at, _)| found.contains(at)) {
        assert_eq!(archived[at].to_value(), object.to_value(), "{at} at revision {revision}");
    }
}

/// Five types that no controller touches, one of them custom.
async fn types(target: &Target) -> Vec<(Arc<ResourceType>, Value)> {
    let discovery = target.cluster.discover().await.expect("the types are known");
    let ty = |gvr: &str, fields| (Arc::clone(served(&discovery, gvr)), fields);
    vec![
        ty("v1/configmaps", json!({"data": {"number": "#"}})),
        ty("v1/secrets", json!({"stringData": {"number": "#"}})),
        ty(
            "v1/services",
            json!({"spec": {"externalName": "example.org", "type": "ExternalName", "selector": {"n": "#"}}}),
        ),
        ty("coordination.k8s.io/v1/leases", json!({"spec": {"holderIdentity": "#"}})),
        ty(CUSTOM, json!({"number": "#"})),
    ]
}

fn served<'a>(discovery: &'a Discovery, gvr: &str) -> &'a Arc<ResourceType> {
    discovery.get(&gvr.parse().expect("a type")).unwrap_or_else(|| panic!("{gvr} is served"))
}

fn manifests() -> Vec<Manifest> {
    let text = format!(
        r"
apiVersion: v1
kind: Namespace
metadata: {{name: {NAMESPACE}}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: counters.e2e.kbackup.dev}}
spec:
  group: e2e.kbackup.dev
  scope: Namespaced
  names: {{kind: Counter, plural: counters, singular: counter}}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {{openAPIV3Schema: {{type: object, properties: {{number: {{type: string}}}}}}}}
"
    );
    read_text("atomic", &text).expect("the manifests are valid")
}
