//! From what was written to rules that can be applied: everything that can be wrong is found here.

use serde_json::{Value, json};

use super::apply::{Change, Modifiers, Rule};
use super::rules::{JsonOperation, PatchData, ResourceModifierRule, ResourceModifiers};
use super::value::read;
use crate::model::{Glob, nearest};
use crate::patch;

/// The only version of the format.
const VERSION: &str = "v1";

const OPERATIONS: [&str; 6] = ["add", "remove", "replace", "move", "copy", "test"];

/// The groups whose types a strategic merge patch can be for: only of those it is known which lists are maps.
const BUILT_IN_GROUPS: &[&str] = &[
    "",
    "admissionregistration.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

impl ResourceModifiers {
    /// Checks the rules and makes them ready to be applied.
    ///
    /// # Errors
    /// With everything that is wrong, each with the number of its rule (the first is 1) and what to do.
    pub fn compile(&self) -> Result<Modifiers, Vec<String>> {
        let mut wrong = Vec::new();
        if self.version != VERSION {
            wrong.push(format!("version \"{}\" is not known: write \"{VERSION}\"", self.version));
        }
        let mut rules = Vec::new();
        for (at, rule) in self.resource_modifier_rules.iter().enumerate() {
            let mut found = Vec::new();
            let compiled = compile(rule, at + 1, &mut found);
            wrong.extend(found.into_iter().map(|why| format!("rule {}: {why}", at + 1)));
            rules.extend(compiled);
        }
        if wrong.is_empty() { Ok(Modifiers { rules }) } else { Err(wrong) }
    }
}

/// One rule; `None` or a rule that must not be used where something was found.
fn compile(rule: &ResourceModifierRule, number: usize, found: &mut Vec<String>) -> Option<Rule> {
    let conditions = &rule.conditions;
    let (plural, group) = group_resource(&conditions.group_resource, found);
    globs(&conditions.namespaces, found);
    let name = regex(&conditions.resource_name_regex, found);
    let selector = conditions.label_selector.iter().flat_map(crate::model::LabelSelector::violations);
    found.extend(selector.map(|why| format!("conditions.labelSelector: {why}")));
    let mut matches = Vec::new();
    for (at, field) in conditions.matches.iter().enumerate() {
        let place = format!("conditions.matches[{at}]");
        check_pointer(&field.path, &format!("{place}.path"), found);
        matches.extend(value(&field.value, &place, found).map(|value| (field.path.clone(), value)));
    }
    Some(Rule {
        number,
        namespaces: conditions.namespaces.iter().map(|pattern| Glob::new(pattern)).collect(),
        plural,
        group,
        name,
        labels: conditions.label_selector.clone().unwrap_or_default(),
        matches,
        change: change(rule, found)?,
    })
}

fn group_resource(text: &str, found: &mut Vec<String>) -> (Glob, Option<Glob>) {
    if text.trim().is_empty() || !Glob::is_balanced(text) {
        let why = "name a type, such as \"deployments.apps\", or write a glob, such as \"*.apps\"";
        found.push(format!("conditions.groupResource \"{text}\" names no type: {why}"));
    }
    match text.split_once('.') {
        // Every type of every group, those of the core group included.
        Some(("*", "*")) => (Glob::new("*"), None),
        Some((plural, group)) => (Glob::new(plural), Some(Glob::new(group))),
        None => (Glob::new(text), Some(Glob::new(""))),
    }
}

fn globs(patterns: &[String], found: &mut Vec<String>) {
    let broken = patterns.iter().filter(|pattern| pattern.trim().is_empty() || !Glob::is_balanced(pattern));
    let why = "a name or a glob (*, ?, [a-z]) was expected";
    found.extend(broken.map(|pattern| format!("conditions.namespaces: \"{pattern}\" fits no namespace: {why}")));
}

fn regex(text: &str, found: &mut Vec<String>) -> Option<regex_lite::Regex> {
    if text.is_empty() {
        return None;
    }
    let compiled = regex_lite::Regex::new(text);
    compiled
        .map_err(|error| {
            found.push(format!("conditions.resourceNameRegex \"{text}\" is not a regular expression: {error}"));
        })
        .ok()
}

fn value(text: &str, place: &str, found: &mut Vec<String>) -> Option<Value> {
    read(text).map_err(|why| found.push(format!("{place}.value: {why}"))).ok()
}

fn check_pointer(path: &str, place: &str, found: &mut Vec<String>) {
    if !path.is_empty() && !path.starts_with('/') {
        found.push(format!("{place} \"{path}\" is not a JSON pointer: begin it with \"/\", as in /spec/replicas"));
    }
}

fn change(rule: &ResourceModifierRule, found: &mut Vec<String>) -> Option<Change> {
    let given = [!rule.patches.is_empty(), !rule.merge_patches.is_empty(), !rule.strategic_patches.is_empty()];
    match given {
        [true, false, false] => Some(Change::Json(operations(&rule.patches, found))),
        [false, true, false] => Some(Change::Merge(patches(&rule.merge_patches, "mergePatches", found))),
        [false, false, true] => {
            check_built_in(&rule.conditions.group_resource, found);
            let patches = patches(&rule.strategic_patches, "strategicPatches", found);
            for (at, change) in patches.iter().enumerate() {
                let tried = patch::strategic(&json!({}), change);
                found.extend(tried.err().map(|error| format!("strategicPatches[{at}]: {error}")));
            }
            Some(Change::Strategic(patches))
        }
        [false, false, false] => {
            found.push("it changes nothing: give it patches, mergePatches or strategicPatches".to_owned());
            None
        }
        _ => {
            let why =
                "only one of patches, mergePatches and strategicPatches is allowed in a rule: make it several rules";
            found.push(why.to_owned());
            None
        }
    }
}

fn check_built_in(group_resource: &str, found: &mut Vec<String>) {
    let group = group_resource.split_once('.').map_or("", |(_, group)| group);
    if !Glob::is_pattern(group) && !BUILT_IN_GROUPS.contains(&group) {
        let why = "strategic merge patches are for the built-in types of Kubernetes: use mergePatches";
        found.push(format!("strategicPatches: \"{group_resource}\" is not built in; {why}"));
    }
}

/// Whether a strategic merge patch can be for the types of a group.
pub(super) fn is_built_in(group: &str) -> bool {
    BUILT_IN_GROUPS.contains(&group)
}

fn patches(written: &[PatchData], field: &str, found: &mut Vec<String>) -> Vec<Value> {
    let mut patches = Vec::new();
    for (at, data) in written.iter().enumerate() {
        match serde_json::from_str(&data.patch_data) {
            Ok(patch @ Value::Object(_)) => patches.push(patch),
            Ok(_) => found.push(format!("{field}[{at}].patchData is not an object: write {{\"field\": ...}}")),
            Err(error) => found.push(format!("{field}[{at}].patchData is not JSON ({error})")),
        }
    }
    patches
}

/// The document of one JSON patch.
fn operations(written: &[JsonOperation], found: &mut Vec<String>) -> Value {
    let mut document = Vec::new();
    for (at, operation) in written.iter().enumerate() {
        let place = format!("patches[{at}]");
        check_pointer(&operation.path, &format!("{place}.path"), found);
        let mut made = json!({"op": operation.operation, "path": operation.path});
        match operation.operation.as_str() {
            "add" | "replace" | "test" => made["value"] = value(&operation.value, &place, found).unwrap_or_default(),
            "move" | "copy" => {
                if operation.from.is_empty() {
                    found.push(format!("{place}: {} needs \"from\", a JSON pointer", operation.operation));
                }
                check_pointer(&operation.from, &format!("{place}.from"), found);
                made["from"] = operation.from.as_str().into();
            }
            "remove" => {}
            other => found.push(unknown_operation(other, &place)),
        }
        document.push(made);
    }
    document.into()
}

fn unknown_operation(operation: &str, place: &str) -> String {
    let near = nearest(operation, OPERATIONS);
    let meant = near.first().map_or_else(String::new, |name| format!("; did you mean \"{name}\"?"));
    format!("{place}: \"{operation}\" is not an operation: {} are{meant}", OPERATIONS.join(", "))
}
