//! Protobuf, in which Go programs send objects of built-in types: `kubectl create configmap` is one
//! (<https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding>).
//!
//! Only requests are read; answers are JSON, which those programs accept as well. What the types look like is in
//! `schema.txt`, a line a message: its name, then its fields as `name:number:flag:type`. The program in
//! `tools/protobuf-schema` writes the file.

mod decode;
mod schema;
mod wire;

pub(crate) use decode::object;

/// The media type of requests in protobuf.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";
