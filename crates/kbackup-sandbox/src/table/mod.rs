//! Lists as `kubectl get` shows them: the columns of each kind, and their cells
//! (<https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables>).

mod age;
mod cells;
mod columns;
mod custom;
mod jsonpath;
mod render;

pub(crate) use columns::{Column, of_type};
pub(crate) use custom::of_crd;
pub(crate) use render::{row, table};
