//! Commands run in the containers of pods around a backup, through the API server to the machine.

use std::sync::Arc;

use kbackup_core::backup::BackupReport;
use kbackup_core::engine::Engine;
use kbackup_core::issue::{Code, Outcome};
use kbackup_core::run::Run;
use kbackup_core::spec::BackupSpec;
use kbackup_e2e::machine::Files;
use kbackup_e2e::target::Target;
use kbackup_providers::fs::FolderStore;
use kbackup_sandbox::manifest::{Manifest, read_text};
use serde_json::{Value, json};

const NAMESPACE: &str = "hooked";

pub(crate) async fn hooks_run_around_a_backup(target: &Target) {
    target.wipe(&[], &[NAMESPACE]).await;
    target.load(&namespace()).await;
    let files = Files::default();
    let file = format!("../../order-{}", target.cluster.revision().await.expect("a revision"));
    let log = |word: &str| json!(["sh", "-c", format!("echo {word} >> {file}")]).to_string();
    let annotated = |name: &str, pre: String| {
        json!({"name": name, "namespace": NAMESPACE, "labels": {"app": name}, "annotations": {
            "pre.hook.backup.velero.io/command": pre, "pre.hook.backup.velero.io/timeout": "1s",
            "post.hook.backup.kbackup.dev/command": log(&format!("thaw-{name}"))}})
    };
    let first = target.run_pod(&annotated("a", log("freeze-a")), &files).await;
    target.run_pod(&annotated("b", log("freeze-b")), &files).await;
    target.run_pod(&annotated("fails", json!(["sh", "-c", "exit 3"]).to_string()), &files).await;
    target.run_pod(&annotated("late", json!(["sh", "-c", "sleep 60"]).to_string()), &files).await;
    target.run_pod(&json!({"name": "plain", "namespace": NAMESPACE, "labels": {"app": "plain"}}), &files).await;

    let spec = json!({"includedNamespaces": [NAMESPACE],
        "orderedResources": {"pods": "hooked/plain,hooked/b,hooked/a"},
        "hooks": {"resources": [{"name": "web", "labelSelector": {"matchLabels": {"app": "plain"}},
            "pre": [{"exec": {"container": "main", "command": ["sh", "-c", format!("echo plain >> {file}")]}}]}]}});
    let report = back_up(target, &spec).await;
    let order = target.says(&first, &format!("cat {file}")).await;
    target.wipe(&[], &[NAMESPACE]).await;
    expect(&report, &order);
}

fn expect(report: &BackupReport, order: &str) {
    let ordered: Vec<&str> = order.lines().filter(|word| !["thaw-fails", "thaw-late"].contains(word)).collect();
    assert_eq!(ordered, ["plain", "freeze-b", "freeze-a", "thaw-b", "thaw-a"], "{order}");
    for word in ["thaw-fails", "thaw-late"] {
        assert!(order.lines().any(|line| line == word), "what was to be stopped goes on: {word} is not in {order}");
    }
    let counts = &report.manifest.counts;
    assert_eq!((counts.hooks.attempted, counts.hooks.failed), (9, 2), "{:#?}", report.issues);
    assert_eq!(report.manifest.outcome, Outcome::PartiallyFailed);
    let mut failed: Vec<(String, &str)> = report
        .issues
        .iter()
        .filter(|issue| issue.code == Code::HookFailed)
        .map(|issue| (issue.object.as_ref().map(|at| at.name.clone()).unwrap_or_default(), issue.message.as_str()))
        .collect();
    failed.sort();
    assert!(failed.len() == 2 && failed[0].0 == "fails" && failed[1].0 == "late", "{failed:?}");
    assert!(failed[0].1.contains("ended with exit code 3"), "{failed:?}");
    assert!(failed[1].1.contains("did not end within 1 s"), "{failed:?}");
    let pods = counts.by_type.iter().find(|(gvr, _)| gvr.plural == "pods").map(|(_, count)| *count);
    assert_eq!(pods, Some(5), "a hook that fails costs no object");
}

async fn back_up(target: &Target, spec: &Value) -> BackupReport {
    let folder = tempfile::tempdir().expect("a folder for the backup");
    let store = FolderStore::open(folder.path()).expect("a folder is a store");
    let engine = Engine::shared(Arc::clone(&target.cluster), Arc::new(store)).exec(Arc::clone(&target.exec));
    let spec: BackupSpec = serde_json::from_value(spec.clone()).expect("a spec");
    engine.backup(&"hooked".parse().expect("a name"), &spec, &Run::default()).await.expect("the backup is made")
}

fn namespace() -> Vec<Manifest> {
    let text = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {NAMESPACE}}}\n");
    read_text("namespace.yaml", &text).expect("a manifest")
}
