//! The rules, as they are written.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::LabelSelector;

/// Rules that change objects of a backup on their way into a cluster.
///
/// ```
/// use kbackup_core::model::Gvr;
/// use kbackup_core::modifier::{ResourceModifiers, Target};
/// use serde_json::json;
///
/// let written: ResourceModifiers = serde_json::from_value(json!({
///     "version": "v1",
///     "resourceModifierRules": [{
///         "conditions": {"groupResource": "deployments.apps", "namespaces": ["shop-*"]},
///         "patches": [{"operation": "replace", "path": "/spec/replicas", "value": "0"}],
///     }],
/// }))?;
/// let modifiers = written.compile().expect("the rules are valid");
/// let mut object = json!({"metadata": {"name": "web"}, "spec": {"replicas": 3}});
/// let target = Target { ty: &Gvr::new("apps", "v1", "deployments"), namespace: Some("shop-eu"), name: "web" };
/// assert!(modifiers.apply(&target, &mut object).is_empty(), "nothing went wrong");
/// assert_eq!(object["spec"]["replicas"], 0);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceModifiers {
    /// The version of the format: always `v1`.
    pub version: String,
    /// The rules, in the order in which they are applied.
    pub resource_modifier_rules: Vec<ResourceModifierRule>,
}

/// One rule: what it is for, and one kind of patches.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceModifierRule {
    /// Which objects it changes. All that is given must hold.
    pub conditions: Conditions,
    /// The operations of one JSON patch (RFC 6902).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<JsonOperation>,
    /// JSON merge patches (RFC 7386), one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merge_patches: Vec<PatchData>,
    /// Strategic merge patches, one after the other: built-in types only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strategic_patches: Vec<PatchData>,
}

/// Which objects a rule changes. They are judged before any rule has changed them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Conditions {
    /// Namespaces by their names in the backup, or globs. None: all. Cluster-scoped objects don't mind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// The type: `pods`, `deployments.apps`; or globs on either side of the first dot: `*.apps` is every type of that group,
    /// `*` every type of the core group, `*.*` every type.
    pub group_resource: String,
    /// A regular expression that some part of the name fits (`^` and `$` make it the whole name).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub resource_name_regex: String,
    /// What the labels must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<LabelSelector>,
    /// What fields must be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<MatchRule>,
}

/// A field, and what must stand there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MatchRule {
    /// Where: a JSON pointer (RFC 6901).
    pub path: String,
    /// What, as text: see [`JsonOperation::value`].
    #[serde(default)]
    pub value: String,
}

/// One operation of a JSON patch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JsonOperation {
    /// `add`, `remove`, `replace`, `move`, `copy` or `test`. Where a `test` fails, the whole rule changes nothing.
    pub operation: String,
    /// Where `move` and `copy` take the value from: a JSON pointer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// Where it happens: a JSON pointer (RFC 6901).
    pub path: String,
    /// The value of `add`, `replace` and `test`, as text. `null`, `true`, `false`, numbers, and what begins with `{` or `[`
    /// are JSON; all else is a string, and so is what stands in double quotes (`"\"80\""`).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
}

/// A merge patch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchData {
    /// The patch, as the text of a JSON object. In a file it may be YAML too:
    /// [`ResourceModifiers::with_patches_read_by`].
    pub patch_data: String,
}

impl ResourceModifiers {
    /// The same rules, with every merge patch read by `read` and written as JSON: for whoever reads rules from a file, where
    /// patches are YAML. This crate carries no YAML parser.
    ///
    /// # Errors
    /// Every patch that `read` could not read, with the number of its rule and what `read` said.
    pub fn with_patches_read_by(mut self, read: impl Fn(&str) -> Result<Value, String>) -> Result<Self, Vec<String>> {
        let mut failed = Vec::new();
        for (at, rule) in self.resource_modifier_rules.iter_mut().enumerate() {
            let merge = rule.merge_patches.iter_mut().enumerate().map(|(patch, data)| ("mergePatches", patch, data));
            let strategic = rule.strategic_patches.iter_mut().enumerate();
            for (field, patch, data) in merge.chain(strategic.map(|(patch, data)| ("strategicPatches", patch, data))) {
                match read(&data.patch_data) {
                    Ok(value) => data.patch_data = value.to_string(),
                    Err(why) => failed.push(format!("rule {}: {field}[{patch}].patchData: {why}", at + 1)),
                }
            }
        }
        if failed.is_empty() { Ok(self) } else { Err(failed) }
    }
}
