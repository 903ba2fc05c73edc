//! Types of objects, and the names of single ones.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Group, version and kind: how an object names its own type (`apps/v1`, `Deployment`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gvk {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version within the group.
    pub version: String,
    /// The kind, in CamelCase.
    pub kind: String,
}

impl Gvk {
    /// From an `apiVersion` (`v1`, `apps/v1`) and a kind.
    #[must_use]
    pub fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() }
    }
}

/// Group, version and plural: how the API's paths name a type (`apps/v1/deployments`).
///
/// Text form and serde form are `group/version/plural`, and `version/plural` in the core group.
///
/// ```
/// use kbackup_core::model::Gvr;
///
/// assert_eq!(Gvr::new("apps", "v1", "deployments").to_string(), "apps/v1/deployments");
/// assert_eq!("v1/pods".parse::<Gvr>().unwrap(), Gvr::new("", "v1", "pods"));
/// assert_eq!(Gvr::new("apps", "v1", "deployments").group_resource(), "deployments.apps");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Gvr {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version within the group.
    pub version: String,
    /// The plural name, in lower case.
    pub plural: String,
}

/// Text that is not `group/version/plural` or `version/plural`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" does not name a type: \"version/plural\" or \"group/version/plural\" was expected")]
pub struct GvrError(String);

impl Gvr {
    /// The type `plural` of `group/version`.
    #[must_use]
    pub fn new(group: &str, version: &str, plural: &str) -> Self {
        Self { group: group.to_owned(), version: version.to_owned(), plural: plural.to_owned() }
    }

    /// `plural.group`, or `plural` in the core group: the type without its version, as kubectl and Velero write it.
    #[must_use]
    pub fn group_resource(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// The `apiVersion` of this type's objects.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

impl fmt::Display for Gvr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.group.is_empty() {
            write!(f, "{}/", self.group)?;
        }
        write!(f, "{}/{}", self.version, self.plural)
    }
}

impl std::str::FromStr for Gvr {
    type Err = GvrError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('/').collect();
        match parts[..] {
            [version, plural] if !version.is_empty() && !plural.is_empty() => Ok(Self::new("", version, plural)),
            [group, version, plural] if !group.is_empty() && !version.is_empty() && !plural.is_empty() => {
                Ok(Self::new(group, version, plural))
            }
            _ => Err(GvrError(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Gvr {
    type Error = GvrError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Gvr> for String {
    fn from(gvr: Gvr) -> Self {
        gvr.to_string()
    }
}

/// What a type can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "the verbs of the Kubernetes API speak for themselves")]
pub enum Verb {
    Create,
    Delete,
    DeleteCollection,
    Get,
    List,
    Patch,
    Update,
    Watch,
}

impl Verb {
    /// The verb of that name in a discovery document; `None` for one that kbackup has no use for.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "create" => Self::Create,
            "delete" => Self::Delete,
            "deletecollection" => Self::DeleteCollection,
            "get" => Self::Get,
            "list" => Self::List,
            "patch" => Self::Patch,
            "update" => Self::Update,
            "watch" => Self::Watch,
            _ => return None,
        })
    }

    /// The verb's name in a discovery document.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
            Self::Get => "get",
            Self::List => "list",
            Self::Patch => "patch",
            Self::Update => "update",
            Self::Watch => "watch",
        }
    }
}

/// One version of one type that a server serves, as discovery describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceType {
    /// Group, version and plural.
    pub gvr: Gvr,
    /// The kind of its objects, in CamelCase.
    pub kind: String,
    /// The singular name, in lower case.
    pub singular: String,
    /// Short names (`po`, `deploy`).
    pub short_names: Vec<String>,
    /// Categories (`all`).
    pub categories: Vec<String>,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// What can be done with it.
    pub verbs: Vec<Verb>,
    /// Whether it has a `status` subresource: then a create ignores `status`.
    pub has_status: bool,
    /// Whether this is the version that the server prefers for the type.
    pub preferred: bool,
}

impl ResourceType {
    /// Whether the type can be asked to do `verb`.
    #[must_use]
    pub fn can(&self, verb: Verb) -> bool {
        self.verbs.contains(&verb)
    }

    /// How its objects name their type.
    #[must_use]
    pub fn gvk(&self) -> Gvk {
        Gvk { group: self.gvr.group.clone(), version: self.gvr.version.clone(), kind: self.kind.clone() }
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.gvr.group_resource())
    }
}

/// One object in a cluster: type, namespace and name. Its text form is what kubectl takes: `deployments.apps/shop/web`
/// with the namespace in the middle where there is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ObjectRef {
    /// Its type.
    #[serde(rename = "type")]
    pub gvr: Gvr,
    /// Its namespace; `None` for an object of the cluster.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl ObjectRef {
    /// The object `name` of type `gvr` in `namespace`.
    #[must_use]
    pub fn namespaced(gvr: Gvr, namespace: &str, name: &str) -> Self {
        Self { gvr, namespace: Some(namespace.to_owned()), name: name.to_owned() }
    }

    /// The cluster-scoped object `name` of type `gvr`.
    #[must_use]
    pub fn cluster(gvr: Gvr, name: &str) -> Self {
        Self { gvr, namespace: None, name: name.to_owned() }
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.gvr.group_resource())?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.name)
    }
}
