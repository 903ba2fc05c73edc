//! Commands that run in containers around the volumes of a backup, as a user asks for them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::Violation;
use crate::model::LabelSelector;

/// Hooks for the pods of a backup. A pod that has hooks in its annotations has these instead, phase by phase.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BackupHooks {
    /// The hooks, each for the pods that it fits; a pod that several fit has the hooks of all, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<HookResource>,
}

/// Hooks for the pods that all of its filters fit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HookResource {
    /// What messages call it.
    pub name: String,
    /// Namespaces of the pods, by name or glob. None: all.
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
    /// What runs before the pod's volumes are taken care of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pre: Vec<ResourceHook>,
    /// What runs afterwards, whatever became of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post: Vec<ResourceHook>,
}

/// One hook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceHook {
    /// A command in a container.
    pub exec: ExecHook,
}

/// A command in a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExecHook {
    /// The container; not given: the pod's first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// The program and its arguments; no shell.
    pub command: Vec<String>,
    /// What happens when it fails; not given: `Fail`.
    #[serde(default)]
    pub on_error: OnError,
    /// How long it may run; not given: 30 s.
    #[serde(default)]
    pub timeout: HookTimeout,
}

/// What happens when a hook fails. It is an error in the report either way, and nothing is left out of the backup for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub enum OnError {
    /// The next hooks run.
    Continue,
    /// The remaining hooks of the pod's same phase do not run.
    #[default]
    Fail,
}

/// How long a hook may run: at most four hours. Zero and less are the default, 30 s, as in Velero.
///
/// ```
/// use kbackup_core::spec::HookTimeout;
///
/// assert_eq!("1m30s".parse::<HookTimeout>()?.duration().as_secs(), 90);
/// assert_eq!("0s".parse::<HookTimeout>()?, HookTimeout::default());
/// # Ok::<(), kbackup_core::spec::HookTimeoutError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct HookTimeout(Duration);

/// Text that is not the timeout of a hook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a duration (write it like 30s, 1m30s or 2h)")]
pub struct HookTimeoutError(String);

/// The words that a user may have for the type of the pods.
const POD_WORDS: [&str; 5] = ["pods", "pod", "po", "pods.", "*"];

impl HookTimeout {
    /// No hook runs longer.
    pub const MAX: Duration = Duration::from_secs(4 * 3600);

    /// The length.
    #[must_use]
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl Default for HookTimeout {
    fn default() -> Self {
        Self(Duration::from_secs(30))
    }
}

impl FromStr for HookTimeout {
    type Err = HookTimeoutError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trimmed = text.trim();
        // Go reads a bare zero, and no other number, without a unit.
        let length = match trimmed {
            "0" => Ok(SignedDuration::ZERO),
            _ => trimmed.parse::<SignedDuration>().map_err(|_| HookTimeoutError(text.to_owned())),
        }?;
        match Duration::try_from(length) {
            Ok(length) if !length.is_zero() => Ok(Self(length.min(Self::MAX))),
            _ => Ok(Self::default()),
        }
    }
}

impl fmt::Display for HookTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = SignedDuration::try_from(self.0).unwrap_or(SignedDuration::MAX);
        write!(f, "{length:#}")
    }
}

impl TryFrom<String> for HookTimeout {
    type Error = HookTimeoutError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<HookTimeout> for String {
    fn from(timeout: HookTimeout) -> Self {
        timeout.to_string()
    }
}

impl FromStr for OnError {
    type Err = String;

    /// Reads `Fail` and `Continue`, in any case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            word if word.eq_ignore_ascii_case("fail") => Ok(Self::Fail),
            word if word.eq_ignore_ascii_case("continue") => Ok(Self::Continue),
            other => Err(format!("\"{other}\" is neither \"Fail\" nor \"Continue\"")),
        }
    }
}

impl HookResource {
    /// Whether it is for pods at all.
    #[must_use]
    pub fn is_for_pods(&self) -> bool {
        let named = |list: &[String]| list.iter().any(|word| POD_WORDS.contains(&word.to_ascii_lowercase().as_str()));
        (self.included_resources.is_empty() || named(&self.included_resources)) && !named(&self.excluded_resources)
    }
}

/// All that is wrong with the hooks of a spec.
pub(super) fn hook_violations(hooks: &BackupHooks) -> Vec<Violation> {
    hooks.resources.iter().enumerate().flat_map(|(at, resource)| resource_violations(at, resource)).collect()
}

fn resource_violations(at: usize, resource: &HookResource) -> Vec<Violation> {
    let place = match resource.name.as_str() {
        "" => format!("hooks.resources[{at}]"),
        name => format!("hooks.resources[{at}] \"{name}\""),
    };
    let violation = |message: String| Violation::new("hooks", format!("{place}: {message}"));
    let mut found = Vec::new();
    if resource.name.trim().is_empty() {
        found.push(violation("it needs a name".to_owned()));
    }
    if resource.pre.is_empty() && resource.post.is_empty() {
        found.push(violation("it has neither pre nor post hooks".to_owned()));
    }
    if !resource.is_for_pods() {
        let message = "hooks run in pods only, and its resources leave these out; add \"pods\" or leave them empty";
        found.push(violation(message.to_owned()));
    }
    for (phase, hooks) in [("pre", &resource.pre), ("post", &resource.post)] {
        let empty = hooks.iter().filter(|hook| hook.exec.command.first().is_none_or(String::is_empty));
        found.extend(empty.map(|_| violation(format!("a {phase} hook has no command"))));
    }
    let selector = resource.label_selector.iter().flat_map(LabelSelector::violations);
    found.extend(selector.map(violation));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_read_as_go_reads_them_and_are_bounded() {
        for (text, millis) in [
            ("30s", 30_000),
            ("1m30s", 90_000),
            ("500ms", 500),
            ("1.5h", 5_400_000),
            ("0", 30_000),
            ("0s", 30_000),
            ("-5s", 30_000),
            ("4h", 14_400_000),
            ("30h", 14_400_000),
            (" 2m ", 120_000),
        ] {
            let timeout: HookTimeout = text.parse().expect(text);
            assert_eq!(timeout.duration().as_millis(), millis, "{text}");
            assert_eq!(timeout.to_string().parse(), Ok(timeout), "{text} as {timeout}");
        }
        for text in ["", "30", "s", "soon", "1x", "1h2"] {
            assert_eq!(text.parse::<HookTimeout>(), Err(HookTimeoutError(text.to_owned())));
        }
    }

    fn violations(change: impl FnOnce(&mut HookResource)) -> Vec<String> {
        let exec = ExecHook {
            container: None,
            command: vec!["sync".to_owned()],
            on_error: OnError::Fail,
            timeout: HookTimeout::default(),
        };
        let mut resource =
            HookResource { name: "db".to_owned(), pre: vec![ResourceHook { exec }], ..HookResource::default() };
        change(&mut resource);
        let hooks = BackupHooks { resources: vec![resource] };
        hook_violations(&hooks).into_iter().map(|violation| violation.message).collect()
    }

    #[test]
    fn hooks_that_could_never_run_are_refused() {
        let check = |change: fn(&mut HookResource), expect: &str| {
            let found = violations(change);
            assert_eq!(found.len(), 1, "{expect}: {found:?}");
            assert!(found[0].starts_with("hooks.resources[0]") && found[0].contains(expect), "{found:?}");
        };
        assert_eq!(violations(|_| {}), Vec::<String>::new());
        assert_eq!(
            violations(|hook| hook.included_resources = vec!["Pods".into(), "pvc".into()]),
            Vec::<String>::new()
        );
        check(|hook| hook.name.clear(), "needs a name");
        check(|hook| hook.pre.clear(), "neither pre nor post");
        check(|hook| hook.included_resources = vec!["deployments".into()], "pods only");
        check(|hook| hook.excluded_resources = vec!["po".into()], "pods only");
        check(|hook| hook.pre[0].exec.command.clear(), "no command");
        check(|hook| hook.label_selector = Some(LabelSelector::label("a b", "x")), "not a label key");
    }

    #[test]
    fn the_json_is_veleros() {
        let json = serde_json::json!({"resources": [{"name": "db", "includedNamespaces": ["shop"],
            "labelSelector": {"matchLabels": {"app": "db"}},
            "pre": [{"exec": {"container": "db", "command": ["fsfreeze"], "onError": "Continue", "timeout": "1m0s"}}],
            "post": [{"exec": {"command": ["thaw"]}}]}]});
        let hooks: BackupHooks = serde_json::from_value(json).expect("Velero's names");
        let (pre, post) = (&hooks.resources[0].pre[0].exec, &hooks.resources[0].post[0].exec);
        assert_eq!((pre.on_error, pre.timeout.duration().as_secs()), (OnError::Continue, 60));
        assert_eq!((post.on_error, post.timeout.duration().as_secs()), (OnError::Fail, 30));
        let again = serde_json::to_value(&hooks).expect("it is plain data");
        assert_eq!(serde_json::from_value::<BackupHooks>(again).expect("its own JSON"), hooks);
        let typo = serde_json::json!({"resources": [{"name": "x", "labelSelectors": {}}]});
        assert!(serde_json::from_value::<BackupHooks>(typo).is_err());
    }
}
