//! OpenAPI v2, of which nothing is said but that it is there.
//!
//! kubectl checks a list (`kind: ConfigMapList`) against it before it sends the items, and leaves out what it does not
//! find. Without the document it refuses to send anything.

use serde_json::{Value, json};

/// The media type in which kubectl asks for the document, and the only one that it reads.
pub(crate) const ASKED: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

/// The media type of the answer: the one that is asked for is none by the rules of MIME, so a real server says it so.
pub(crate) const ANSWERED: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// The document without paths and definitions, in protobuf: `swagger` (1), `info` (2) with `title` (1) and `version` (2),
/// `paths` (8), `definitions` (9).
pub(crate) const PROTOBUF: &[u8] = b"\x0a\x032.0\x12\x19\x0a\x0aKubernetes\x12\x0bunversioned\x42\x00\x4a\x00";

/// The same in JSON.
pub(crate) fn json() -> Value {
    json!({
        "swagger": "2.0", "info": {"title": "Kubernetes", "version": "unversioned"}, "paths": {}, "definitions": {},
    })
}
