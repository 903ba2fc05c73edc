//! Types that have just come, and types that do not answer.

use std::time::Duration;

use kbackup_core::cluster::{ClusterErrorKind, Condition, Created, DeleteOptions, Waited, WriteOptions};
use kbackup_core::engine::Engine;
use kbackup_core::issue::{Code, Outcome, Severity};
use kbackup_core::model::{Gvr, Object, ObjectRef, ResourceType};
use kbackup_core::run::Run;
use kbackup_core::spec::BackupSpec;
use kbackup_core::store::MemoryStore;
use kbackup_e2e::target::Target;
use kbackup_e2e::{archive, fixtures};
use serde_json::{Value, json};

/// How long a server may take to establish a definition, and to accept its first object.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How often it is asked.
const ASK_EVERY: Duration = Duration::from_millis(100);

pub(crate) async fn a_type_that_has_just_come_is_backed_up_with_its_objects(target: &Target) {
    let crds = Gvr::new("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    let definition = ObjectRef::cluster(crds, "sprockets.new.kbackup.dev");
    remove(target, &definition).await;
    create(target, &definition.gvr, &sprockets()).await;
    let established = Condition::True("Established".to_owned());
    let waited = target.cluster.wait(&definition, &established, READY_WITHIN).await;
    assert_eq!(waited.expect("the definition can be watched"), Waited::Met);
    let sprocket = json!({
        "apiVersion": "new.kbackup.dev/v1", "kind": "Sprocket", "metadata": {"name": "first"}, "teeth": 7,
    });
    let first = create(target, &Gvr::new("new.kbackup.dev", "v1", "sprockets"), &sprocket).await;

    let (store, report) = back_up(target).await;
    let archived = archive::objects(&store, &report.manifest).await.expect("the backup can be read");
    remove(target, &definition).await;
    assert!(archived.contains_key(&definition), "the definition is in the backup");
    let object = archived.get(&first).expect("the object is in the backup");
    assert_eq!(object.to_value()["teeth"], 7);
    assert_eq!(report.manifest.outcome, Outcome::Completed, "{:#?}", report.issues);
}

pub(crate) async fn an_api_that_does_not_answer_is_told_and_hides_nothing(target: &Target) {
    let shop = fixtures::shop();
    target.wipe(&shop, &[]).await;
    target.load(&shop).await;
    let before = target.snapshot().await.within(&["shop"]);
    target.break_api("broken.e2e.kbackup.dev").await;

    let (store, report) = back_up(target).await;
    let archived = archive::objects(&store, &report.manifest).await.expect("the backup can be read");
    target.mend_api("broken.e2e.kbackup.dev").await;
    target.wipe(&shop, &[]).await;
    assert_eq!(report.manifest.outcome, Outcome::PartiallyFailed);
    let told = report.issues.iter().find(|issue| issue.code == Code::BrokenApiGroup).expect("an issue about the API");
    assert_eq!(told.severity, Severity::Error);
    assert!(told.message.contains("broken.e2e.kbackup.dev/v1"), "{told}");
    let missing: Vec<_> = before.objects.keys().filter(|at| !archived.contains_key(at)).collect();
    assert!(missing.is_empty() && before.objects.len() > 30, "all else is in the backup but {missing:?}");
}

async fn back_up(target: &Target) -> (MemoryStore, kbackup_core::backup::BackupReport) {
    let store = MemoryStore::new();
    let engine = Engine::shared(target.cluster.clone(), std::sync::Arc::new(store.clone()));
    let name = "types".parse().expect("a name");
    let report = engine.backup(&name, &BackupSpec::default(), &Run::default()).await.expect("the backup is made");
    (store, report)
}

/// Creates an object as soon as the server takes it: it may know a type a moment before it serves it.
async fn create(target: &Target, gvr: &Gvr, body: &Value) -> ObjectRef {
    let discovery = target.cluster.discover().await.expect("the types are known");
    let ty: &ResourceType = discovery.get(gvr).unwrap_or_else(|| panic!("{gvr} is discovered at once"));
    let object = Object::from_value(body).expect("an object");
    let created = async {
        let mut asks = tokio::time::interval(ASK_EVERY);
        loop {
            asks.tick().await;
            match target.cluster.create(ty, &object, &WriteOptions::default()).await {
                Ok(Created::New(created)) => return created.at(gvr),
                Ok(Created::Exists) => panic!("{object} was there already"),
                Err(error) if error.kind() == ClusterErrorKind::NotFound => {}
                Err(error) => panic!("{object}: {error}"),
            }
        }
    };
    tokio::time::timeout(READY_WITHIN, created).await.expect("the server serves the type")
}

async fn remove(target: &Target, at: &ObjectRef) {
    target.cluster.delete(at, &DeleteOptions::default()).await.expect("it can be deleted");
    let waited = target.cluster.wait(at, &Condition::Gone, READY_WITHIN).await;
    assert_eq!(waited.expect("it can be watched"), Waited::Met, "{at} does not go");
}

/// A type of the whole cluster.
fn sprockets() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "sprockets.new.kbackup.dev"},
        "spec": {
            "group": "new.kbackup.dev", "scope": "Cluster",
            "names": {"kind": "Sprocket", "plural": "sprockets", "singular": "sprocket"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"teeth": {"type": "integer"}}}},
            }],
        },
    })
}
