//! Objects in the shape that a client asked for.

use std::sync::Arc;

use http::{Response, StatusCode};
use jiff::Timestamp;
use kbackup_core::cluster::MemoryCluster;
use kbackup_core::model::{Gvr, Object, ObjectRef, ResourceType};
use serde_json::{Value, json};

use super::Call;
use super::raw::RawFields;
use crate::table::{self, Column};
use crate::wire::{self, ApiError, ApiResult, Body, Shape};

/// How objects of one type are shown in one answer.
pub(super) struct View {
    pub(super) ty: Arc<ResourceType>,
    shape: Shape,
    /// The columns of a table; empty for other shapes.
    columns: Vec<Column>,
    rows_with: RowsWith,
    /// Whether a CustomResourceDefinition made the type.
    custom: bool,
}

/// What goes with each row of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowsWith {
    Nothing,
    Metadata,
    Object,
}

impl View {
    /// The view that a request asks for.
    ///
    /// # Errors
    /// 406 where the client accepts nothing that there is; 404 and 503 where the type is not there.
    pub(super) fn of(cluster: &MemoryCluster, call: &Call, gvr: &Gvr) -> ApiResult<Self> {
        let shape = call.accept.shape()?;
        let ty = type_of(cluster, gvr)?;
        let definition = definition(cluster, gvr);
        let columns = match (&definition, shape) {
            (Some(definition), Shape::Table) => table::of_crd(&definition.to_value(), &gvr.version),
            (None, Shape::Table) => table::of_type(&ty),
            (_, Shape::Object | Shape::Metadata) => Vec::new(),
        };
        let rows_with = match call.query.get("includeObject") {
            Some("None") => RowsWith::Nothing,
            Some("Object") => RowsWith::Object,
            _ => RowsWith::Metadata,
        };
        Ok(Self { ty, shape, columns, rows_with, custom: definition.is_some() })
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    /// An answer with one object.
    pub(super) fn answer(&self, status: StatusCode, object: &Object) -> Response<Body> {
        match self.shape {
            Shape::Object => wire::json_bytes(status, object.raw().clone()),
            Shape::Metadata | Shape::Table => wire::json_bytes(status, self.show(object)),
        }
    }

    /// One object as JSON: alone in an answer, or in an event of a watch.
    pub(super) fn show(&self, object: &Object) -> String {
        match self.shape {
            Shape::Object => String::from_utf8_lossy(object.raw()).into_owned(),
            Shape::Metadata => metadata_of(object),
            Shape::Table => {
                let metadata = json!({"resourceVersion": object.meta().resource_version});
                table::table(&self.columns, &metadata, &[self.row(object, Timestamp::now())]).to_string()
            }
        }
    }

    /// One object as an item of a list. As on a real server, items of built-in types do not name their type.
    pub(super) fn item(&self, object: &Object) -> String {
        match self.shape {
            Shape::Metadata => metadata_of(object),
            Shape::Object | Shape::Table if self.custom => String::from_utf8_lossy(object.raw()).into_owned(),
            Shape::Object | Shape::Table => RawFields::parse(object.raw()).without(&["apiVersion", "kind"]).to_json(),
        }
    }

    /// A list as a table.
    pub(super) fn table(&self, metadata: &Value, objects: &[Object]) -> Value {
        let now = Timestamp::now();
        let rows: Vec<_> = objects.iter().map(|object| self.row(object, now)).collect();
        table::table(&self.columns, metadata, &rows)
    }

    /// `kind` and `apiVersion` of a list.
    pub(super) fn list_kind(&self) -> (String, String) {
        match self.shape {
            Shape::Metadata => ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned()),
            Shape::Object | Shape::Table => (format!("{}List", self.ty.kind), self.ty.gvr.api_version()),
        }
    }

    fn row(&self, object: &Object, now: Timestamp) -> Value {
        let value = object.to_value();
        let with = match self.rows_with {
            RowsWith::Nothing => None,
            RowsWith::Metadata => Some(partial(&value["metadata"])),
            RowsWith::Object => Some(value.clone()),
        };
        table::row(&self.columns, &value, with.as_ref(), now)
    }
}

/// The type at this version.
///
/// # Errors
/// 404 where there is none, 503 where its group is broken.
pub(super) fn type_of(cluster: &MemoryCluster, gvr: &Gvr) -> ApiResult<Arc<ResourceType>> {
    if let Some(ty) = cluster.resource_type(gvr) {
        return Ok(ty);
    }
    let discovery = cluster.discovery();
    let is_broken = |name: &str| name == gvr.group || name == gvr.api_version();
    let broken = discovery.broken().iter().any(|broken| is_broken(&broken.group_version));
    Err(if broken { ApiError::unavailable() } else { ApiError::no_such_path() })
}

/// The CustomResourceDefinition of a type; `None` for a built-in one.
fn definition(cluster: &MemoryCluster, gvr: &Gvr) -> Option<Object> {
    let definitions = Gvr::new("apiextensions.k8s.io", "v1", "customresourcedefinitions");
    let named = !gvr.group.is_empty();
    named.then(|| cluster.peek(&ObjectRef::cluster(definitions, &gvr.group_resource()))).flatten()
}

fn metadata_of(object: &Object) -> String {
    let metadata = RawFields::parse(object.raw()).get("metadata").to_owned();
    format!(r#"{{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{metadata}}}"#)
}

fn partial(metadata: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
}
