//! What rules make of an object.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::Value;

use super::compile::is_built_in;
use crate::model::{Glob, Gvr, LabelSelector};
use crate::patch::{self, PatchError};

/// Rules that were checked. See [`ResourceModifiers`](super::ResourceModifiers).
#[derive(Debug, Clone)]
pub struct Modifiers {
    pub(super) rules: Vec<Rule>,
}

/// The object that rules are applied to, by its names in the backup.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Its type.
    pub ty: &'a Gvr,
    /// Its namespace, where it is in one.
    pub namespace: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
}

/// One rule.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// The first is 1.
    pub(super) number: usize,
    pub(super) namespaces: Vec<Glob>,
    pub(super) plural: Glob,
    /// `None`: of every group.
    pub(super) group: Option<Glob>,
    pub(super) name: Option<Regex>,
    pub(super) labels: LabelSelector,
    pub(super) matches: Vec<(String, Value)>,
    pub(super) change: Change,
}

/// What a rule does.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Json(Value),
    Merge(Vec<Value>),
    Strategic(Vec<Value>),
}

/// What names an object: a rule that changed it would restore another object than the plan says.
const IDENTITY: [&str; 4] = ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"];

impl Modifiers {
    /// Applies the rules that fit the object, one after the other. Which fit is decided before any is applied.
    ///
    /// Returns what went wrong: a rule that can't be applied changes nothing, and the others are applied all the same. The
    /// messages hold no data of the object.
    pub fn apply(&self, target: &Target<'_>, object: &mut Value) -> Vec<String> {
        let fitting: Vec<&Rule> = self.rules.iter().filter(|rule| rule.fits(target, object)).collect();
        let mut failed = Vec::new();
        for rule in fitting {
            match rule.changed(target, object) {
                Ok(changed) => *object = changed,
                Err(why) => failed.push(format!("rule {} could not be applied: {why}", rule.number)),
            }
        }
        failed
    }
}

impl Rule {
    fn fits(&self, target: &Target<'_>, object: &Value) -> bool {
        self.fits_place(target)
            && (self.labels.is_empty() || self.labels.matches(&labels(object)))
            && self.matches.iter().all(|(path, value)| object.pointer(path) == Some(value))
    }

    fn fits_place(&self, target: &Target<'_>) -> bool {
        let namespace =
            |name: &str| self.namespaces.is_empty() || self.namespaces.iter().any(|glob| glob.matches(name));
        self.plural.matches(&target.ty.plural)
            && self.group.as_ref().is_none_or(|group| group.matches(&target.ty.group))
            && target.namespace.is_none_or(namespace)
            && self.name.as_ref().is_none_or(|name| name.is_match(target.name))
    }

    fn changed(&self, target: &Target<'_>, object: &Value) -> Result<Value, String> {
        let changed = match &self.change {
            Change::Json(operations) => match patch::json(object, operations) {
                Err(PatchError::TestFailed) => return Ok(object.clone()),
                patched => patched.map_err(|error| error.to_string())?,
            },
            Change::Merge(patches) => {
                patches.iter().fold(object.clone(), |object, change| patch::merge(&object, change))
            }
            Change::Strategic(_) if !is_built_in(&target.ty.group) => {
                return Err(format!("{} is not a built-in type: use mergePatches", target.ty.group_resource()));
            }
            Change::Strategic(patches) => patches
                .iter()
                .try_fold(object.clone(), |object, change| patch::strategic(&object, change))
                .map_err(|error| error.to_string())?,
        };
        match IDENTITY.iter().find(|field| changed.pointer(field) != object.pointer(field)) {
            Some(field) => {
                Err(format!("it changes {field}, which names the object (namespaces are renamed by a mapping)"))
            }
            None => Ok(changed),
        }
    }
}

fn labels(object: &Value) -> BTreeMap<String, String> {
    let labels = object.pointer("/metadata/labels").and_then(Value::as_object).into_iter().flatten();
    labels.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}
