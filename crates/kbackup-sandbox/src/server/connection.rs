//! One connection.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tower_service::Service as _;

use crate::Sandbox;
use crate::wire::{ApiError, Body, Route};

/// How long a client may take to send the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(60);

/// What goes on on a connection after its protocol was changed.
type Session = BoxFuture<'static, ()>;

/// Where a request leaves what is to go on on its connection after the answer. It is there for requests that came over
/// a socket only.
#[derive(Debug, Clone)]
pub(crate) struct Sessions(mpsc::Sender<Session>);

/// Who may ask.
#[derive(Debug, Clone)]
pub(super) struct Access(Option<Arc<[u8]>>);

impl Sessions {
    /// Leaves a session; only the first one of a connection counts.
    pub(crate) fn leave(&self, session: Session) {
        // A connection changes its protocol once, so there is room for one.
        _ = self.0.try_send(session);
    }
}

impl Access {
    /// Whoever has this token; everybody where there is none.
    pub(super) fn new(token: Option<&str>) -> Self {
        Self(token.map(|token| digest(&format!("Bearer {token}"))))
    }

    /// Digests are compared, so that the time it takes tells nothing about the token.
    fn admits<B>(&self, request: &Request<B>) -> bool {
        let Some(wanted) = &self.0 else { return true };
        let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        given.is_some_and(|given| digest(given) == *wanted) || Route::parse(request.uri().path()) == Route::Health
    }
}

/// Serves one connection until it ends, or until the server stops and the request in hand is answered.
pub(super) async fn serve<S>(stream: S, sandbox: Sandbox, access: Access, mut stopped: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, mut sessions) = mpsc::channel(1);
    let service = service_fn(move |request| answer(request, sandbox.clone(), access.clone(), Sessions(sender.clone())));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.as_mut().await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
    if let Ok(session) = sessions.try_recv() {
        session.await;
    }
}

async fn answer(
    mut request: Request<Incoming>,
    mut sandbox: Sandbox,
    access: Access,
    sessions: Sessions,
) -> Result<Response<Body>, Infallible> {
    if !access.admits(&request) {
        return Ok(ApiError::unauthorized().to_response());
    }
    request.extensions_mut().insert(sessions);
    sandbox.call(request).await
}

fn digest(text: &str) -> Arc<[u8]> {
    Sha256::digest(text).as_slice().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_opens() {
        let request = |path: &str, token: Option<&str>| {
            let builder = Request::builder().uri(path);
            let builder = token.into_iter().fold(builder, |builder, token| builder.header(AUTHORIZATION, token));
            builder.body(()).expect("a request")
        };
        let access = Access::new(Some("abc"));
        for (path, token, expect) in [
            ("/api", Some("Bearer abc"), true),
            ("/api", Some("Bearer abd"), false),
            ("/api", Some("abc"), false),
            ("/api", None, false),
            ("/readyz", None, true),
        ] {
            assert_eq!(access.admits(&request(path, token)), expect, "{path} {token:?}");
        }
        assert!(Access::new(None).admits(&request("/api", None)));
    }
}
