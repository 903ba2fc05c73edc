//! Bodies of requests and answers.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::stream::BoxStream;
use http::StatusCode;
use http_body::Frame;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;

use super::{ApiError, ApiResult};
use crate::protobuf;

/// The largest body of a request, in bytes: what a real API server allows by default.
const REQUEST_BYTES_MAX: usize = 3 * 1024 * 1024;

/// The body of an answer: all at once, or as it comes.
pub struct Body(Chunks);

/// Where a body's bytes come from.
pub(crate) enum Chunks {
    /// All bytes, until they were taken.
    Whole(Option<Bytes>),
    /// Bytes as they come; an error cuts the body off.
    Stream(BoxStream<'static, io::Result<Bytes>>),
}

impl Body {
    /// A body of these bytes.
    #[must_use]
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        Self(Chunks::Whole(Some(bytes.into()).filter(|bytes| !bytes.is_empty())))
    }

    pub(crate) fn stream(chunks: BoxStream<'static, io::Result<Bytes>>) -> Self {
        Self(Chunks::Stream(chunks))
    }

    pub(crate) fn into_chunks(self) -> Chunks {
        self.0
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the bytes: they may be a Secret.
        f.write_str(match self.0 {
            Chunks::Whole(_) => "Body(whole)",
            Chunks::Stream(_) => "Body(stream)",
        })
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match &mut self.0 {
            Chunks::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Chunks::Stream(stream) => stream.as_mut().poll_next(context).map_ok(Frame::data),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Chunks::Whole(None))
    }

    fn size_hint(&self) -> http_body::SizeHint {
        match &self.0 {
            Chunks::Whole(bytes) => http_body::SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Chunks::Stream(_) => http_body::SizeHint::default(),
        }
    }
}

/// Reads the body of a request.
///
/// # Errors
/// 413 where it is larger than 3 MiB, 400 where it ends early.
pub(crate) async fn read<B>(body: B) -> ApiResult<Bytes>
where
    B: http_body::Body + Send,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    match Limited::new(body, REQUEST_BYTES_MAX).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            let message = format!("Request entity too large: limit is {REQUEST_BYTES_MAX}");
            Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message))
        }
        Err(_) => Err(ApiError::bad_request("the body of the request ended early")),
    }
}

/// Parses the body of a request of this media type: JSON, YAML (of which JSON is nearly a part), protobuf of a built-in
/// type. No media type means JSON.
///
/// # Errors
/// 415 for another media type, 400 for a body that is not of it.
pub(crate) fn read_object(media_type: &str, body: &[u8]) -> ApiResult<Value> {
    match media_type {
        "" | "application/json" | "application/yaml" => read_value(body),
        protobuf::MEDIA_TYPE => protobuf::object(body).map_err(|error| undecodable(&error)),
        other => {
            let accepted = ["application/json", "application/yaml", protobuf::MEDIA_TYPE];
            Err(ApiError::unsupported_media_type(other, &accepted))
        }
    }
}

/// Parses JSON or YAML.
///
/// # Errors
/// 400 where it is neither.
pub(crate) fn read_value(body: &[u8]) -> ApiResult<Value> {
    if body.trim_ascii_start().starts_with(b"{") || body.trim_ascii_start().starts_with(b"[") {
        // A document in braces may still be YAML in its flow style.
        if let Ok(value) = serde_json::from_slice(body) {
            return Ok(value);
        }
    }
    let text = std::str::from_utf8(body).map_err(|error| undecodable(&error.to_string()))?;
    crate::manifest::parse_yaml(text).map_err(|error| undecodable(&error))
}

fn undecodable(why: &str) -> ApiError {
    ApiError::bad_request(format!("error decoding the body of the request: {why}"))
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;
    use serde_json::json;

    use super::*;

    #[test]
    fn values() {
        let expect = json!({"a": [1, "x"], "b": null});
        for text in ["{\"a\":[1,\"x\"],\"b\":null}", "{a: [1, x], b: null}", "a:\n- 1\n- x\nb:\n"] {
            assert_eq!(read_value(text.as_bytes()).ok(), Some(expect.clone()), "{text}");
        }
        assert_eq!(read_value(b"{\"a\":").expect_err("half a document").code(), 400);
        assert_eq!(read_value(b"\xff").expect_err("not text").code(), 400);
    }

    #[tokio::test]
    async fn a_body_is_bounded() {
        let body = |size: usize| Full::new(Bytes::from(vec![b' '; size]));
        assert_eq!(read(body(REQUEST_BYTES_MAX)).await.expect("it fits").len(), REQUEST_BYTES_MAX);
        assert_eq!(read(body(REQUEST_BYTES_MAX + 1)).await.expect_err("it does not").code(), 413);
    }
}
