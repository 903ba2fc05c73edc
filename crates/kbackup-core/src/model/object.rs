//! One object of the cluster: its JSON as the API server gave it, and the few fields that everybody asks for.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::depth::is_deeper_than;
use super::{Gvk, Gvr, ObjectRef, ResourceType};

/// An object as raw JSON, with the parts of its metadata that selection and naming need.
///
/// The JSON is kept byte for byte: a backup must not change what it copies, and not parsing it whole is what makes
/// 100,000 objects cheap. [`Object::to_value`] parses all of it, for those who change it.
///
/// `Debug` and `Display` name the object and never print its data: it may be a Secret.
///
/// ```
/// use kbackup_core::model::Object;
///
/// let object = Object::parse(br#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"web","namespace":"shop"}}"#.as_slice())?;
/// assert_eq!(object.meta().name, "web");
/// assert_eq!(object.to_string(), "ConfigMap shop/web");
/// # Ok::<(), kbackup_core::model::ObjectError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Object {
    raw: Bytes,
    meta: ObjectMeta,
}

/// The parsed part of an [`Object`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectMeta {
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.name`; empty where the server is to generate one.
    pub name: String,
    /// `metadata.namespace`.
    pub namespace: Option<String>,
    /// `metadata.uid`; empty before the object was created.
    pub uid: String,
    /// `metadata.resourceVersion`; empty before the object was created.
    pub resource_version: String,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// `metadata.ownerReferences`.
    pub owners: Vec<OwnerRef>,
    /// Whether `metadata.deletionTimestamp` is set.
    pub deleting: bool,
}

/// An entry of `metadata.ownerReferences`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnerRef {
    /// `apiVersion` of the owner.
    pub api_version: String,
    /// Kind of the owner.
    pub kind: String,
    /// Name of the owner.
    pub name: String,
    /// Uid of the owner.
    pub uid: String,
    /// Whether the owner is the managing controller; an object has at most one.
    pub controller: bool,
}

/// JSON that is not a Kubernetes object.
#[derive(Debug, thiserror::Error)]
#[error("this is not a Kubernetes object")]
pub struct ObjectError(#[from] serde_json::Error);

/// What serde_json reads into a tree: enough for any API (a schema within a CustomResourceDefinition is the deepest thing
/// there is), and little enough for the stack.
const DEPTH_MAX: usize = 127;

impl Object {
    /// Parses the metadata of an object; the rest is checked to be JSON and kept as it is.
    ///
    /// # Errors
    /// Where the bytes are not one JSON object with `metadata`, or nest deeper than 127 levels.
    pub fn parse(raw: impl Into<Bytes>) -> Result<Self, ObjectError> {
        let raw = raw.into();
        let meta = Head::parse(&raw)?.into_meta();
        Ok(Self { raw, meta })
    }

    /// Parses an item of a list of `ty`, which comes without `apiVersion` and `kind`: they are put in front.
    ///
    /// # Errors
    /// As [`Object::parse`].
    pub fn parse_list_item(item: &[u8], ty: &ResourceType) -> Result<Self, ObjectError> {
        let head = Head::parse(item)?;
        let (api_version, kind) = (head.api_version.as_deref(), head.kind.as_deref());
        if api_version == Some("") || kind == Some("") {
            return Self::complete_tree(item, ty);
        }
        let mut missing = String::new();
        if api_version.is_none() {
            missing.push_str(&format!(r#""apiVersion":"{}","#, ty.gvr.api_version()));
        }
        if kind.is_none() {
            missing.push_str(&format!(r#""kind":"{}","#, ty.kind));
        }
        let mut meta = head.into_meta();
        if missing.is_empty() {
            return Ok(Self { raw: Bytes::copy_from_slice(item), meta });
        }
        if meta.api_version.is_empty() {
            meta.api_version = ty.gvr.api_version();
        }
        if meta.kind.is_empty() {
            meta.kind.clone_from(&ty.kind);
        }
        let open = item.iter().position(|byte| *byte == b'{').unwrap_or(0);
        let raw = [b"{", missing.as_bytes(), &item[open + 1..]].concat();
        Ok(Self { raw: raw.into(), meta })
    }

    /// An item whose `apiVersion` or `kind` is there and empty: it can't be put in front a second time, so the item is
    /// written anew.
    fn complete_tree(item: &[u8], ty: &ResourceType) -> Result<Self, ObjectError> {
        let mut value: Value = serde_json::from_slice(item)?;
        for (field, text) in [("apiVersion", ty.gvr.api_version()), ("kind", ty.kind.clone())] {
            if value[field].as_str().unwrap_or_default().is_empty() {
                value[field] = Value::String(text);
            }
        }
        Self::from_value(&value)
    }

    /// An object from a JSON tree.
    ///
    /// # Errors
    /// As [`Object::parse`].
    pub fn from_value(value: &Value) -> Result<Self, ObjectError> {
        Self::parse(serde_json::to_vec(value)?)
    }

    /// The object's JSON, byte for byte.
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The parsed part of the metadata.
    #[must_use]
    pub fn meta(&self) -> &ObjectMeta {
        &self.meta
    }

    /// The whole object as a tree.
    #[must_use]
    pub fn to_value(&self) -> Value {
        // Every constructor has parsed the bytes, so they are JSON; Null can't be seen.
        serde_json::from_slice(&self.raw).unwrap_or_default()
    }

    /// How the object names its type.
    #[must_use]
    pub fn gvk(&self) -> Gvk {
        Gvk::new(&self.meta.api_version, &self.meta.kind)
    }

    /// The object's place in a cluster, as an object of type `gvr`.
    #[must_use]
    pub fn at(&self, gvr: &Gvr) -> ObjectRef {
        ObjectRef { gvr: gvr.clone(), namespace: self.meta.namespace.clone(), name: self.meta.name.clone() }
    }

    /// The owner that manages this object, where there is one.
    #[must_use]
    pub fn controller(&self) -> Option<&OwnerRef> {
        self.meta.owners.iter().find(|owner| owner.controller)
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.meta.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.meta.kind, self.meta.name),
            None => write!(f, "{} {}", self.meta.kind, self.meta.name),
        }
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object({self}, {} bytes)", self.raw.len())
    }
}

/// What is read of an object's JSON: borrowed, and everything else is skipped.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    api_version: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    metadata: HeadMeta<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeadMeta<'a> {
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    namespace: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    uid: Cow<'a, str>,
    #[serde(borrow, default)]
    resource_version: Cow<'a, str>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    #[serde(borrow, default)]
    owner_references: Option<Vec<HeadOwner<'a>>>,
    #[serde(default)]
    deletion_timestamp: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeadOwner<'a> {
    #[serde(borrow, default)]
    api_version: Cow<'a, str>,
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    uid: Cow<'a, str>,
    #[serde(default)]
    controller: Option<bool>,
}

/// A field that is there, `null` being as good as empty: `None` is left for one that is not.
fn present<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    Option::<Cow<'de, str>>::deserialize(field).map(|text| Some(text.unwrap_or_default()))
}

impl<'a> Head<'a> {
    fn parse(raw: &'a [u8]) -> Result<Self, ObjectError> {
        let head = serde_json::from_slice(raw)?;
        // What is skipped is not counted by the parser, and to_value must be able to read all of it.
        if is_deeper_than(DEPTH_MAX, raw) {
            return Err(ObjectError(serde::de::Error::custom(format!("it nests deeper than {DEPTH_MAX} levels"))));
        }
        Ok(head)
    }

    fn into_meta(self) -> ObjectMeta {
        let metadata = self.metadata;
        let owner = |owner: HeadOwner<'_>| OwnerRef {
            api_version: owner.api_version.into_owned(),
            kind: owner.kind.into_owned(),
            name: owner.name.into_owned(),
            uid: owner.uid.into_owned(),
            controller: owner.controller.unwrap_or(false),
        };
        ObjectMeta {
            api_version: self.api_version.unwrap_or_default().into_owned(),
            kind: self.kind.unwrap_or_default().into_owned(),
            name: metadata.name.into_owned(),
            namespace: metadata.namespace.filter(|namespace| !namespace.is_empty()).map(Cow::into_owned),
            uid: metadata.uid.into_owned(),
            resource_version: metadata.resource_version.into_owned(),
            labels: metadata.labels.unwrap_or_default(),
            owners: metadata.owner_references.unwrap_or_default().into_iter().map(owner).collect(),
            deleting: metadata.deletion_timestamp.is_some(),
        }
    }
}

#[cfg(test)]
mod tests;
