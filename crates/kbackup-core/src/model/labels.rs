//! Label selectors.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A label selector: every requirement must hold.
///
/// The serde form is Kubernetes' `{matchLabels, matchExpressions}`; the text form is kubectl's
/// (`app=web,tier!=cache,env in (a,b),!legacy`). The empty selector selects everything.
/// Rules: <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors>.
///
/// ```
/// use kbackup_core::model::LabelSelector;
///
/// let selector: LabelSelector = "app=web,tier notin (cache, queue)".parse()?;
/// let labels = [("app".to_owned(), "web".to_owned())].into();
/// assert!(selector.matches(&labels));
/// assert_eq!(selector.to_string(), "app=web,tier notin (cache,queue)");
/// # Ok::<(), kbackup_core::model::SelectorError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LabelSelector {
    /// Labels that must have exactly these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Further requirements.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<Requirement>,
}

/// One requirement of a [`LabelSelector`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// What is asked of its value.
    pub operator: Operator,
    /// The values of `In` and `NotIn`; empty for the other two.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// What a [`Requirement`] asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Operator {
    /// The label is there and its value is in the list.
    In,
    /// The label is missing, or its value is not in the list.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is missing.
    DoesNotExist,
}

/// Text that is not a label selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not a label selector: {why}")]
pub struct SelectorError {
    text: String,
    why: String,
}

impl LabelSelector {
    /// The selector of one label with one value.
    #[must_use]
    pub fn label(key: &str, value: &str) -> Self {
        Self { match_labels: [(key.to_owned(), value.to_owned())].into(), ..Self::default() }
    }

    /// Whether nothing is required.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.match_labels.is_empty() && self.match_expressions.is_empty()
    }

    /// Whether these labels meet every requirement.
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.match_expressions.iter().all(|requirement| requirement.matches(labels))
    }

    /// What is wrong with it, if anything: a key or value that no label can have, or a list that the operator can't take.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        let labels = self
            .match_labels
            .iter()
            .flat_map(|(key, value)| key_violation(key).into_iter().chain(value_violation(value)));
        labels.chain(self.match_expressions.iter().flat_map(Requirement::violations)).collect()
    }
}

impl Requirement {
    fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let value = labels.get(&self.key);
        match self.operator {
            Operator::In => value.is_some_and(|value| self.values.contains(value)),
            Operator::NotIn => value.is_none_or(|value| !self.values.contains(value)),
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }

    fn violations(&self) -> Vec<String> {
        let list = match (self.operator, self.values.is_empty()) {
            (Operator::In | Operator::NotIn, true) => Some(format!("\"{}\" needs at least one value", self.key)),
            (Operator::Exists | Operator::DoesNotExist, false) => Some(format!("\"{}\" takes no values", self.key)),
            _ => None,
        };
        let values = self.values.iter().filter_map(|value| value_violation(value));
        key_violation(&self.key).into_iter().chain(list).chain(values).collect()
    }
}

fn is_word(text: &str) -> bool {
    let edge = |c: char| c.is_ascii_alphanumeric();
    text.len() <= 63
        && text.starts_with(edge)
        && text.ends_with(edge)
        && text.chars().all(|c| edge(c) || matches!(c, '-' | '_' | '.'))
}

fn key_violation(key: &str) -> Option<String> {
    let (prefix, name) = key.rsplit_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let good_prefix = prefix.is_none_or(|prefix| prefix.parse::<super::BackupName>().is_ok());
    (!good_prefix || !is_word(name)).then(|| {
        format!("\"{key}\" is not a label key (an optional DNS prefix and \"/\", then at most 63 letters, digits, \"-\", \"_\" and \".\")")
    })
}

fn value_violation(value: &str) -> Option<String> {
    (!value.is_empty() && !is_word(value)).then(|| {
        format!("\"{value}\" is not a label value (at most 63 letters, digits, \"-\", \"_\" and \".\", starting and ending with a letter or a digit)")
    })
}

impl fmt::Display for LabelSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = self.match_labels.iter().map(|(key, value)| format!("{key}={value}"));
        let expressions = self.match_expressions.iter().map(Requirement::to_string);
        f.write_str(&labels.chain(expressions).collect::<Vec<_>>().join(","))
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, values) = (&self.key, self.values.join(","));
        match self.operator {
            Operator::In => write!(f, "{key} in ({values})"),
            Operator::NotIn => write!(f, "{key} notin ({values})"),
            Operator::Exists => f.write_str(key),
            Operator::DoesNotExist => write!(f, "!{key}"),
        }
    }
}

impl FromStr for LabelSelector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |why: String| SelectorError { text: text.to_owned(), why };
        let mut selector = Self::default();
        for part in split_outside_parentheses(text) {
            let part = part.trim();
            if part.is_empty() {
                return Err(error("there is an empty requirement between two commas".to_owned()));
            }
            match parse_part(part).map_err(error)? {
                Parsed::Equal(key, value) => match selector.match_labels.get(&key) {
                    Some(other) if *other != value => {
                        return Err(error(format!("\"{key}\" cannot be both \"{other}\" and \"{value}\"")));
                    }
                    _ => _ = selector.match_labels.insert(key, value),
                },
                Parsed::Other(requirement) => selector.match_expressions.push(requirement),
            }
        }
        match selector.violations().into_iter().next() {
            Some(why) => Err(error(why)),
            None => Ok(selector),
        }
    }
}

enum Parsed {
    Equal(String, String),
    Other(Requirement),
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    let mut depth = 0_usize;
    text.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .collect()
}

fn parse_part(part: &str) -> Result<Parsed, String> {
    let other =
        |key: &str, operator, values| Parsed::Other(Requirement { key: key.trim().to_owned(), operator, values });
    if let Some(key) = part.strip_prefix('!') {
        return Ok(other(key, Operator::DoesNotExist, Vec::new()));
    }
    if let Some(open) = part.find('(') {
        let list = part[open + 1..].strip_suffix(')').ok_or("a list of values must end with \")\"")?;
        let values: Vec<String> = list.split(',').map(|value| value.trim().to_owned()).collect();
        let mut words = part[..open].split_whitespace();
        return match (words.next(), words.next(), words.next()) {
            (Some(key), Some("in"), None) => Ok(other(key, Operator::In, values)),
            (Some(key), Some("notin"), None) => Ok(other(key, Operator::NotIn, values)),
            _ => Err("before a list of values, \"key in\" or \"key notin\" was expected".to_owned()),
        };
    }
    if let Some((key, value)) = part.split_once("!=") {
        return Ok(other(key, Operator::NotIn, vec![value.trim().to_owned()]));
    }
    if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        return Ok(Parsed::Equal(key.trim().to_owned(), value.trim().to_owned()));
    }
    Ok(other(part, Operator::Exists, Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(selector: &str, labels: &[(&str, &str)], expect: bool) {
        let labels = labels.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let parsed: LabelSelector = selector.parse().expect(selector);
        assert_eq!(parsed.matches(&labels), expect, "{selector} on {labels:?}");
        let again: LabelSelector = parsed.to_string().parse().expect("its text form parses");
        assert_eq!(again, parsed, "{selector}");
    }

    #[test]
    fn selectors_select_as_kubectl_does() {
        check("", &[], true);
        check("app=web", &[("app", "web")], true);
        check("app==web", &[("app", "db")], false);
        check("app!=web", &[], true);
        check("app!=web", &[("app", "web")], false);
        check("app", &[("app", "")], true);
        check("!app", &[("app", "x")], false);
        check("env in (a, b)", &[("env", "b")], true);
        check("env in (a,b)", &[], false);
        check("env notin (a,b)", &[], true);
        check("a=1,b=2", &[("a", "1")], false);
        check("example.com/part-of=shop", &[("example.com/part-of", "shop")], true);
        check("a=", &[("a", "")], true);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [",", "a=1,", "a in b", "a in (b", "a=1,a=2", "=x", "a b=c", "x/y/z=1", "a=b c", "in (a)"] {
            assert!(text.parse::<LabelSelector>().is_err(), "{text:?}");
        }
    }
}
