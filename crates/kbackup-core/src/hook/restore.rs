//! What runs in one pod that a restore creates.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{HookAnnotations, PodFacts, parse_command};
use crate::issue::{Code, Issue, Stage};
use crate::model::{Glob, Gvr, Object, ObjectRef};
use crate::spec::{InitHook, OnError, RestoreExecHook, RestoreHookResource, RestoreHooks};

/// What the annotations of a command begin with: ours, then Velero's.
const EXEC: [&str; 2] = ["post.hook.restore.kbackup.dev", "post.hook.restore.velero.io"];
/// What those of an init container begin with.
const INIT: [&str; 2] = ["init.hook.restore.kbackup.dev", "init.hook.restore.velero.io"];
/// What every one of them holds: a pod whose JSON does not has none.
const MARK: &str = "hook.restore.";

/// The restore hooks of a spec, and how those of annotations are read.
///
/// ```
/// use kbackup_core::hook::RestoreHookRules;
/// use kbackup_core::model::{Gvr, Object};
/// use kbackup_core::spec::RestoreHooks;
///
/// let pod = Object::parse(br#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"db-0","namespace":"copy","annotations":{
///     "post.hook.restore.kbackup.dev/command": "[\"warm-up\"]"}},"spec":{"containers":[{"name":"db"}]}}"#.as_slice())?;
/// let found = RestoreHookRules::new(&RestoreHooks::default()).of_pod(&pod.at(&Gvr::new("", "v1", "pods")), Some("shop"), &pod);
/// let hooks = found.hooks.expect("it has a hook");
/// assert_eq!((hooks.hooks[0].container.as_str(), hooks.hooks[0].command[0].as_str()), ("db", "warm-up"));
/// # Ok::<(), kbackup_core::model::ObjectError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct RestoreHookRules {
    resources: Vec<Resource>,
}

#[derive(Debug, Clone)]
struct Resource {
    included: Vec<Glob>,
    excluded: Vec<Glob>,
    asked: RestoreHookResource,
}

/// One command in one container of a restored pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreCommand {
    /// Its place among the commands of its pod.
    pub number: usize,
    /// Who asks for it: `annotation <prefix>`, or the name in the spec.
    pub source: String,
    /// The container.
    pub container: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// What happens when it fails.
    pub on_error: OnError,
    /// How long it may run.
    pub exec_timeout: Duration,
    /// How long its container is waited for, where that was said.
    pub wait_timeout: Option<Duration>,
    /// Whether the container must be ready, not only running.
    pub wait_for_ready: bool,
}

/// The commands that run in one restored pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredPodHooks {
    /// The pod, by its name in the target.
    pub pod: ObjectRef,
    /// The commands; those of one container in this order.
    pub hooks: Vec<RestoreCommand>,
}

/// What one restored pod came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RestoreFound {
    /// Its commands, where it has any.
    pub hooks: Option<RestoredPodHooks>,
    /// What can't be run as asked.
    pub issues: Vec<Issue>,
}

impl RestoreHookRules {
    /// The rules of a spec.
    #[must_use]
    pub fn new(hooks: &RestoreHooks) -> Self {
        let globs = |names: &[String]| names.iter().map(|name| Glob::new(name)).collect();
        let resource = |asked: &RestoreHookResource| Resource {
            included: globs(&asked.included_namespaces),
            excluded: globs(&asked.excluded_namespaces),
            asked: asked.clone(),
        };
        let for_pods = hooks.resources.iter().filter(|resource| resource.filters().is_for_pods());
        Self { resources: for_pods.map(resource).collect() }
    }

    /// Whether objects of this type can have hooks: pods.
    #[must_use]
    pub fn wants(ty: &Gvr) -> bool {
        ty.group.is_empty() && ty.plural == "pods"
    }

    /// The commands that run in a pod once its containers do. `namespace` is the pod's in the backup.
    #[must_use]
    pub fn of_pod(&self, at: &ObjectRef, namespace: Option<&str>, pod: &Object) -> RestoreFound {
        let fitting = self.fitting(namespace, &pod.meta().labels);
        if fitting.is_empty() && !holds(pod, MARK) {
            return RestoreFound::default();
        }
        let facts = match PodFacts::read(pod) {
            Ok(facts) => facts,
            Err(error) => {
                let issue = invalid(format!("its hooks can't be read: {error}")).about(at.clone());
                return RestoreFound { hooks: None, issues: vec![issue] };
            }
        };
        let mut reading = Reading { facts: &facts, issues: Vec::new() };
        let hooks = reading.hooks(&fitting);
        let issues = reading.issues.into_iter().map(|issue| issue.about(at.clone())).collect();
        let hooks = (!hooks.is_empty()).then(|| RestoredPodHooks { pod: at.clone(), hooks });
        RestoreFound { hooks, issues }
    }

    /// The init containers that a pod gets in front of its own: those of its annotations, or else those of the spec. What
    /// can't be read is in words.
    #[must_use]
    pub fn init_containers(&self, namespace: Option<&str>, pod: &Value) -> (Vec<Value>, Vec<String>) {
        let annotations = texts(pod, "annotations");
        if let Some(found) = HookAnnotations::find(&annotations, &INIT, "container-image") {
            return match annotated_container(&found, pod) {
                Ok(container) => (vec![container], Vec::new()),
                Err(why) => (Vec::new(), vec![why]),
            };
        }
        let fitting = self.fitting(namespace, &texts(pod, "labels"));
        let asked = fitting.iter().flat_map(|resource| &resource.asked.post_hooks);
        let inits = asked.filter_map(|hook| hook.init.as_ref());
        (inits.flat_map(|InitHook { init_containers, .. }| init_containers.clone()).collect(), Vec::new())
    }

    /// Whether there is nothing in the spec: then only annotations ask for hooks.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }

    fn fitting(&self, namespace: Option<&str>, labels: &BTreeMap<String, String>) -> Vec<&Resource> {
        self.resources.iter().filter(|resource| resource.fits(namespace.unwrap_or_default(), labels)).collect()
    }
}

impl Resource {
    fn fits(&self, namespace: &str, labels: &BTreeMap<String, String>) -> bool {
        let among = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(namespace));
        (self.included.is_empty() || among(&self.included))
            && !among(&self.excluded)
            && self.asked.label_selector.as_ref().is_none_or(|selector| selector.matches(labels))
    }
}

/// One pod while its hooks are read.
struct Reading<'a> {
    facts: &'a PodFacts,
    issues: Vec<Issue>,
}

impl Reading<'_> {
    fn hooks(&mut self, fitting: &[&Resource]) -> Vec<RestoreCommand> {
        if let Some(annotations) = HookAnnotations::find(&self.facts.annotations, &EXEC, "command") {
            return self.annotated(&annotations).into_iter().collect();
        }
        let asked = fitting.iter().flat_map(|resource| {
            let execs = resource.asked.post_hooks.iter().filter_map(|hook| hook.exec.as_ref());
            execs.map(|exec| (format!("hook \"{}\"", resource.asked.name), exec.clone()))
        });
        let mut hooks: Vec<_> = asked.filter_map(|(source, exec)| self.hook(source, exec)).collect();
        hooks.iter_mut().enumerate().for_each(|(number, hook)| hook.number = number);
        hooks
    }

    fn annotated(&mut self, annotations: &HookAnnotations<'_>) -> Option<RestoreCommand> {
        let command = self.read(annotations.command(), "it is not run")?;
        let ready = annotations.get("wait-for-ready").map(|text| {
            let why = |_| format!("annotation {}/wait-for-ready: write true or false", annotations.prefix());
            text.to_ascii_lowercase().parse::<bool>().map_err(why)
        });
        let exec = RestoreExecHook {
            container: annotations.get("container").map(str::to_owned),
            command,
            on_error: self.read(annotations.on_error(), "it is taken for Fail").unwrap_or_default(),
            exec_timeout: self.read(annotations.timeout("exec-timeout"), "it is taken for 30s").unwrap_or_default(),
            wait_timeout: annotations
                .get("wait-timeout")
                .and_then(|_| self.read(annotations.timeout("wait-timeout"), "the container is waited for as others")),
            wait_for_ready: ready.and_then(|ready| self.read(ready, "a running container is enough")),
        };
        self.hook(format!("annotation {}", annotations.prefix()), exec)
    }

    /// A value, or an issue that says what happens without it.
    fn read<T>(&mut self, value: Result<T, String>, instead: &str) -> Option<T> {
        value.map_err(|why| self.issues.push(invalid(format!("{why}; {instead}")))).ok()
    }

    fn hook(&mut self, source: String, exec: RestoreExecHook) -> Option<RestoreCommand> {
        let containers = &self.facts.containers;
        let container = match exec.container {
            Some(name) if !containers.contains(&name) => Err(format!(
                "{source}: the pod has no container \"{name}\" that a command could run in; it has {}",
                containers.join(", ")
            )),
            Some(name) => Ok(name),
            None => containers.first().cloned().ok_or_else(|| format!("{source}: the pod has no containers")),
        };
        let container = self.read(container, "it is not run")?;
        Some(RestoreCommand {
            number: 0,
            source,
            container,
            command: exec.command,
            on_error: exec.on_error,
            exec_timeout: exec.exec_timeout.duration(),
            wait_timeout: exec.wait_timeout.map(crate::spec::HookTimeout::duration),
            wait_for_ready: exec.wait_for_ready.unwrap_or(false),
        })
    }
}

/// The container of `container-image`, `container-name` and `command`. A name that nobody gave is made from the pod's, so
/// that a plan and its apply agree.
fn annotated_container(found: &HookAnnotations<'_>, pod: &Value) -> Result<Value, String> {
    let image = found.get("container-image").unwrap_or_default();
    let command = match found.get("command") {
        Some(text) => {
            let wrong =
                |why: String| format!("annotation {}/command: {why}; the init container is not added", found.prefix());
            Some(parse_command(text).map_err(wrong)?)
        }
        None => None,
    };
    let name = found.get("container-name").map_or_else(|| generated_name(pod), str::to_owned);
    let mut container = json!({"name": name, "image": image});
    if let Some(command) = command {
        container["command"] = command.into();
    }
    Ok(container)
}

fn generated_name(pod: &Value) -> String {
    let digest = Sha256::digest(pod["metadata"]["name"].as_str().unwrap_or_default());
    let hex: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("kbackup-restore-init-{hex}")
}

fn texts(pod: &Value, field: &str) -> BTreeMap<String, String> {
    let map = pod["metadata"][field].as_object().into_iter().flatten();
    map.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

fn invalid(message: String) -> Issue {
    Issue::error(Stage::Hook, Code::HookInvalid, message)
}

fn holds(pod: &Object, word: &str) -> bool {
    std::str::from_utf8(pod.raw()).is_ok_and(|json| json.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(annotations: Value, hooks: Value) -> RestoreFound {
        let pod = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "db-0", "namespace": "copy", "labels": {"app": "db"}, "annotations": annotations},
            "spec": {"containers": [{"name": "db"}, {"name": "proxy"}]}});
        let rules = RestoreHookRules::new(&serde_json::from_value(hooks).expect("hooks"));
        let pod = Object::from_value(&pod).expect("a pod");
        rules.of_pod(&pod.at(&Gvr::new("", "v1", "pods")), Some("shop"), &pod)
    }

    fn lines(found: &RestoreFound) -> Vec<String> {
        let hooks = found.hooks.iter().flat_map(|hooks| &hooks.hooks);
        let line = |hook: &RestoreCommand| {
            let RestoreCommand {
                source, container, command, on_error, exec_timeout, wait_timeout, wait_for_ready, ..
            } = hook;
            let wait = wait_timeout.map_or_else(|| "-".to_owned(), |wait| wait.as_secs().to_string());
            let (command, run) = (command.join(" "), exec_timeout.as_secs());
            format!("{source}: {container} {command} {on_error:?} {run} {wait} {wait_for_ready}")
        };
        hooks.map(line).collect()
    }

    #[test]
    fn annotations_ask_for_one_command() {
        let velero = "annotation post.hook.restore.velero.io";
        for (annotations, expect) in [
            (json!({}), vec![]),
            (json!({"post.hook.restore.velero.io/container": "db"}), vec![]),
            (json!({"post.hook.backup.velero.io/command": "x"}), vec![]),
            (
                json!({"post.hook.restore.velero.io/command": "warm"}),
                vec![format!("{velero}: db warm Fail 30 - false")],
            ),
            (
                json!({"post.hook.restore.velero.io/command": r#"["sh", "-c"]"#, "post.hook.restore.velero.io/container": "proxy",
                    "post.hook.restore.velero.io/on-error": "Continue", "post.hook.restore.velero.io/exec-timeout": "1m",
                    "post.hook.restore.velero.io/wait-timeout": "5m", "post.hook.restore.velero.io/wait-for-ready": "true"}),
                vec![format!("{velero}: proxy sh -c Continue 60 300 true")],
            ),
            (
                json!({"post.hook.restore.velero.io/command": "theirs", "post.hook.restore.kbackup.dev/command": "ours"}),
                vec!["annotation post.hook.restore.kbackup.dev: db ours Fail 30 - false".to_owned()],
            ),
        ] {
            let found = found(annotations.clone(), json!({}));
            assert_eq!((lines(&found), found.issues), (expect, vec![]), "{annotations}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_issue() {
        for (field, value, words, runs) in [
            ("command", "[warm", "begins like a JSON array", false),
            ("container", "dbb", "no container \"dbb\"", false),
            ("on-error", "Ignore", "neither", true),
            ("exec-timeout", "soon", "not a duration", true),
            ("wait-timeout", "soon", "not a duration", true),
            ("wait-for-ready", "perhaps", "true or false", true),
        ] {
            let mut annotations = json!({"post.hook.restore.velero.io/command": "warm"});
            annotations[format!("post.hook.restore.velero.io/{field}")] = value.into();
            let found = found(annotations, json!({}));
            let [issue] = &found.issues[..] else { panic!("{field}: {:?}", found.issues) };
            assert!(issue.message.contains(words) && issue.code == Code::HookInvalid, "{issue}");
            assert_eq!(found.hooks.is_some(), runs, "{field}");
        }
    }

    #[test]
    fn specs_ask_for_commands_and_annotations_win() {
        let hooks = |namespaces: Value| {
            json!({"resources": [
                {"name": "a", "includedNamespaces": namespaces, "postHooks": [
                    {"exec": {"command": ["one"]}}, {"exec": {"command": ["two"], "container": "proxy", "waitForReady": true}}]},
                {"name": "b", "postHooks": [{"exec": {"command": ["three"], "waitTimeout": "7s"}}]},
            ]})
        };
        let b = "hook \"b\": db three Fail 30 7 false".to_owned();
        let both = vec![
            "hook \"a\": db one Fail 30 - false".to_owned(),
            "hook \"a\": proxy two Fail 30 - true".to_owned(),
            b.clone(),
        ];
        assert_eq!(lines(&found(json!({}), hooks(json!(["shop"])))), both);
        assert_eq!(lines(&found(json!({}), hooks(json!(["copy"])))), [b], "namespaces are the backup's");
        let own = json!({"post.hook.restore.velero.io/command": "own"});
        assert_eq!(lines(&found(own, hooks(json!([])))).len(), 1);
    }
}
