//! Lists of types: from a user's words to the types that they name.

use std::collections::BTreeSet;

use super::names::takes_every_name;
use crate::model::Glob;

/// Gives the types that a plain word names, by `plural.group`.
pub(super) type Find<'a> = dyn Fn(&str) -> Vec<String> + 'a;

/// Which types a spec chooses, by `plural.group`.
#[derive(Debug, Clone)]
pub(super) struct TypeChoice {
    pub(super) included: Words,
    pub(super) excluded: Words,
    everything: bool,
}

/// What a list of words came to.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    /// The types that a plain word names.
    named: BTreeSet<String>,
    /// The types that a glob fits.
    fitted: BTreeSet<String>,
    /// Plain words that name nothing.
    pub(super) unknown: Vec<String>,
    /// Globs that fit nothing.
    pub(super) idle: Vec<String>,
}

/// What a spec says of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chosen {
    /// It is in the include list, by its name.
    Named,
    /// A glob of the include list fits it.
    Fitted,
    /// There is no include list.
    Taken,
    /// There is an include list without it.
    NotIncluded,
    /// It is in the exclude list.
    Excluded,
}

impl TypeChoice {
    /// Resolves the lists of a spec; `find` gives the types that a plain word names, `all` is what a glob may fit.
    pub(super) fn resolve(lists: (&[String], &[String]), find: &Find<'_>, all: &BTreeSet<String>) -> Self {
        let (included, excluded) = lists;
        let everything = takes_every_name(included);
        let included = if everything { Words::default() } else { Words::resolve(included, find, all) };
        Self { included, excluded: Words::resolve(excluded, find, all), everything }
    }

    /// What the spec says of the type.
    pub(super) fn of(&self, group_resource: &str) -> Chosen {
        if self.excluded.has(group_resource) {
            Chosen::Excluded
        } else if self.everything {
            Chosen::Taken
        } else if self.included.named.contains(group_resource) {
            Chosen::Named
        } else if self.included.fitted.contains(group_resource) {
            Chosen::Fitted
        } else {
            Chosen::NotIncluded
        }
    }

    /// Whether there is no include list.
    pub(super) fn includes_everything(&self) -> bool {
        self.everything
    }
}

impl Words {
    pub(super) fn resolve(words: &[String], find: &Find<'_>, all: &BTreeSet<String>) -> Self {
        let mut resolved = Self::default();
        for word in words {
            if Glob::is_pattern(word) {
                let glob = Glob::new(&word.to_ascii_lowercase());
                let fitted: Vec<&String> = all.iter().filter(|name| glob.matches(name)).collect();
                if fitted.is_empty() {
                    resolved.idle.push(word.clone());
                }
                resolved.fitted.extend(fitted.into_iter().cloned());
            } else {
                let found = find(word);
                if found.is_empty() {
                    resolved.unknown.push(word.clone());
                }
                resolved.named.extend(found);
            }
        }
        resolved
    }

    /// Whether a plain word names the type.
    pub(super) fn names(&self, group_resource: &str) -> bool {
        self.named.contains(group_resource)
    }

    /// The types that plain words name.
    pub(super) fn named(&self) -> impl Iterator<Item = &String> {
        self.named.iter()
    }

    /// The types that plain words name or globs fit.
    pub(super) fn all(&self) -> impl Iterator<Item = &String> {
        self.named.iter().chain(&self.fitted)
    }

    fn has(&self, group_resource: &str) -> bool {
        self.named.contains(group_resource) || self.fitted.contains(group_resource)
    }
}
