//! `Table` documents.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::columns::Column;

/// A table of these rows. `metadata` is the list's own.
pub(crate) fn table(columns: &[Column], metadata: &Value, rows: &[Value]) -> Value {
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
        "columnDefinitions": definitions(columns), "rows": rows,
    })
}

/// What the columns are.
fn definitions(columns: &[Column]) -> Vec<Value> {
    let definition = |column: &Column| {
        // kubectl knows the column of names by its format.
        let format = if column.name == "Name" { "name" } else { "" };
        json!({
            "name": column.name, "type": column.kind, "format": format, "description": "",
            "priority": i32::from(column.wide),
        })
    };
    columns.iter().map(definition).collect()
}

/// One row; `object` is what goes with it: `PartialObjectMetadata`, the whole object, or nothing.
pub(crate) fn row(columns: &[Column], value: &Value, object: Option<&Value>, now: Timestamp) -> Value {
    let cells: Vec<_> = columns.iter().map(|column| (column.cell)(value, now)).collect();
    json!({"cells": cells, "object": object})
}
