//! Every rule of hooks: a pod, a spec, and what comes of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::cluster::MemoryCluster;
use crate::issue::{Code, Severity, Stage};
use crate::model::{Gvr, Object, ObjectRef};
use crate::spec::BackupHooks;

fn pods() -> Gvr {
    Gvr::new("", "v1", "pods")
}

/// A running pod with two containers, a sidecar and an init container.
fn pod(annotations: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "db-0", "namespace": "shop", "labels": {"app": "db"}, "annotations": annotations},
        "spec": {"containers": [{"name": "db"}, {"name": "proxy"}],
            "initContainers": [{"name": "init"}, {"name": "log", "restartPolicy": "Always"}]},
        "status": {"phase": "Running"}})
}

fn of(pod: &Value, hooks: &Value) -> Found {
    let hooks: BackupHooks = serde_json::from_value(hooks.clone()).expect("hooks");
    HookRules::new(&hooks).of_pod(&pods(), &Object::from_value(pod).expect("a pod"))
}

/// A hook in one line: what asks for it, where it runs, what, how long, and what if it fails.
fn line(hook: &Hook) -> String {
    let Hook { source, container, command, on_error, timeout } = hook;
    format!("{source}: {container} {} {}ms {on_error:?}", command.join(" "), timeout.as_millis())
}

fn lines(found: &Found) -> (Vec<String>, Vec<String>) {
    let hooks = found.hooks.as_ref();
    let of = |list: fn(&PodHooks) -> &Vec<Hook>| hooks.map(|hooks| list(hooks).iter().map(line).collect());
    (of(|hooks| &hooks.pre).unwrap_or_default(), of(|hooks| &hooks.post).unwrap_or_default())
}

#[test]
fn annotations_ask_for_hooks() {
    let check = |annotations: Value, pre: &[&str], post: &[&str]| {
        let found = of(&pod(annotations.clone()), &json!({}));
        assert_eq!(found.issues, [], "{annotations}");
        let expect = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>();
        assert_eq!(lines(&found), (expect(pre), expect(post)), "{annotations}");
    };
    let velero = "annotation pre.hook.backup.velero.io";
    check(json!({}), &[], &[]);
    check(json!({"pre.hook.backup.velero.io/command": "sync"}), &[&format!("{velero}: db sync 30000ms Fail")], &[]);
    check(
        json!({"pre.hook.backup.velero.io/command": r#"["sh", "-c", "a b"]"#, "pre.hook.backup.velero.io/container": "proxy",
            "pre.hook.backup.velero.io/on-error": "Continue", "pre.hook.backup.velero.io/timeout": "2m"}),
        &[&format!("{velero}: proxy sh -c a b 120000ms Continue")],
        &[],
    );
    check(
        json!({"hook.backup.velero.io/command": "old", "hook.backup.velero.io/timeout": "1s",
            "post.hook.backup.velero.io/command": "thaw"}),
        &["annotation hook.backup.velero.io: db old 1000ms Fail"],
        &["annotation post.hook.backup.velero.io: db thaw 30000ms Fail"],
    );
    // Ours win over Velero's, these over its old ones, and nothing is mixed.
    check(
        json!({"hook.backup.velero.io/command": "old", "pre.hook.backup.velero.io/command": "new",
            "hook.backup.velero.io/container": "proxy"}),
        &[&format!("{velero}: db new 30000ms Fail")],
        &[],
    );
    check(
        json!({"pre.hook.backup.velero.io/command": "theirs", "pre.hook.backup.kbackup.dev/command": "ours",
            "post.hook.backup.kbackup.dev/command": "ours", "post.hook.backup.velero.io/timeout": "1s"}),
        &["annotation pre.hook.backup.kbackup.dev: db ours 30000ms Fail"],
        &["annotation post.hook.backup.kbackup.dev: db ours 30000ms Fail"],
    );
    // A sidecar runs as long as the pod does.
    check(
        json!({"pre.hook.backup.velero.io/command": "sync", "pre.hook.backup.velero.io/container": "log"}),
        &[&format!("{velero}: log sync 30000ms Fail")],
        &[],
    );
    // Out of bounds is the nearest bound, as in Velero.
    for (timeout, millis) in [("0s", 30_000), ("-1s", 30_000), ("9h", 14_400_000)] {
        check(
            json!({"pre.hook.backup.velero.io/command": "sync", "pre.hook.backup.velero.io/timeout": timeout}),
            &[&format!("{velero}: db sync {millis}ms Fail")],
            &[],
        );
    }
    // Without a command it is no hook.
    check(json!({"pre.hook.backup.velero.io/container": "db"}), &[], &[]);
    check(json!({"pre.hook.backup.velero.io/command": ""}), &[], &[]);
    check(json!({"pre.hook.restore.velero.io/command": "x", "hook.backup.example.com/command": "x"}), &[], &[]);
}

#[test]
fn what_cannot_be_read_is_an_issue_about_the_pod() {
    let check = |field: &str, value: &str, message: &str, runs: &[&str]| {
        let mut annotations = json!({"post.hook.backup.velero.io/command": "thaw"});
        annotations[format!("post.hook.backup.velero.io/{field}")] = value.into();
        let found = of(&pod(annotations), &json!({}));
        let [issue] = &found.issues[..] else { panic!("{field}={value}: {:?}", found.issues) };
        assert_eq!((issue.severity, issue.stage, issue.code), (Severity::Error, Stage::Hook, Code::HookInvalid));
        assert_eq!(issue.object, Some(ObjectRef::namespaced(pods(), "shop", "db-0")));
        assert!(issue.message.contains(message) && !issue.message.contains('\n'), "{}", issue.message);
        assert_eq!(lines(&found).1, runs, "{field}={value}");
    };
    check("command", "[thaw", "post.hook.backup.velero.io/command: the command begins like a JSON array", &[]);
    check("command", "[]", "names no program", &[]);
    check("container", "dbb", "no container \"dbb\" that a command could run in; it has db, proxy, log", &[]);
    check("container", "init", "no container \"init\"", &[]);
    // What thaws runs, even where a word beside it is wrong.
    let as_default = ["annotation post.hook.backup.velero.io: db thaw 30000ms Fail"];
    check("timeout", "soon", "timeout: \"soon\" is not a duration", &as_default);
    check("timeout", "30", "it is taken for 30s", &as_default);
    check("on-error", "Ignore", "\"Ignore\" is neither \"Fail\" nor \"Continue\"; it is taken for Fail", &as_default);
}

#[test]
fn specs_ask_for_hooks() {
    let hook = |name: &str, filters: Value| {
        let mut hook = json!({"name": name, "pre": [{"exec": {"command": [name]}}]});
        hook.as_object_mut().expect("a map").extend(filters.as_object().expect("a map").clone());
        hook
    };
    let check = |resources: Vec<Value>, expect: &[&str]| {
        let found = of(&pod(json!({})), &json!({"resources": resources}));
        let run: Vec<String> = lines(&found).0;
        let expect: Vec<String> =
            expect.iter().map(|name| format!("hook \"{name}\": db {name} 30000ms Fail")).collect();
        assert_eq!((run, found.issues), (expect, vec![]));
    };
    check(vec![hook("all", json!({}))], &["all"]);
    check(vec![hook("b", json!({})), hook("a", json!({}))], &["b", "a"]);
    check(vec![hook("x", json!({"includedNamespaces": ["shop"]}))], &["x"]);
    check(vec![hook("x", json!({"includedNamespaces": ["sh*"]}))], &["x"]);
    check(vec![hook("x", json!({"includedNamespaces": ["*"]}))], &["x"]);
    check(vec![hook("x", json!({"includedNamespaces": ["web"]}))], &[]);
    check(vec![hook("x", json!({"excludedNamespaces": ["shop"]}))], &[]);
    check(vec![hook("x", json!({"includedNamespaces": ["shop"], "excludedNamespaces": ["s*"]}))], &[]);
    check(vec![hook("x", json!({"includedResources": ["pods"]}))], &["x"]);
    check(vec![hook("x", json!({"includedResources": ["Pod", "pvc"]}))], &["x"]);
    check(vec![hook("x", json!({"includedResources": ["deployments"]}))], &[]);
    check(vec![hook("x", json!({"excludedResources": ["pods"]}))], &[]);
    check(vec![hook("x", json!({"labelSelector": {"matchLabels": {"app": "db"}}}))], &["x"]);
    check(vec![hook("x", json!({"labelSelector": {"matchLabels": {"app": "web"}}}))], &[]);
}

#[test]
fn annotations_win_over_the_spec_phase_by_phase() {
    let spec = json!({"resources": [{"name": "spec", "pre": [{"exec": {"command": ["a"]}}, {"exec": {"command": ["b"]}}],
        "post": [{"exec": {"container": "proxy", "command": ["c"], "onError": "Continue", "timeout": "5s"}}]}]});
    let found = of(&pod(json!({"pre.hook.backup.velero.io/command": "own"})), &spec);
    let (pre, post) = lines(&found);
    assert_eq!(pre, ["annotation pre.hook.backup.velero.io: db own 30000ms Fail"]);
    assert_eq!(post, ["hook \"spec\": proxy c 5000ms Continue"]);
    // One that can't be read is still the pod's own wish.
    let found = of(&pod(json!({"pre.hook.backup.velero.io/command": "["})), &spec);
    assert_eq!((lines(&found).0.len(), found.issues.len()), (0, 1));
    // A container that only other pods have is told of each pod that has it not.
    let spec = json!({"resources": [{"name": "spec", "pre": [{"exec": {"container": "other", "command": ["a"]}}]}]});
    let found = of(&pod(json!({})), &spec);
    assert!(
        found.hooks.is_none() && found.issues[0].message.contains("hook \"spec\": the pod has no container \"other\"")
    );
}

#[test]
fn pods_in_which_nothing_runs_are_left_alone() {
    for (phase, hooks, issues) in
        [("Running", 1, 1), ("Unknown", 1, 1), ("Pending", 0, 1), ("", 0, 1), ("Succeeded", 0, 0), ("Failed", 0, 0)]
    {
        let mut pod = pod(json!({"pre.hook.backup.velero.io/command": "sync",
            "post.hook.backup.velero.io/command": "["}));
        pod["status"]["phase"] = phase.into();
        let found = of(&pod, &json!({}));
        assert_eq!((lines(&found).0.len(), found.issues.len()), (hooks, issues), "{phase}");
        let severity = if hooks == 0 { Severity::Warning } else { Severity::Error };
        assert!(found.issues.iter().all(|issue| issue.severity == severity), "{phase}: {:?}", found.issues);
    }
}

#[test]
fn pods_without_containers_or_shape_are_told() {
    let mut bare = pod(json!({"pre.hook.backup.velero.io/command": "sync"}));
    bare["spec"] = json!({"containers": null});
    assert!(of(&bare, &json!({})).issues[0].message.contains("has no containers"));
    bare["spec"] = json!("?");
    assert!(of(&bare, &json!({})).issues[0].message.contains("can't be read"));
}

fn hooks_of(name: &str, claims: &[&str]) -> PodHooks {
    let claims = claims.iter().map(|&claim| claim.to_owned()).collect();
    PodHooks { pod: ObjectRef::namespaced(pods(), "shop", name), claims, pre: Vec::new(), post: Vec::new() }
}

fn ordered(asked: &[(&str, &str)]) -> Result<Ordered, String> {
    let asked: BTreeMap<String, String> =
        asked.iter().map(|(ty, names)| ((*ty).to_owned(), (*names).to_owned())).collect();
    Ordered::resolve(&asked, &MemoryCluster::new().discovery()).map_err(|violations| violations.to_string())
}

#[test]
fn pods_that_share_a_claim_or_an_order_are_one_block() {
    let check = |pods: &[(&str, &[&str])], order: &str, expect: &[&[&str]]| {
        let hooks = pods.iter().map(|(name, claims)| hooks_of(name, claims)).collect();
        let plan = HookPlan::new(hooks, &ordered(&[("pods", order)]).expect("an order"));
        let blocks: Vec<Vec<&str>> =
            plan.blocks.iter().map(|block| block.pods.iter().map(|hooks| hooks.pod.name.as_str()).collect()).collect();
        assert_eq!(blocks, expect, "{pods:?} in the order {order:?}");
    };
    check(&[], "", &[]);
    check(&[("b", &[]), ("a", &[])], "", &[&["a"], &["b"]]);
    check(&[("a", &["x"]), ("b", &["y"]), ("c", &["x"])], "", &[&["a", "c"], &["b"]]);
    check(&[("a", &["x"]), ("b", &["x", "y"]), ("c", &["y"]), ("d", &["z"])], "", &[&["a", "b", "c"], &["d"]]);
    check(&[("a", &[]), ("b", &[]), ("c", &[])], "shop/c,shop/b", &[&["c", "b"], &["a"]]);
    check(&[("a", &["x"]), ("b", &["x"]), ("c", &[])], "shop/c, shop/b", &[&["c", "b", "a"]]);
    check(&[("a", &[]), ("b", &[])], "shop/z,web/b,shop/b", &[&["b"], &["a"]]);
}

#[test]
fn an_order_is_read_with_the_words_of_the_cluster() {
    let order = ordered(&[("po", "shop/b, shop/a,"), ("PersistentVolumes", "pv-2,pv-1")]).expect("an order");
    let at = |namespace: &str, name: &str| order.position(&ObjectRef::namespaced(pods(), namespace, name));
    assert_eq!([at("shop", "b"), at("shop", "a"), at("web", "a")], [Some(0), Some(1), None]);
    let volumes = Gvr::new("", "v1", "persistentvolumes");
    assert_eq!(order.position(&ObjectRef::cluster(volumes.clone(), "pv-1")), Some(1));
    assert!(order.names_type(&volumes) && !order.names_type(&Gvr::new("", "v1", "secrets")));
    assert_eq!(order.objects().count(), 4);
    for (ty, names, expect) in [
        ("pots", "shop/a", "serves no type \"pots\"; did you mean \"pods\""),
        ("pods", "a", "write \"a\" as namespace/name"),
        ("pods", "shop/a/b", "as namespace/name"),
        ("pv", "shop/a", "as a name alone"),
    ] {
        let error = ordered(&[(ty, names)]).expect_err(names);
        assert!(error.contains(expect), "{error}");
    }
}
