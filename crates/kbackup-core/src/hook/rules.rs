//! Which commands run in one pod.

use std::fmt;
use std::time::Duration;

use super::{HookAnnotations, PodFacts};
use crate::issue::{Code, Issue, Stage};
use crate::model::{Glob, Gvr, Object, ObjectRef};
use crate::spec::{BackupHooks, ExecHook, HookResource, OnError, ResourceHook};

/// What the annotations of a hook begin with, by phase: ours, Velero's, and Velero's old ones, which are for `pre`.
const PRE: [&str; 3] = ["pre.hook.backup.kbackup.dev", "pre.hook.backup.velero.io", "hook.backup.velero.io"];
const POST: [&str; 2] = ["post.hook.backup.kbackup.dev", "post.hook.backup.velero.io"];
/// What every one of them holds: a pod whose JSON does not has none.
const MARK: &str = "hook.backup.";

/// The hooks of a spec, and how those of annotations are read.
#[derive(Debug, Clone, Default)]
pub struct HookRules {
    resources: Vec<Resource>,
}

#[derive(Debug, Clone)]
struct Resource {
    included: Vec<Glob>,
    excluded: Vec<Glob>,
    asked: HookResource,
}

/// Before or after the volumes of a pod are taken care of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Before.
    Pre,
    /// After.
    Post,
}

/// One command in one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    /// Who asks for it: `annotation <prefix>`, or the name in the spec.
    pub source: String,
    /// The container.
    pub container: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// What happens when it fails.
    pub on_error: OnError,
    /// How long it may run.
    pub timeout: Duration,
}

/// The commands that run in one pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodHooks {
    /// The pod.
    pub pod: ObjectRef,
    /// The claims that it mounts, by name.
    pub claims: Vec<String>,
    /// Before its volumes are taken care of, in this order.
    pub pre: Vec<Hook>,
    /// Afterwards.
    pub post: Vec<Hook>,
}

/// What one pod came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Its hooks, where it has any.
    pub hooks: Option<PodHooks>,
    /// What can't be run as asked.
    pub issues: Vec<Issue>,
}

impl HookRules {
    /// The rules of a spec.
    #[must_use]
    pub fn new(hooks: &BackupHooks) -> Self {
        let globs = |names: &[String]| names.iter().map(|name| Glob::new(name)).collect();
        let resource = |asked: &HookResource| Resource {
            included: globs(&asked.included_namespaces),
            excluded: globs(&asked.excluded_namespaces),
            asked: asked.clone(),
        };
        let for_pods = hooks.resources.iter().filter(|resource| resource.is_for_pods());
        Self { resources: for_pods.map(resource).collect() }
    }

    /// Whether objects of this type can have hooks: pods.
    #[must_use]
    pub fn wants(ty: &Gvr) -> bool {
        ty.group.is_empty() && ty.plural == "pods"
    }

    /// The hooks of one pod. One that has ended has none, and says nothing.
    #[must_use]
    pub fn of_pod(&self, ty: &Gvr, pod: &Object) -> Found {
        let fitting: Vec<&Resource> = self.resources.iter().filter(|resource| resource.fits(pod)).collect();
        // Most pods have no hooks, and looking for a word is far cheaper than reading JSON.
        if fitting.is_empty() && !holds(pod, MARK) {
            return Found::default();
        }
        let at = pod.at(ty);
        let facts = match PodFacts::read(pod) {
            Ok(facts) => facts,
            Err(error) => return Found::only(invalid(format!("its hooks can't be read: {error}")).about(at)),
        };
        if facts.has_ended() {
            return Found::default();
        }
        let mut reading = Reading { facts: &facts, issues: Vec::new() };
        let pre = reading.phase(Phase::Pre, &fitting);
        let post = reading.phase(Phase::Post, &fitting);
        let issues = reading.issues.into_iter().map(|issue| issue.about(at.clone())).collect();
        let any = !pre.is_empty() || !post.is_empty();
        if any && facts.has_not_begun() {
            let why = "its hooks are not run: its containers have not begun, so nothing in it writes";
            return Found::only(Issue::warning(Stage::Hook, Code::HookFailed, why).about(at));
        }
        Found { hooks: any.then_some(PodHooks { pod: at, claims: facts.claims, pre, post }), issues }
    }
}

impl Resource {
    fn fits(&self, pod: &Object) -> bool {
        let namespace = pod.meta().namespace.as_deref().unwrap_or_default();
        let among = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(namespace));
        (self.included.is_empty() || among(&self.included))
            && !among(&self.excluded)
            && self.asked.label_selector.as_ref().is_none_or(|selector| selector.matches(&pod.meta().labels))
    }
}

/// One pod while its hooks are read.
struct Reading<'a> {
    facts: &'a PodFacts,
    issues: Vec<Issue>,
}

impl Reading<'_> {
    /// The hooks of a phase: those of the annotations, or else those of the spec.
    fn phase(&mut self, phase: Phase, fitting: &[&Resource]) -> Vec<Hook> {
        let prefixes = if phase == Phase::Pre { &PRE[..] } else { &POST[..] };
        if let Some(annotations) = HookAnnotations::find(&self.facts.annotations, prefixes, "command") {
            return self.annotated(&annotations).into_iter().collect();
        }
        let asked = |resource: &&Resource| match phase {
            Phase::Pre => resource.asked.pre.clone(),
            Phase::Post => resource.asked.post.clone(),
        };
        let hooks = fitting.iter().flat_map(|resource| {
            asked(resource).into_iter().map(|ResourceHook { exec }| (resource.asked.name.clone(), exec))
        });
        hooks.filter_map(|(name, exec)| self.hook(format!("hook \"{name}\""), exec)).collect()
    }

    fn annotated(&mut self, annotations: &HookAnnotations<'_>) -> Option<Hook> {
        let command = self.read(annotations.command(), "it is not run")?;
        // A command that thaws what another one froze must run even if a word beside it is wrong.
        let on_error = self.read(annotations.on_error(), "it is taken for Fail").unwrap_or_default();
        let timeout = self.read(annotations.timeout("timeout"), "it is taken for 30s").unwrap_or_default();
        let container = annotations.get("container").map(str::to_owned);
        self.hook(format!("annotation {}", annotations.prefix()), ExecHook { container, command, on_error, timeout })
    }

    /// A value, or an issue that says what happens without it.
    fn read<T>(&mut self, value: Result<T, String>, instead: &str) -> Option<T> {
        value.map_err(|why| self.issues.push(invalid(format!("{why}; {instead}")))).ok()
    }

    fn hook(&mut self, source: String, exec: ExecHook) -> Option<Hook> {
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
        let timeout = exec.timeout.duration();
        Some(Hook { source, container, command: exec.command, on_error: exec.on_error, timeout })
    }
}

impl Found {
    fn only(issue: Issue) -> Self {
        Self { hooks: None, issues: vec![issue] }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(if *self == Self::Pre { "pre" } else { "post" })
    }
}

fn invalid(message: String) -> Issue {
    Issue::error(Stage::Hook, Code::HookInvalid, message)
}

fn holds(pod: &Object, word: &str) -> bool {
    std::str::from_utf8(pod.raw()).is_ok_and(|json| json.contains(word))
}
