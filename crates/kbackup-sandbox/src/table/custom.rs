//! The columns of custom types, as their CustomResourceDefinition names them
//! (<https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#additional-printer-columns>).

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::age::age;
use super::columns::{Column, age_column, name_column};
use super::jsonpath::JsonPath;

/// The columns of one version of the type that a CustomResourceDefinition defines: NAME, then its own, or AGE.
pub(crate) fn of_crd(crd: &Value, version: &str) -> Vec<Column> {
    let versions = crd["spec"]["versions"].as_array().into_iter().flatten();
    let named = versions
        .filter(|entry| entry["name"] == version)
        .find_map(|entry| entry["additionalPrinterColumns"].as_array());
    let mut columns: Vec<_> = named.into_iter().flatten().filter_map(column).collect();
    if columns.is_empty() {
        columns.push(age_column());
    }
    columns.insert(0, name_column());
    columns
}

fn column(entry: &Value) -> Option<Column> {
    let path = JsonPath::parse(entry["jsonPath"].as_str()?)?;
    let kind = match entry["type"].as_str()? {
        "integer" => "integer",
        "number" => "number",
        "boolean" => "boolean",
        "date" => "date",
        _ => "string",
    };
    Some(Column {
        name: entry["name"].as_str()?.to_owned().into(),
        kind: if kind == "date" { "string" } else { kind },
        wide: entry["priority"].as_i64().unwrap_or(0) > 0,
        cell: Arc::new(move |object, now| cell(&path, kind, object, now)),
    })
}

/// The values at the path: nothing gives an empty cell, several are joined.
fn cell(path: &JsonPath, kind: &str, object: &Value, now: Timestamp) -> Value {
    let found = path.find(object);
    match (kind, found.as_slice()) {
        (_, []) => Value::Null,
        ("date", [Value::String(time), ..]) => time.parse().map_or(Value::Null, |time| age(time, now).into()),
        ("integer" | "number" | "boolean", [value @ (Value::Number(_) | Value::Bool(_)), ..]) => (*value).clone(),
        (_, values) => values.iter().map(|value| text(value)).collect::<Vec<_>>().join(",").into(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_follow_the_definition() {
        let crd = json!({"spec": {"versions": [{"name": "v1", "additionalPrinterColumns": [
            {"name": "Percent", "type": "integer", "jsonPath": ".spec.percent"},
            {"name": "Codes", "type": "string", "jsonPath": ".spec.codes[*]", "priority": 1},
            {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
            {"name": "Odd", "type": "string", "jsonPath": "not a path"},
        ]}, {"name": "v2"}]}});
        let object = json!({
            "metadata": {"name": "summer", "creationTimestamp": "2026-11-23T00:00:00Z"},
            "spec": {"percent": 20, "codes": ["A", "B"]},
        });
        let now = "2026-11-23T00:01:30Z".parse().expect("a time");
        let read = |version: &str| -> Vec<(String, Value)> {
            of_crd(&crd, version).iter().map(|column| (column.name.to_string(), (column.cell)(&object, now))).collect()
        };
        let cell = |name: &str, value: Value| (name.to_owned(), value);
        assert_eq!(
            read("v1"),
            [
                cell("Name", json!("summer")),
                cell("Percent", json!(20)),
                cell("Codes", json!("A,B")),
                cell("Age", json!("90s")),
            ]
        );
        assert_eq!(read("v2"), [cell("Name", json!("summer")), cell("Age", json!("90s"))]);
    }
}
