//! A server in front of an emulator: it remembers what was asked, and adds to the answers what the emulator can't say.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::TRANSFER_ENCODING;
use axum::http::{HeaderMap, HeaderName, Request, Response};

use super::server::Server;

/// What was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("a text"))
    }

    /// The headers of these names, for an answer.
    pub(crate) fn some(&self, names: &[&'static str]) -> HeaderMap {
        let some =
            names.iter().filter_map(|name| Some((HeaderName::from_static(name), self.headers.get(*name)?.clone())));
        some.collect()
    }
}

/// What is added to the headers of an answer, given what was asked before and what is asked now.
pub(crate) type Addition = fn(&[Asked], &Asked) -> HeaderMap;

#[derive(Clone)]
pub(crate) struct Proxy {
    target: String,
    addition: Addition,
    asked: Arc<Mutex<Vec<Asked>>>,
    client: reqwest::Client,
}

impl Proxy {
    /// A server that passes everything on to `target`.
    pub(crate) async fn start(target: &str, addition: Addition) -> (Self, Server) {
        let (target, asked, client) = (target.to_owned(), Arc::default(), reqwest::Client::new());
        let proxy = Self { target, addition, asked, client };
        let server = Server::start(Router::new().fallback(pass).with_state(proxy.clone())).await;
        (proxy, server)
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no test panics in here").clone()
    }
}

async fn pass(State(proxy): State<Proxy>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers.clone(),
    };
    let mut added = (proxy.addition)(&proxy.asked(), &asked);
    proxy.asked.lock().expect("no test panics in here").push(asked);
    let body = axum::body::to_bytes(body, 64 << 20).await.expect("a body");
    let url = format!("{}{}", proxy.target, parts.uri);
    let answer = proxy.client.request(parts.method, url).headers(parts.headers).body(body).send().await;
    let answer = answer.expect("the emulator answers");
    let (status, headers) = (answer.status(), answer.headers().clone());
    if !status.is_success() {
        added.clear();
    }
    let mut response = Response::new(answer.bytes().await.expect("a body").into());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    // The body is whole here.
    response.headers_mut().remove(TRANSFER_ENCODING);
    response.headers_mut().extend(added);
    response
}
