//! Lists of namespaces: names and globs, included and excluded.

use std::collections::HashMap;

use super::rules::Reason;
use crate::issue::{Code, Issue, Stage};
use crate::model::{Glob, nearest};

/// Which namespaces are chosen. Exclude wins; a namespace that is marked to be left out is never chosen.
#[derive(Debug, Clone)]
pub(super) struct NamespaceRules {
    included: Vec<Glob>,
    excluded: Vec<Glob>,
    marked: Vec<String>,
    /// The answers for the namespaces that exist: this is asked once an object.
    known: HashMap<String, Result<(), Reason>>,
}

impl NamespaceRules {
    /// From the lists of a spec, the namespaces that exist, and those of them that are marked to be left out.
    pub(super) fn new(lists: (&[String], &[String]), existing: &[&str], marked: Vec<String>) -> Self {
        let (included, excluded) = lists;
        let globs = |list: &[String]| list.iter().map(|pattern| Glob::new(pattern)).collect();
        let included = if takes_every_name(included) { Vec::new() } else { globs(included) };
        let mut rules = Self { included, excluded: globs(excluded), marked, known: HashMap::new() };
        rules.known = existing.iter().map(|name| ((*name).to_owned(), rules.decide(name))).collect();
        rules
    }

    /// Whether the namespace is chosen, and why not.
    pub(super) fn choose(&self, name: &str) -> Result<(), Reason> {
        // One that came after the others were read has no answer yet.
        self.known.get(name).copied().unwrap_or_else(|| self.decide(name))
    }

    /// Whether the include list is empty or `*`.
    pub(super) fn includes_every_name(&self) -> bool {
        self.included.is_empty()
    }

    fn decide(&self, name: &str) -> Result<(), Reason> {
        let fits = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(name));
        if fits(&self.excluded) {
            return Err(Reason::NamespaceExcluded);
        }
        if !self.included.is_empty() && !fits(&self.included) {
            return Err(Reason::NamespaceNotIncluded);
        }
        if self.marked.iter().any(|marked| marked == name) {
            return Err(Reason::NamespaceLabel);
        }
        Ok(())
    }
}

/// An issue for every entry of an include list that fits nothing: an error for a name, since it was asked for; a warning
/// for a glob, since it may fit nothing today.
pub(super) fn unmatched(included: &[String], existing: &[&str], stage: Stage, place: &str) -> Vec<Issue> {
    let idle = |pattern: &&String| {
        let glob = Glob::new(pattern);
        *pattern != "*" && !existing.iter().any(|name| glob.matches(name))
    };
    let issue = |pattern: &String| {
        if Glob::is_pattern(pattern) {
            let message = format!("no namespace of the {place} fits \"{pattern}\": nothing is taken for it");
            return Issue::warning(stage, Code::NotFound, message);
        }
        let near = did_you_mean(&nearest(pattern, existing.iter().copied()));
        Issue::error(stage, Code::NotFound, format!("there is no namespace \"{pattern}\" in the {place}{near}"))
    };
    included.iter().filter(idle).map(issue).collect()
}

/// Whether an include list takes everything.
pub(super) fn takes_every_name(included: &[String]) -> bool {
    included.is_empty() || included == ["*"]
}

/// `; did you mean "a" or "b"?`, or nothing.
pub(super) fn did_you_mean(names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    format!("; did you mean {}?", quoted.join(" or "))
}
