//! Restores that something gets in the way of.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kbackup_core::cluster::{ClusterWriter, Condition, DeleteOptions, Part, Patch, WriteOptions};
use kbackup_core::compare::Snapshot;
use kbackup_core::engine::Engine;
use kbackup_core::event::{Event, EventSink};
use kbackup_core::format::BackupLayout;
use kbackup_core::issue::{Code, Outcome};
use kbackup_core::limits::Limits;
use kbackup_core::model::{BackupName, Gvr, ObjectRef};
use kbackup_core::restore::RestoreError;
use kbackup_core::run::{Cancel, Run};
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use kbackup_core::store::{MemoryStore, ObjectStore, ObjectStoreExt, PutMode};
use kbackup_e2e::proxy::FaultProxy;
use kbackup_e2e::target::Target;
use kbackup_sandbox::manifest::{Manifest, read_text};
use serde_json::{Value, json};

const OBJECTS: usize = 150;
const SPACES: [&str; 2] = ["disturbed-one", "disturbed-two"];

fn name(name: &str) -> BackupName {
    name.parse().expect("a name")
}

fn namespace(name: &str) -> ObjectRef {
    ObjectRef::cluster(Gvr::new("", "v1", "namespaces"), name)
}

fn manifests(objects: &[Value]) -> Vec<Manifest> {
    let text: Vec<String> = objects.iter().map(ToString::to_string).collect();
    read_text("scenario", &text.join("\n---\n")).expect("manifests")
}

/// Two namespaces full of small objects.
fn crowd() -> Vec<Manifest> {
    let space = |name: &&str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    let mut objects: Vec<Value> = SPACES.iter().map(space).collect();
    for number in 0..OBJECTS {
        let (kind, field) = if number % 3 == 0 { ("Secret", "stringData") } else { ("ConfigMap", "data") };
        let space = SPACES[number % 2];
        objects.push(
            json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": format!("c{number:03}"), "namespace": space},
            field: {"space": space, "number": number.to_string()}}),
        );
    }
    manifests(&objects)
}

/// A crowd that was backed up and deleted.
struct Gone {
    store: MemoryStore,
    before: Snapshot,
    manifests: Vec<Manifest>,
}

async fn gone(target: &Target) -> Gone {
    let (store, manifests) = (MemoryStore::new(), crowd());
    target.wipe(&manifests, &[]).await;
    target.load(&manifests).await;
    let before = target.snapshot().await.within(&SPACES);
    let engine = Engine::shared(Arc::clone(&target.cluster), Arc::new(store.clone()));
    let spec = BackupSpec::default().namespaces(SPACES);
    engine.backup(&name("crowd"), &spec, &Run::default()).await.expect("the backup is made");
    target.wipe(&manifests, &[]).await;
    Gone { store, before, manifests }
}

impl Gone {
    fn engine(&self, cluster: impl ClusterWriter) -> Engine {
        Engine::shared(Arc::new(cluster), Arc::new(self.store.clone()))
    }

    fn direct(&self, target: &Target) -> Engine {
        Engine::shared(Arc::clone(&target.cluster), Arc::new(self.store.clone()))
    }

    /// Whether all is there again, and the cluster is wiped for the next one.
    async fn is_back(&self, target: &Target) {
        let comparison = target.becomes_within(&self.before, &SPACES).await;
        target.wipe(&self.manifests, &[]).await;
        assert!(comparison.is_equal(), "{comparison}");
    }
}

fn spec() -> RestoreSpec {
    RestoreSpec::from_backup(name("crowd"))
}

pub(crate) async fn a_storm_of_429_delays_a_restore_and_costs_nothing(target: &Target) {
    let gone = gone(target).await;
    let proxy = FaultProxy::start(target.client.clone()).await;
    let engine = gone.engine(proxy.cluster());
    let plan = engine.plan_restore(&name("storm"), &spec(), &Run::default()).await.expect("a plan");
    proxy.throttle(60);
    let report = engine.apply(&plan, &Run::default()).await.expect("the restore is done");
    assert_eq!((report.outcome, report.counts.failed), (Outcome::Completed, 0), "{:#?}", report.issues);
    assert_eq!(proxy.throttles_left(), 0, "the storm was weathered");
    gone.is_back(target).await;
}

pub(crate) async fn connections_that_break_cost_no_object(target: &Target) {
    let gone = gone(target).await;
    let proxy = FaultProxy::start(target.client.clone()).await;
    let engine = gone.engine(proxy.cluster());
    let plan = engine.plan_restore(&name("resets"), &spec(), &Run::default()).await.expect("a plan");
    proxy.reset_every(5);
    let report = engine.apply(&plan, &Run::default()).await.expect("the restore is done");
    assert_eq!((report.outcome, report.counts.failed), (Outcome::Completed, 0), "{:#?}", report.issues);
    gone.is_back(target).await;
}

pub(crate) async fn a_server_that_is_gone_for_a_while_is_awaited(target: &Target) {
    let gone = gone(target).await;
    let proxy = FaultProxy::start(target.client.clone()).await;
    let engine = gone.engine(proxy.cluster());
    let plan = engine.plan_restore(&name("lost"), &spec(), &Run::default()).await.expect("a plan");
    proxy.leave_after(40, Duration::from_secs(6));
    let report = engine.apply(&plan, &Run::default()).await.expect("the restore is done");
    assert_eq!((report.outcome, report.counts.failed), (Outcome::Completed, 0), "{:#?}", report.issues);
    gone.is_back(target).await;
}

/// Cancels after so many objects.
#[derive(Debug)]
struct CancelAfter(AtomicUsize, Cancel);

impl EventSink for CancelAfter {
    fn emit(&self, event: Event) {
        if matches!(event, Event::Progress { .. }) && self.0.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.1.cancel();
        }
    }
}

pub(crate) async fn an_interrupted_restore_goes_on_where_it_was(target: &Target) {
    let gone = gone(target).await;
    let engine = gone.direct(target);
    let plan = engine.plan_restore(&name("cut"), &spec(), &Run::default()).await.expect("a plan");
    let cancel = Cancel::default();
    let run = Run::default().events(Arc::new(CancelAfter(AtomicUsize::new(60), cancel.clone()))).cancel(cancel);
    let applied = engine.apply(&plan, &run).await;
    assert!(matches!(applied, Err(RestoreError::Cancelled)), "{applied:?}");
    let stored = engine.begun_restore(&name("cut")).await.expect("its plan was kept");
    let report = engine.apply(&stored, &Run::default()).await.expect("it goes on");
    assert_eq!((report.outcome, report.counts.failed), (Outcome::Completed, 0), "{:#?}", report.issues);
    assert_eq!(engine.apply(&plan, &Run::default()).await.expect("nothing is left"), report);
    gone.is_back(target).await;
}

pub(crate) async fn namespaces_swap_their_names(target: &Target) {
    let gone = gone(target).await;
    let swap = spec().map_namespace(SPACES[0], SPACES[1]).map_namespace(SPACES[1], SPACES[0]);
    let engine = gone.direct(target);
    let plan = engine.plan_restore(&name("swap"), &swap, &Run::default()).await.expect("a plan");
    let report = engine.apply(&plan, &Run::default()).await.expect("the restore is done");
    assert_eq!((report.outcome, report.counts.failed), (Outcome::Completed, 0), "{:#?}", report.issues);
    let mapping = [(SPACES[0], SPACES[1]), (SPACES[1], SPACES[0])];
    let before = gone.before.renamed(&mapping).expect("renamed objects are objects");
    Gone { before, ..gone }.is_back(target).await;
}

pub(crate) async fn a_damaged_backup_is_restored_in_part_on_request_only(target: &Target) {
    let gone = gone(target).await;
    let engine = gone.direct(target);
    let manifest = engine.describe(&name("crowd")).await.expect("it exists");
    let key = BackupLayout::new(&name("crowd")).part(manifest.parts[0].number);
    let mut bytes = gone.store.get_bytes(&key, u64::MAX).await.expect("it is there").to_vec();
    let place = bytes.len() * 3 / 4;
    bytes[place] ^= 0xff;
    gone.store.put(&key, bytes.into(), PutMode::Overwrite).await.expect("it is written");

    let refused = engine.plan_restore(&name("refused"), &spec(), &Run::default()).await;
    assert!(matches!(refused, Err(RestoreError::Backup(_))), "{refused:?}");
    assert!(target.cluster.get(&namespace(SPACES[0])).await.expect("it can be asked").is_none(), "nothing is applied");
    let in_part = RestoreSpec { skip_damaged: true, ..spec() };
    let plan = engine.plan_restore(&name("in-part"), &in_part, &Run::default()).await.expect("a plan");
    let report = engine.apply(&plan, &Run::default()).await.expect("the restore is done");
    assert_eq!(report.outcome, Outcome::PartiallyFailed);
    let named = report.issues.iter().filter(|issue| issue.code == Code::Damaged && issue.object.is_some()).count();
    let counts = report.counts;
    assert!(named > 0 && counts.created > 0 && named as u64 >= counts.failed, "{counts:?} {:#?}", report.issues);
    let failed = report.issues.iter().filter(|issue| issue.code != Code::Damaged).count();
    assert_eq!(failed, 0, "only what is damaged is missing: {:#?}", report.issues);
    target.wipe(&gone.manifests, &[]).await;
}

pub(crate) async fn what_is_forbidden_is_told_and_the_rest_restored(target: &Target) {
    let gone = gone(target).await;
    let rights = limited_user();
    let proxy = FaultProxy::start(target.client.clone()).await;
    let engine = if target.is_real() {
        target.load(&rights).await;
        gone.engine(target.as_user("kbackup-e2e-limited").await)
    } else {
        // The sandbox knows no rights: somebody before it does.
        proxy.forbid("/secrets");
        gone.engine(proxy.cluster())
    };
    let plan = engine.plan_restore(&name("limited"), &spec(), &Run::default()).await.expect("a plan");
    let report = engine.apply(&plan, &Run::default()).await.expect("the restore is done");
    let secrets = (OBJECTS / 3) as u64;
    assert_eq!((report.outcome, report.counts.failed), (Outcome::PartiallyFailed, secrets), "{:#?}", report.issues);
    let forbidden =
        report.issues.iter().filter(|issue| issue.code == Code::Forbidden && issue.object.is_some()).count();
    assert_eq!(forbidden as u64, secrets);
    let one = ObjectRef::namespaced(Gvr::new("", "v1", "configmaps"), SPACES[1], "c001");
    assert!(target.cluster.get(&one).await.expect("it can be asked").is_some());
    target.wipe(&[gone.manifests, rights].concat(), &[]).await;
}

/// A user who may do everything but touch Secrets.
fn limited_user() -> Vec<Manifest> {
    let rbac = "rbac.authorization.k8s.io";
    let core = ["namespaces", "configmaps", "serviceaccounts"];
    manifests(&[
        json!({"apiVersion": format!("{rbac}/v1"), "kind": "ClusterRole", "metadata": {"name": "kbackup-e2e-limited"},
            "rules": [{"apiGroups": [""], "resources": core, "verbs": ["*"]}]}),
        json!({"apiVersion": format!("{rbac}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": "kbackup-e2e-limited"},
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "kbackup-e2e-limited"},
            "subjects": [{"apiGroup": rbac, "kind": "User", "name": "kbackup-e2e-limited"}]}),
    ])
}

pub(crate) async fn a_namespace_that_ends_is_awaited_and_one_that_does_not_is_given_up(target: &Target) {
    let gone = gone(target).await;
    let held = manifests(&[
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACES[0]}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "namespace": SPACES[0],
            "finalizers": ["example.com/hold"]}}),
    ]);
    target.load(&held).await;
    target.cluster.delete(&namespace(SPACES[0]), &DeleteOptions::default()).await.expect("it is terminating");
    let engine = gone.direct(target);
    let plan = engine.plan_restore(&name("given-up"), &spec(), &Run::default()).await.expect("a plan");
    let impatient = Run::default().limits(Limits { wait_max: Duration::from_secs(2), ..Limits::default() });
    let report = engine.apply(&plan, &impatient).await.expect("the restore goes on");
    assert_eq!(report.outcome, Outcome::PartiallyFailed);
    let told = report.issues.iter().find(|issue| issue.object.as_ref() == Some(&namespace(SPACES[0])));
    assert!(told.is_some_and(|issue| issue.message.contains("was not gone after 2 s")), "{told:?}");
    let other = ObjectRef::namespaced(Gvr::new("", "v1", "configmaps"), SPACES[1], "c001");
    assert!(target.cluster.get(&other).await.expect("it can be asked").is_some(), "the other namespace is restored");

    let cluster = Arc::clone(&target.cluster);
    let release = async {
        tokio::task::yield_now().await;
        let at = ObjectRef::namespaced(Gvr::new("", "v1", "configmaps"), SPACES[0], "held");
        let patch = Patch::Merge(json!({"metadata": {"finalizers": null}}));
        cluster.patch(&at, &patch, Part::Main, &WriteOptions::default()).await.expect("it is released");
    };
    let run = Run::default();
    let (report, ()) = tokio::join!(engine.apply(&plan, &run), release);
    let report = report.expect("what had failed is tried again");
    assert_eq!((report.outcome, report.counts.failed), (Outcome::Completed, 0), "{:#?}", report.issues);
    gone.is_back(target).await;
}

/// A definition of gadgets with these versions, the first of which is stored.
fn definition(versions: &[&str]) -> Value {
    let version = |(number, name): (usize, &&str)| {
        json!({"name": name, "served": true, "storage": number == 0,
            "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}})
    };
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "gadgets.e2e.kbackup.dev"},
        "spec": {"group": "e2e.kbackup.dev", "scope": "Namespaced",
            "names": {"plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList"},
            "versions": versions.iter().enumerate().map(version).collect::<Vec<_>>()}})
}

pub(crate) async fn objects_are_created_in_a_version_that_the_target_serves(target: &Target) {
    let space = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACES[0]}});
    let gadget = json!({"apiVersion": "e2e.kbackup.dev/v2", "kind": "Gadget",
        "metadata": {"name": "g", "namespace": SPACES[0]}, "spec": {"size": 3}});
    let ground = manifests(&[space, definition(&["v2", "v1"])]);
    let all = [ground.clone(), manifests(&[gadget])].concat();
    target.wipe(&ground, &[]).await;
    target.load(&all).await;
    let store = MemoryStore::new();
    let engine = Engine::shared(Arc::clone(&target.cluster), Arc::new(store.clone()));
    let backup = BackupSpec::default().namespaces([SPACES[0]]);
    engine.backup(&name("crowd"), &backup, &Run::default()).await.expect("the backup is made");
    target.wipe(&ground, &[]).await;

    target.load(&manifests(&[definition(&["v1"])])).await;
    let established = Condition::True("Established".to_owned());
    let at = ObjectRef::cluster(
        Gvr::new("apiextensions.k8s.io", "v1", "customresourcedefinitions"),
        "gadgets.e2e.kbackup.dev",
    );
    target.cluster.wait(&at, &established, Duration::from_secs(30)).await.expect("it is established");
    let plan = engine.plan_restore(&name("older"), &spec(), &Run::default()).await.expect("a plan");
    let report = engine.apply(&plan, &Run::default()).await.expect("the restore is done");
    assert_eq!(report.counts.failed, 0, "{:#?}", report.issues);
    let at = ObjectRef::namespaced(Gvr::new("e2e.kbackup.dev", "v1", "gadgets"), SPACES[0], "g");
    let restored = target.cluster.get(&at).await.expect("it can be asked").expect("it is there").to_value();
    target.wipe(&ground, &[]).await;
    assert_eq!((&restored["apiVersion"], &restored["spec"]["size"]), (&json!("e2e.kbackup.dev/v1"), &json!(3)));
}
