//! Answers.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::Value;

use super::Body;

const JSON: &str = "application/json";

/// An answer with a JSON document.
pub(crate) fn json(status: StatusCode, value: &Value) -> Response<Body> {
    json_bytes(status, value.to_string())
}

/// An answer with JSON that was written already.
pub(crate) fn json_bytes(status: StatusCode, bytes: impl Into<Bytes>) -> Response<Body> {
    with_body(status, JSON, Body::whole(bytes))
}

/// An answer with a JSON document of a media type with parameters.
pub(crate) fn json_of_type(media_type: &'static str, value: &Value) -> Response<Body> {
    with_body(StatusCode::OK, media_type, Body::whole(value.to_string()))
}

/// An answer of bytes of a media type.
pub(crate) fn bytes_of_type(media_type: &'static str, bytes: &'static [u8]) -> Response<Body> {
    with_body(StatusCode::OK, media_type, Body::whole(bytes))
}

/// An answer of JSON that is written while it is read.
pub(crate) fn lines(body: Body) -> Response<Body> {
    with_body(StatusCode::OK, JSON, body)
}

/// An answer of plain text.
pub(crate) fn text(text: &'static str) -> Response<Body> {
    with_body(StatusCode::OK, "text/plain; charset=utf-8", Body::whole(text))
}

/// An answer with any body.
fn with_body(status: StatusCode, media_type: &'static str, body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, private"));
    answer
}
