//! What a restore runs in the pods that it creates, as a user asks for it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{HookResource, HookTimeout, OnError, Violation};
use crate::model::LabelSelector;

/// Hooks for the pods that a restore creates. A pod that has hooks in its annotations has these instead, kind by kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreHooks {
    /// The hooks, each for the pods that it fits; a pod that several fit has the hooks of all, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<RestoreHookResource>,
}

/// Hooks for the pods that all of its filters fit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreHookResource {
    /// What messages call it.
    pub name: String,
    /// Namespaces of the pods by their names in the backup, or globs. None: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_namespaces: Vec<String>,
    /// Namespaces to leave out. They win over the included ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_namespaces: Vec<String>,
    /// Types. Hooks run in pods only, so `pods` must be among them; none: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_resources: Vec<String>,
    /// Types to leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_resources: Vec<String>,
    /// Only pods whose labels match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<LabelSelector>,
    /// What happens in the pods.
    #[serde(default)]
    pub post_hooks: Vec<RestoreHook>,
}

/// One hook: a command in a running container, or containers that run before all others. One of the two.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreHook {
    /// A command in a container, once that runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exec: Option<RestoreExecHook>,
    /// Init containers that the pod gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<InitHook>,
}

/// A command in a container of a restored pod.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreExecHook {
    /// The container; not given: the pod's first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The program and its arguments; no shell.
    pub command: Vec<String>,
    /// What happens when it fails; not given: `Fail`, and the remaining hooks of the pod do not run.
    #[serde(default)]
    pub on_error: OnError,
    /// How long it may run; not given: 30 s.
    #[serde(default)]
    pub exec_timeout: HookTimeout,
    /// How long its container is waited for; not given: as long as a restore waits for anything (10 min by default).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_timeout: Option<HookTimeout>,
    /// Whether the container must be ready, not only running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_for_ready: Option<bool>,
}

/// Init containers that a restored pod gets in front of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InitHook {
    /// The containers, as in a pod's `initContainers`: each with at least `name`, `image` and `command`.
    #[serde(default)]
    pub init_containers: Vec<Value>,
    /// Velero's; init containers run as long as they need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<HookTimeout>,
}

impl RestoreHooks {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty()
    }
}

impl RestoreHookResource {
    /// Its filters, as a backup's hooks have them.
    #[must_use]
    pub fn filters(&self) -> HookResource {
        HookResource {
            name: self.name.clone(),
            included_namespaces: self.included_namespaces.clone(),
            excluded_namespaces: self.excluded_namespaces.clone(),
            included_resources: self.included_resources.clone(),
            excluded_resources: self.excluded_resources.clone(),
            label_selector: self.label_selector.clone(),
            ..HookResource::default()
        }
    }
}

/// All that is wrong with the hooks of a spec.
pub(super) fn restore_hook_violations(hooks: &RestoreHooks) -> Vec<Violation> {
    let of = |(at, resource)| {
        let found = resource_violations(resource);
        let place = format!("hooks.resources[{at}] \"{}\"", resource.name);
        found.into_iter().map(move |why| Violation::new("hooks", format!("{place}: {why}")))
    };
    hooks.resources.iter().enumerate().flat_map(of).collect()
}

fn resource_violations(resource: &RestoreHookResource) -> Vec<String> {
    let mut found = Vec::new();
    if resource.name.trim().is_empty() {
        found.push("it needs a name".to_owned());
    }
    if resource.post_hooks.is_empty() {
        found.push("it has no postHooks".to_owned());
    }
    if !resource.filters().is_for_pods() {
        let why = "hooks run in pods only, and its resources leave these out; add \"pods\" or leave them empty";
        found.push(why.to_owned());
    }
    found.extend(resource.label_selector.iter().flat_map(LabelSelector::violations));
    for (at, hook) in resource.post_hooks.iter().enumerate() {
        found.extend(hook_violations(hook).into_iter().map(|why| format!("postHooks[{at}]: {why}")));
    }
    found
}

fn hook_violations(hook: &RestoreHook) -> Vec<String> {
    match (&hook.exec, &hook.init) {
        (Some(exec), None) if exec.command.first().is_none_or(String::is_empty) => {
            vec!["it has no command".to_owned()]
        }
        (Some(_), None) => Vec::new(),
        (None, Some(init)) if init.init_containers.is_empty() => vec!["it has no initContainers".to_owned()],
        (None, Some(init)) => init.init_containers.iter().filter_map(container_violation).collect(),
        _ => vec!["give it either exec or init".to_owned()],
    }
}

fn container_violation(container: &Value) -> Option<String> {
    let text = |field: &str| container[field].as_str().filter(|text| !text.is_empty());
    let lacks = |field: &str| match field {
        "command" => container[field].as_array().is_none_or(Vec::is_empty),
        _ => text(field).is_none(),
    };
    let missing: Vec<&str> = ["name", "image", "command"].into_iter().filter(|field| lacks(field)).collect();
    let name = text("name").unwrap_or("?");
    (!missing.is_empty()).then(|| format!("the init container \"{name}\" needs {}", missing.join(", ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn violations(resource: Value) -> Vec<String> {
        let hooks = serde_json::from_value(json!({"resources": [resource]})).expect("the form of hooks");
        restore_hook_violations(&hooks).into_iter().map(|violation| violation.message).collect()
    }

    #[test]
    fn the_json_is_veleros() {
        let json = json!({"resources": [{"name": "db", "includedNamespaces": ["shop"], "postHooks": [
            {"exec": {"container": "db", "command": ["warm-up"], "onError": "Continue", "execTimeout": "1m0s",
                "waitTimeout": "5m0s", "waitForReady": true}},
            {"init": {"initContainers": [{"name": "i", "image": "x", "command": ["y"]}], "timeout": "1m0s"}},
        ]}]});
        let hooks: RestoreHooks = serde_json::from_value(json).expect("Velero's names");
        assert_eq!(restore_hook_violations(&hooks), []);
        let exec = hooks.resources[0].post_hooks[0].exec.as_ref().expect("a command");
        assert_eq!((exec.on_error, exec.exec_timeout.duration().as_secs()), (OnError::Continue, 60));
        let again = serde_json::to_value(&hooks).expect("it is plain data");
        assert_eq!(serde_json::from_value::<RestoreHooks>(again).expect("its own JSON"), hooks);
    }

    #[test]
    fn hooks_that_could_never_run_are_refused() {
        let exec = || json!([{"exec": {"command": ["a"]}}]);
        for (resource, words) in [
            (json!({"name": "", "postHooks": exec()}), "needs a name"),
            (json!({"name": "x", "postHooks": []}), "no postHooks"),
            (json!({"name": "x", "includedResources": ["secrets"], "postHooks": exec()}), "in pods only"),
            (json!({"name": "x", "labelSelector": {"matchLabels": {"a b": "c"}}, "postHooks": exec()}), "label key"),
            (json!({"name": "x", "postHooks": [{"exec": {"command": []}}]}), "postHooks[0]: it has no command"),
            (json!({"name": "x", "postHooks": [{}]}), "either exec or init"),
            (json!({"name": "x", "postHooks": [{"init": {}}]}), "no initContainers"),
            (
                json!({"name": "x", "postHooks": [{"init": {"initContainers": [{"name": "i"}]}}]}),
                "\"i\" needs image, command",
            ),
        ] {
            let found = violations(resource.clone());
            assert!(found.len() == 1 && found[0].contains(words), "{resource}: {found:?}");
        }
    }
}
