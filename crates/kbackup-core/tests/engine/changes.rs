//! How a restore changes objects on their way into a cluster.

use kbackup_core::issue::{Code, Outcome};
use kbackup_core::model::{Gvr, ObjectRef};
use kbackup_core::restore::RestoreError;
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, RestoreSpec, RestoreStatus};
use serde_json::{Value, json};

use crate::world::{World, completed, core, in_shop, name, namespace, widget, widget_crd};

fn from_backup() -> RestoreSpec {
    RestoreSpec::from_backup(name("b"))
}

/// A Service whose address and port somebody asked for.
fn service(namespace: &str, name: &str, ip: &str, port: u16) -> Value {
    let spec = json!({"type": "NodePort", "clusterIP": ip, "ports": [{"name": "http", "port": 80, "nodePort": port}]});
    let applied = json!({"spec": spec}).to_string();
    let annotations = json!({"kubectl.kubernetes.io/last-applied-configuration": applied});
    let metadata = json!({"namespace": namespace, "name": name, "annotations": annotations});
    json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})
}

#[tokio::test]
async fn what_another_service_has_is_given_up() {
    let world = World::new([namespace("shop"), service("shop", "web", "10.96.7.7", 30_080)]);
    world.back_up("b", &BackupSpec::default()).await;
    let elsewhere = world.elsewhere();
    elsewhere
        .cluster
        .load([
            namespace("other"),
            service("other", "ip", "10.96.7.7", 31_000),
            service("other", "port", "10.96.7.8", 30_080),
        ])
        .expect("they load");

    let report = elsewhere.restore("r", &from_backup()).await;
    completed(&report);
    let said: Vec<(Code, &str)> = report.issues.iter().map(|issue| (issue.code, issue.message.as_str())).collect();
    let told = |words: &str| said.iter().any(|(code, message)| *code == Code::Reassigned && message.contains(words));
    assert!(told("10.96.7.7") && told("30080"), "{said:?}");
    let web = elsewhere.get(&in_shop("services", "web")).expect("it is there all the same");
    assert_ne!(web["spec"]["clusterIP"], "10.96.7.7");
    assert!(web["spec"]["ports"][0]["nodePort"].as_u64().is_some_and(|port| port != 30_080), "{web}");
}

#[tokio::test]
async fn what_is_free_is_kept_and_a_service_that_exists_is_left() {
    let world = World::new([namespace("shop"), service("shop", "web", "10.96.7.7", 30_080)]);
    world.back_up("b", &BackupSpec::default()).await;
    let elsewhere = world.elsewhere();
    completed(&elsewhere.restore("first", &from_backup()).await);
    let web = elsewhere.get(&in_shop("services", "web")).expect("it is back");
    assert_eq!(
        (&web["spec"]["clusterIP"], &web["spec"]["ports"][0]["nodePort"]),
        (&json!("10.96.7.7"), &json!(30_080))
    );

    // It appears after the plan was made: the server then complains of the port first.
    world.delete(&in_shop("services", "web"));
    let plan = world.plan(&from_backup()).await;
    world.cluster.load([service("shop", "web", "10.96.7.7", 30_080)]).expect("it loads");
    let report = world.engine().apply(&plan, &Run::default()).await.expect("it is applied");
    completed(&report);
    assert_eq!((report.counts.created, report.issues.len()), (0, 0), "{:?}", report.issues);
}

fn with_status(namespace: &str, name: &str) -> Value {
    let mut widget = widget(namespace, name);
    widget["status"] = json!({"phase": "Ready"});
    widget
}

/// The definition of widgets, with a status subresource or without.
fn definition(subresource: bool) -> Value {
    let mut definition = widget_crd();
    if subresource {
        definition["spec"]["versions"][0]["subresources"] = json!({"status": {}});
    }
    definition
}

fn widget_at(name: &str) -> ObjectRef {
    ObjectRef::namespaced(Gvr::new("example.com", "v1", "widgets"), "shop", name)
}

fn status_of(included: &[&str]) -> RestoreSpec {
    let included_resources = included.iter().map(|&word| word.to_owned()).collect();
    RestoreSpec {
        restore_status: Some(RestoreStatus { included_resources, ..RestoreStatus::default() }),
        ..from_backup()
    }
}

#[tokio::test]
async fn a_status_comes_back_where_it_was_asked_for() {
    for subresource in [true, false] {
        let mut asking = with_status("shop", "asks");
        asking["metadata"]["annotations"] = json!({"velero.io/restore-status": "true"});
        let mut refusing = with_status("shop", "refuses");
        refusing["metadata"]["annotations"] = json!({"kbackup.dev/restore-status": "false"});
        let objects = [namespace("shop"), definition(subresource), with_status("shop", "plain"), asking, refusing];
        let world = World::new(objects);
        world.back_up("b", &BackupSpec::default()).await;
        for (number, (spec, with)) in [
            (from_backup(), vec!["asks"]),
            (status_of(&["widgets"]), vec!["asks", "plain"]),
            (status_of(&["Widget"]), vec!["asks", "plain"]),
            (status_of(&["*.example.com"]), vec!["asks", "plain"]),
            (status_of(&["configmaps"]), vec!["asks"]),
        ]
        .into_iter()
        .enumerate()
        {
            let elsewhere = world.elsewhere();
            let restore = name(&format!("r{number}"));
            // By its kind, a type is known once its definition is there.
            elsewhere.cluster.load([definition(subresource)]).expect("it loads");
            let plan = elsewhere.engine().plan_restore(&restore, &spec, &Run::default()).await.expect("a plan");
            let json = serde_json::to_string(&plan).expect("it can be stored");
            let plan = serde_json::from_str(&json).expect("and read");
            completed(&elsewhere.engine().apply(&plan, &Run::default()).await.expect("it is applied"));
            let has = |name: &&str| elsewhere.get(&widget_at(name)).expect("it is there")["status"]["phase"] == "Ready";
            let found: Vec<&str> = ["asks", "plain", "refuses"].into_iter().filter(has).collect();
            assert_eq!(found, with, "subresource {subresource}: {:?}", spec.restore_status);
        }
    }
}

#[tokio::test]
async fn a_type_that_nobody_knows_has_no_status() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    let refused = world.engine().plan_restore(&name("r"), &status_of(&["wigdets"]), &Run::default()).await;
    let message = refused.expect_err("it is a typing error").to_string();
    assert!(message.contains("restoreStatus.includedResources") && message.contains("\"widgets"), "{message}");
}

fn modifiers(rules: &Value) -> RestoreSpec {
    let modifiers = json!({"version": "v1", "resourceModifierRules": rules});
    RestoreSpec { resource_modifiers: Some(serde_json::from_value(modifiers).expect("rules")), ..from_backup() }
}

#[tokio::test]
async fn rules_of_the_user_come_last() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    let rule = |path: &str, value: &str| {
        json!({
            "conditions": {"groupResource": "configmaps", "namespaces": ["shop"], "resourceNameRegex": "^a$"},
            "patches": [{"operation": "replace", "path": path, "value": value}],
        })
    };
    let spec = modifiers(&json!([rule("/data/value", "\"7\""), rule("/data/none", "x")])).map_namespace("shop", "copy");
    let report = world.restore("r", &spec).await;
    let value = |name: &str| {
        let at = ObjectRef::namespaced(core("configmaps"), "copy", name);
        world.get(&at).expect("it is there")["data"]["value"].clone()
    };
    assert_eq!((value("a"), value("b")), (json!("7"), json!("2")));
    assert_eq!(report.outcome, Outcome::PartiallyFailed, "a rule that does not apply is told");
    let errors: Vec<String> = report.issues.iter().map(ToString::to_string).collect();
    assert!(errors[0].starts_with("error: configmaps/copy/a: resource modifiers: rule 2 could not"), "{errors:?}");
    assert_eq!(errors.len(), 1);
}

#[tokio::test]
async fn wrong_rules_are_refused_before_anything_is_touched() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    let before = world.cluster.revision();
    let spec = modifiers(&json!([{"conditions": {"groupResource": "pods", "resourceNameRegex": "("}}]));
    let refused = world.engine().plan_restore(&name("r"), &spec, &Run::default()).await.expect_err("it is wrong");
    assert!(matches!(refused, RestoreError::Invalid(_)), "{refused:?}");
    let message = refused.to_string();
    assert!(
        message.contains("rule 1: conditions.resourceNameRegex") && message.contains("rule 1: it changes nothing"),
        "{message}"
    );
    assert_eq!(world.cluster.revision(), before);
}
