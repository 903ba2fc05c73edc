//! Restores into a cluster where half of the backup exists, and a third of that differs: once for each policy.

use std::sync::Arc;

use kbackup_core::cluster::{Part, Patch, WriteOptions};
use kbackup_core::compare::Snapshot;
use kbackup_core::engine::Engine;
use kbackup_core::issue::Code;
use kbackup_core::model::{Object, ObjectRef};
use kbackup_core::report::RestoreReport;
use kbackup_core::restore::RestoreError;
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, ExistingPolicy, RestoreSpec};
use kbackup_e2e::fixtures;
use kbackup_e2e::target::Target;
use kbackup_providers::fs::FolderStore;
use kbackup_sandbox::manifest::Manifest;
use serde_json::{Value, json};

/// What each object says of its state, and what only a live one says.
const STATE: &str = "example.com/state";
const MINE: &str = "example.com/mine";

pub(crate) async fn existing_objects_are_met_as_each_policy_says(target: &Target) {
    let manifests = marked(&fixtures::monitoring_and_shop().unwrap_or_else(fixtures::shop));
    target.wipe(&manifests, &[]).await;
    target.load(&manifests).await;
    let before = target.snapshot().await;
    let folder = tempfile::tempdir().expect("a folder for the backup");
    let store = FolderStore::open(folder.path()).expect("a folder is a store");
    let engine = Engine::shared(Arc::clone(&target.cluster), Arc::new(store));
    let name = "everything".parse().expect("a name");
    engine.backup(&name, &BackupSpec::default(), &Run::default()).await.expect("the backup is made");

    for policies in [
        // One that fails leaves all as it was.
        &[ExistingPolicy::Fail, ExistingPolicy::Skip][..],
        &[ExistingPolicy::Update],
        &[ExistingPolicy::Replace],
        &[ExistingPolicy::Recreate],
    ] {
        target.wipe(&manifests, &[]).await;
        let changed = half(target, &manifests).await;
        let world = World { target, engine: &engine, before: &before, changed: &changed };
        for policy in policies {
            world.restored(*policy).await;
        }
    }
    target.wipe(&manifests, &[]).await;
}

/// The manifests, each with an annotation that says that it is as in the backup.
fn marked(manifests: &[Manifest]) -> Vec<Manifest> {
    let mark = |manifest: &Manifest| {
        let mut object = manifest.object.to_value();
        object["metadata"]["annotations"][STATE] = "backup".into();
        Manifest { object: Object::from_value(&object).expect("an object"), origin: manifest.origin.clone() }
    };
    manifests.iter().map(mark).collect()
}

/// Loads half of the manifests, changes a third of those, and gives their places.
async fn half(target: &Target, manifests: &[Manifest]) -> Vec<ObjectRef> {
    // The rest needs its namespaces, types, and for volumes each other.
    let is_ground = |manifest: &Manifest| {
        ["Namespace", "CustomResourceDefinition", "PersistentVolume", "StorageClass"]
            .contains(&manifest.object.meta().kind.as_str())
    };
    let numbered = manifests.iter().enumerate();
    let half =
        numbered.filter(|(number, manifest)| number % 2 == 0 || is_ground(manifest)).map(|(_, manifest)| manifest);
    let half: Vec<Manifest> = half.cloned().collect();
    target.load(&half).await;
    let discovery = target.cluster.discover().await.expect("it can be discovered");
    let mut changed = Vec::new();
    // A Deployment hands its annotations to its ReplicaSets, which keep those that it loses.
    let changeable = |manifest: &&Manifest| manifest.object.meta().kind != "Deployment";
    for manifest in half.iter().step_by(3).filter(changeable) {
        let ty = discovery.by_kind(&manifest.object.gvk()).expect("its type is served");
        let mut at = manifest.object.at(&ty.gvr);
        if ty.namespaced && at.namespace.is_none() {
            at.namespace = Some("default".to_owned());
        }
        let patch = json!({"metadata": {"annotations": {STATE: "changed", MINE: "yes"}}});
        let patched = target.cluster.patch(&at, &Patch::Merge(patch), Part::Main, &WriteOptions::default()).await;
        patched.unwrap_or_else(|error| panic!("{at}: {error}"));
        changed.push(at);
    }
    assert!(changed.len() > 4, "{changed:?}");
    changed
}

struct World<'a> {
    target: &'a Target,
    engine: &'a Engine,
    before: &'a Snapshot,
    changed: &'a [ObjectRef],
}

impl World<'_> {
    async fn restored(&self, policy: ExistingPolicy) {
        let spec = RestoreSpec::from_backup("everything".parse().expect("a name")).existing(policy);
        let name = format!("to-{policy:?}").to_lowercase().parse().expect("a name");
        let run = Run::default();
        let plan = self.engine.plan_restore(&name, &spec, &run).await.expect("a plan");
        let uids = self.uids().await;
        if policy == ExistingPolicy::Fail {
            let refused = self.engine.apply(&plan, &run).await;
            assert!(matches!(refused, Err(RestoreError::Exists { .. })), "{refused:?}");
            assert!(self.annotations(STATE).await.iter().all(|state| state == "changed"), "nothing is written");
            return;
        }
        let report = self.engine.apply(&plan, &run).await.expect("the restore is done");
        assert_eq!(report.counts.failed, 0, "{policy:?}: {:#?}", report.issues);
        self.check(policy, &report, &uids).await;
        let again = format!("again-{policy:?}").to_lowercase().parse().expect("a name");
        let plan = self.engine.plan_restore(&again, &spec, &run).await.expect("a plan");
        assert_eq!(
            (plan.counts().created, plan.counts().updated),
            (0, 0),
            "{policy:?}: {}\n{}",
            plan.listing(),
            plan.diff()
        );
    }

    async fn check(&self, policy: ExistingPolicy, report: &RestoreReport, uids: &[Value]) {
        let (states, mine) = (self.annotations(STATE).await, self.annotations(MINE).await);
        let all = |values: &[Value], expect: &Value| values.iter().all(|value| value == expect);
        match policy {
            ExistingPolicy::Skip => {
                assert!(all(&states, &json!("changed")) && all(&mine, &json!("yes")), "{states:?} {mine:?}");
                let told = report.issues.iter().filter(|issue| issue.code == Code::ExistsAndDiffers).count();
                assert!(told >= self.changed.len(), "{told} of {}: {:#?}", self.changed.len(), report.issues);
            }
            ExistingPolicy::Update => {
                assert!(all(&states, &json!("backup")) && all(&mine, &json!("yes")), "{states:?} {mine:?}");
                assert_eq!(self.uids().await, uids, "nothing is deleted");
            }
            ExistingPolicy::Replace | ExistingPolicy::Recreate | ExistingPolicy::Fail => {
                assert!(all(&states, &json!("backup")), "{policy:?}: {states:?}");
            }
        }
        if policy == ExistingPolicy::Replace {
            let comparison = self.target.becomes(self.before).await;
            assert!(comparison.is_equal(), "{comparison}");
        }
    }

    async fn annotations(&self, name: &str) -> Vec<Value> {
        self.live().await.iter().map(|object| object["metadata"]["annotations"][name].clone()).collect()
    }

    async fn uids(&self) -> Vec<Value> {
        self.live().await.iter().map(|object| object["metadata"]["uid"].clone()).collect()
    }

    async fn live(&self) -> Vec<Value> {
        let mut live = Vec::new();
        for at in self.changed {
            let object = self.target.cluster.get(at).await.expect("it can be read");
            live.push(object.unwrap_or_else(|| panic!("{at} is gone")).to_value());
        }
        live
    }
}
