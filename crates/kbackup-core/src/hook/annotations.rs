//! A hook as the annotations of an object ask for it.

use std::collections::BTreeMap;

use super::parse_command;
use crate::spec::{HookTimeout, OnError};

/// The annotations of one hook: those of one prefix, field by field.
///
/// ```
/// use kbackup_core::hook::HookAnnotations;
///
/// let annotations = [("post.hook.restore.velero.io/command".to_owned(), "warm-up".to_owned())].into();
/// let prefixes = ["post.hook.restore.kbackup.dev", "post.hook.restore.velero.io"];
/// let hook = HookAnnotations::find(&annotations, &prefixes, "command").expect("there is one");
/// assert_eq!(hook.command(), Ok(vec!["warm-up".to_owned()]));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookAnnotations<'a> {
    annotations: &'a BTreeMap<String, String>,
    prefix: &'a str,
}

impl<'a> HookAnnotations<'a> {
    /// The annotations of the first prefix whose `field` is there and not empty: without it, it is no hook.
    #[must_use]
    pub fn find(annotations: &'a BTreeMap<String, String>, prefixes: &[&'a str], field: &str) -> Option<Self> {
        let of = |prefix: &&'a str| Self { annotations, prefix };
        prefixes.iter().map(of).find(|hook| hook.get(field).is_some())
    }

    /// What the annotations begin with, before the slash.
    #[must_use]
    pub fn prefix(&self) -> &'a str {
        self.prefix
    }

    /// The value of a field (`container` for `<prefix>/container`); `None` where it is missing or empty.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&'a str> {
        let value = self.annotations.get(&format!("{}/{field}", self.prefix))?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// The program and its arguments, of `command`.
    ///
    /// # Errors
    /// In words, with the name of the annotation.
    pub fn command(&self) -> Result<Vec<String>, String> {
        parse_command(self.get("command").unwrap_or_default()).map_err(|why| self.wrong("command", &why))
    }

    /// What happens when the hook fails, of `on-error`; not given: `Fail`.
    ///
    /// # Errors
    /// In words, with the name of the annotation.
    pub fn on_error(&self) -> Result<OnError, String> {
        let Some(text) = self.get("on-error") else { return Ok(OnError::default()) };
        text.parse().map_err(|why: String| self.wrong("on-error", &why))
    }

    /// A duration, of a field of any name; not given: 30 s.
    ///
    /// # Errors
    /// In words, with the name of the annotation.
    pub fn timeout(&self, field: &str) -> Result<HookTimeout, String> {
        let Some(text) = self.get(field) else { return Ok(HookTimeout::default()) };
        text.parse().map_err(|why: crate::spec::HookTimeoutError| self.wrong(field, &why.to_string()))
    }

    fn wrong(&self, field: &str, why: &str) -> String {
        format!("annotation {}/{field}: {why}", self.prefix)
    }
}
