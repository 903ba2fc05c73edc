//! Objects are created, changed and deleted throughout a backup, and the backup is the cluster at one revision.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kbackup_core::backup::{self, BackupReport};
use kbackup_core::model::{Discovery, Object, ObjectRef, ResourceType};
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, Consistency};
use kbackup_core::store::MemoryStore;
use kbackup_e2e::archive;
use kbackup_e2e::journal::{Journal, Writer};
use kbackup_e2e::target::Target;
use kbackup_sandbox::manifest::{Manifest, read_text};
use serde_json::{Value, json};

const NAMESPACE: &str = "atomic";
/// Objects of each type before the backup begins.
const OBJECTS: usize = 60;
/// Rounds of the writer after the backup has ended: what it must not contain.
const ROUNDS_AFTER: usize = 3;

pub(crate) async fn a_backup_is_the_cluster_at_one_revision(target: &Target) {
    let manifests = manifests();
    target.wipe(&manifests, &[]).await;
    target.load(&manifests).await;
    let mut writer = Writer::new(Arc::clone(&target.cluster), NAMESPACE, types(target).await);
    writer.fill(OBJECTS).await;

    let store = MemoryStore::new();
    let done = AtomicBool::new(false);
    let backing_up = async {
        let spec = BackupSpec { consistency: Consistency::Strict, ..BackupSpec::default() };
        let name = "atomic".parse().expect("a name");
        let report = backup::run(&backup::Ports::new(&*target.cluster, &store), &name, &spec, &Run::default()).await;
        done.store(true, Ordering::Release);
        report.expect("the backup is made")
    };
    let (report, journal) = tokio::join!(backing_up, writer.run(&done, ROUNDS_AFTER));

    let archived = archive::objects(&store, &report.manifest).await.expect("the backup can be read");
    target.wipe(&manifests, &[]).await;
    is_the_state_at_its_revision(&report, &journal, &archived);
}

fn is_the_state_at_its_revision(
    report: &BackupReport,
    journal: &Journal,
    archived: &std::collections::BTreeMap<ObjectRef, Object>,
) {
    let revision = report.manifest.consistency.revision;
    let writes_after = journal.entries.iter().filter(|entry| entry.revision > revision).count();
    assert!(writes_after > ROUNDS_AFTER, "the writer wrote after revision {revision}: {writes_after}");
    let (expected, unsure) = journal.at(revision);
    let written = |at: &&ObjectRef| at.namespace.as_deref() == Some(NAMESPACE) && at.name.starts_with("written-");
    let sure = |at: &&ObjectRef| Some(*at) != unsure.as_ref();
    let found: BTreeSet<&ObjectRef> = archived.keys().filter(written).filter(sure).collect();
    assert_eq!(found, expected.keys().filter(sure).collect(), "the objects at revision {revision}");
    for (at, object) in expected.iter().filter(|(at, _)| archived.contains_key(at)) {
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
        ty("e2e.kbackup.dev/v1/counters", json!({"number": "#"})),
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
