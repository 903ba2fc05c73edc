//! From an item of a list to an object. Pure.

use kbackup_core::model::{Object, ObjectError, ResourceType};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What of each item is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The object as it is.
    Whole,
    /// The object's type and metadata.
    Metadata,
}

/// The object that an item of a list of `ty` is.
///
/// # Errors
/// Where the item is not an object of Kubernetes.
pub(crate) fn parse(item: &[u8], ty: &ResourceType, wanted: Wanted) -> Result<Object, ObjectError> {
    match wanted {
        Wanted::Whole => Object::parse_list_item(item, ty),
        Wanted::Metadata => metadata_of(item, ty),
    }
}

/// The items of a list of metadata name their own type as `PartialObjectMetadata`; and a server that does not know such
/// lists sends whole objects.
fn metadata_of(item: &[u8], ty: &ResourceType) -> Result<Object, ObjectError> {
    let item: Item<'_> = serde_json::from_slice(item)?;
    let object = Partial { api_version: &ty.gvr.api_version(), kind: &ty.kind, metadata: item.metadata };
    Object::parse(serde_json::to_vec(&object)?)
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    metadata: &'a RawValue,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Partial<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: &'a RawValue,
}

#[cfg(test)]
mod tests {
    use kbackup_core::model::Gvr;

    use super::*;

    #[test]
    fn items_get_their_type() {
        let ty = ResourceType {
            gvr: Gvr::new("apps", "v1", "deployments"),
            kind: "Deployment".into(),
            singular: "deployment".into(),
            short_names: Vec::new(),
            categories: Vec::new(),
            namespaced: true,
            verbs: Vec::new(),
            has_status: true,
            preferred: true,
        };
        let check = |item: &str, wanted, expect: &str| {
            let object = parse(item.as_bytes(), &ty, wanted).expect("an object");
            assert_eq!(object.raw(), expect);
        };
        let whole = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a"},"spec":{}}"#;
        let partial = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a"}}"#;
        check(r#"{"metadata":{"name":"a"},"spec":{}}"#, Wanted::Whole, whole);
        check(r#"{"metadata":{"name":"a"},"spec":{}}"#, Wanted::Metadata, partial);
        let meta = r#"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"a"}}"#;
        check(meta, Wanted::Metadata, partial);
        assert!(parse(b"{}", &ty, Wanted::Metadata).is_err());
    }
}
