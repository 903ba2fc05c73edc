//! A request that was read.

use std::error::Error;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, Method, Request};
use hyper::upgrade::OnUpgrade;
use serde_json::Value;

use crate::server::Sessions;
use crate::wire::{Accept, ApiResult, Query, Route, read, read_object};

/// A request, read and parsed as far as all kinds of requests are alike.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) route: Route,
    pub(crate) query: Query,
    pub(crate) accept: Accept,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) upgrade: Option<Upgrade>,
}

/// How the connection's protocol can be changed; only for requests that came over a socket.
#[derive(Debug)]
pub(crate) struct Upgrade {
    pub(crate) on_upgrade: OnUpgrade,
    pub(crate) sessions: Sessions,
}

impl Call {
    /// Reads a request with its body.
    ///
    /// # Errors
    /// 413 and 400 for the body.
    pub(crate) async fn read<B>(request: Request<B>) -> ApiResult<Self>
    where
        B: http_body::Body + Send,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (mut parts, body) = request.into_parts();
        let sessions = parts.extensions.remove::<Sessions>();
        let on_upgrade = parts.extensions.remove::<OnUpgrade>();
        Ok(Self {
            method: parts.method,
            route: Route::parse(parts.uri.path()),
            query: Query::parse(parts.uri.query().unwrap_or_default()),
            accept: Accept::parse(&parts.headers),
            headers: parts.headers,
            body: read(body).await?,
            upgrade: on_upgrade.zip(sessions).map(|(on_upgrade, sessions)| Upgrade { on_upgrade, sessions }),
        })
    }

    /// The media type of the body, without parameters.
    pub(crate) fn media_type(&self) -> &str {
        let value = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim()
    }

    /// The object in the body.
    ///
    /// # Errors
    /// 400 and 415.
    pub(crate) fn object(&self) -> ApiResult<Value> {
        read_object(self.media_type(), &self.body)
    }

    /// The name that the client gives itself: the user agent up to its first slash.
    pub(crate) fn client_name(&self) -> Option<&str> {
        let agent = self.headers.get(USER_AGENT).and_then(|value| value.to_str().ok())?;
        agent.split('/').next().filter(|name| !name.is_empty())
    }
}
