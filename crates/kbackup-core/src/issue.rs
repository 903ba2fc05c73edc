//! What went wrong with one object, and what that makes of a run.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::ObjectRef;

/// Something that went wrong, or is worth knowing, about one object or one type. A run goes on after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Issue {
    /// How bad it is: only an error changes the outcome.
    pub severity: Severity,
    /// During which stage of the run it came up.
    pub stage: Stage,
    /// What it is, for programs.
    pub code: Code,
    /// The object it is about, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectRef>,
    /// What happened and why, for people, in one line.
    pub message: String,
}

/// How bad an [`Issue`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Something was left out or changed on purpose; whoever reads the report should know.
    Warning,
    /// Something that was asked for was not done: the run is partially failed.
    Error,
}

/// The stage of a run in which an [`Issue`] came up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "a stage is described where it runs")]
pub enum Stage {
    Discover,
    Select,
    List,
    Hook,
    Action,
    Volume,
    Upload,
    Fetch,
    Plan,
    Transform,
    Apply,
    Wait,
}

/// What an [`Issue`] is, for programs: stable across releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Code {
    /// An API group could not be discovered: its types are not in the backup.
    BrokenApiGroup,
    /// Something that the request names does not exist in the cluster.
    NotFound,
    /// The server refused for lack of permission.
    Forbidden,
    /// A type could not be listed, or not to its end.
    ListFailed,
    /// A type was read at another revision than the rest.
    OtherRevision,
    /// An object exists in the target and differs from the backup; it was left as it is.
    ExistsAndDiffers,
    /// An object of the cluster has that name already and belongs to other namespaces than the restored ones; it was left
    /// as it is.
    NameTaken,
    /// A field that can't be changed differs.
    Immutable,
    /// The target does not serve the object's type.
    TypeNotServed,
    /// The server did not accept the object.
    Rejected,
    /// What an object needs of others could not be told.
    ActionFailed,
    /// A transform could not be applied.
    TransformFailed,
    /// An owner of the object is not restored: the reference was dropped.
    OwnerMissing,
    /// A value that was asked for is taken in the target; another was chosen.
    Reassigned,
    /// A hook of a pod can't be run as it is asked for.
    HookInvalid,
    /// A command of a hook failed, took too long or could not be begun.
    HookFailed,
    /// Volumes were to be snapshotted or copied, and nobody who could do it was set up.
    NoProvider,
    /// A disk could not be made of a snapshot.
    SnapshotFailed,
    /// The data of a volume is not in the backup: what is restored in its place is empty.
    VolumeEmpty,
    /// A volume was left out, although something asks for a copy of it.
    VolumeLeftOut,
    /// A wait ended before its condition held.
    WaitTimedOut,
    /// A reference to something outside of the restore was left as it is.
    DanglingReference,
    /// The server could not be asked to check something.
    Unchecked,
    /// A part of the backup is damaged.
    Damaged,
    /// What another tool noted while it made the backup.
    Recorded,
    /// Anything that failed for a reason outside of the request: network, server.
    Unavailable,
}

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// All that was asked for was done.
    Completed,
    /// The run went to its end, and something that was asked for was not done.
    PartiallyFailed,
    /// The run could not go to its end.
    Failed,
}

impl Outcome {
    /// The outcome of a run that went to its end with these issues: warnings do not change it.
    #[must_use]
    pub fn of<'a>(issues: impl IntoIterator<Item = &'a Issue>) -> Self {
        let failed = issues.into_iter().any(|issue| issue.severity == Severity::Error);
        if failed { Self::PartiallyFailed } else { Self::Completed }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Completed => "completed",
            Self::PartiallyFailed => "partiallyFailed",
            Self::Failed => "failed",
        })
    }
}

impl Issue {
    /// An error in `stage`.
    #[must_use]
    pub fn error(stage: Stage, code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, stage, code, object: None, message: message.into() }
    }

    /// A warning in `stage`.
    #[must_use]
    pub fn warning(stage: Stage, code: Code, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(stage, code, message) }
    }

    /// The same issue, about `object`.
    #[must_use]
    pub fn about(self, object: ObjectRef) -> Self {
        Self { object: Some(object), ..self }
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}: ")?;
        if let Some(object) = &self.object {
            write!(f, "{object}: ")?;
        }
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Gvr;

    #[test]
    fn only_errors_change_the_outcome() {
        let warning = Issue::warning(Stage::List, Code::OtherRevision, "w");
        let error = Issue::error(Stage::Upload, Code::Unavailable, "e");
        for (issues, expect) in [
            (vec![], Outcome::Completed),
            (vec![&warning], Outcome::Completed),
            (vec![&error], Outcome::PartiallyFailed),
            (vec![&warning, &error, &warning], Outcome::PartiallyFailed),
        ] {
            assert_eq!(Outcome::of(issues.iter().copied()), expect, "{issues:?}");
        }
    }

    #[test]
    fn an_issue_is_told_and_stored() {
        let deployment = ObjectRef::namespaced(Gvr::new("apps", "v1", "deployments"), "shop", "web");
        let issue = Issue::error(Stage::Apply, Code::Rejected, "it has no image").about(deployment);
        assert_eq!(issue.to_string(), "error: deployments.apps/shop/web: it has no image");
        let json = serde_json::to_value(&issue).expect("it is plain data");
        assert_eq!(json["code"], "rejected");
        assert_eq!(serde_json::from_value::<Issue>(json).expect("its own JSON"), issue);
        assert_eq!(Issue::warning(Stage::List, Code::Forbidden, "no").to_string(), "warning: no");
    }
}
