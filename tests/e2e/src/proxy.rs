//! A proxy between a client and an API server that gets in the way: it asks to slow down, breaks connections, and goes away.

use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kbackup_kube::{CallLimits, KubeCluster};
use kube::client::Body;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

type Answer = Response<UnsyncBoxBody<Bytes, io::Error>>;

/// The proxy: an HTTP server on loopback. It ends with this value.
#[derive(Debug)]
pub struct FaultProxy {
    url: String,
    faults: Arc<Faults>,
    server: JoinHandle<()>,
}

/// What goes wrong, as it is set at the moment.
#[derive(Debug, Default)]
struct Faults {
    /// So many creates are answered 429.
    throttled: AtomicUsize,
    /// Of every so many creates, one is done and its connection broken instead of an answer; 0 for none.
    reset_every: AtomicUsize,
    creates: AtomicUsize,
    /// Until when nobody answers, and connections break.
    gone_until: Mutex<Option<Instant>>,
    /// After so many creates from now, the server goes away for a time.
    leaves_after: Mutex<Option<(usize, Duration)>>,
    /// Paths that hold this are forbidden.
    forbidden: Mutex<Option<String>>,
}

/// What happens to one request.
enum Fate {
    Pass,
    Answer(Answer),
    /// It is done, and its answer lost.
    Lost,
    /// It is not done.
    Broken,
}

impl FaultProxy {
    /// A proxy before the API server that `backend` reaches.
    ///
    /// # Panics
    /// Where it can't listen on loopback.
    pub async fn start(backend: kube::Client) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
        let url = format!("http://{}", listener.local_addr().expect("it has an address"));
        let faults = Arc::new(Faults::default());
        let server = tokio::spawn(serve(listener, backend, Arc::clone(&faults)));
        Self { url, faults, server }
    }

    /// The cluster behind the proxy.
    ///
    /// # Panics
    /// Where the client can't be made.
    #[must_use]
    pub fn cluster(&self) -> KubeCluster {
        let mut config = kube::Config::new(self.url.parse().expect("a URL"));
        // The port tries again itself.
        config.default_retry = false;
        let client = kube::Client::try_from(config).expect("a client without TLS");
        KubeCluster::new(client, &self.url, CallLimits::default())
    }

    /// Answers 429 to so many of the next creates.
    pub fn throttle(&self, creates: usize) {
        self.faults.throttled.store(creates, Ordering::SeqCst);
    }

    /// How many of those are left.
    #[must_use]
    pub fn throttles_left(&self) -> usize {
        self.faults.throttled.load(Ordering::SeqCst)
    }

    /// Loses the answer of every so many-th create, and its connection.
    pub fn reset_every(&self, creates: usize) {
        self.faults.reset_every.store(creates, Ordering::SeqCst);
    }

    /// Goes away after so many creates, for this time: every connection breaks.
    pub fn leave_after(&self, creates: usize, away: Duration) {
        *lock(&self.faults.leaves_after) = Some((creates, away));
    }

    /// Forbids what is asked of paths that hold this text.
    pub fn forbid(&self, text: &str) {
        *lock(&self.faults.forbidden) = Some(text.to_owned());
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, backend: kube::Client, faults: Arc<Faults>) {
    while let Ok((stream, _)) = listener.accept().await {
        if faults.is_gone() {
            continue;
        }
        tokio::spawn(connection(stream, backend.clone(), Arc::clone(&faults)));
    }
}

async fn connection(stream: TcpStream, backend: kube::Client, faults: Arc<Faults>) {
    let service = service_fn(|request| answer(request, backend.clone(), Arc::clone(&faults)));
    // A connection that breaks is what this is for.
    _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(request: Request<Incoming>, backend: kube::Client, faults: Arc<Faults>) -> io::Result<Answer> {
    let fate = faults.decide(request.method(), request.uri().path());
    match fate {
        Fate::Answer(answer) => return Ok(answer),
        Fate::Broken => return Err(broken()),
        Fate::Pass | Fate::Lost => {}
    }
    let (mut head, body) = request.into_parts();
    head.headers.remove(header::HOST);
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let answer = backend.send(Request::from_parts(head, Body::from(body))).await.map_err(io::Error::other)?;
    if matches!(fate, Fate::Lost) || faults.is_gone() {
        return Err(broken());
    }
    Ok(answer.map(|body| body.map_err(io::Error::other).boxed_unsync()))
}

impl Faults {
    fn decide(&self, method: &Method, path: &str) -> Fate {
        if self.is_gone() {
            return Fate::Broken;
        }
        if lock(&self.forbidden).as_ref().is_some_and(|text| path.contains(text.as_str())) {
            return Fate::Answer(status(StatusCode::FORBIDDEN, "Forbidden", "you may not do this"));
        }
        if method != Method::POST {
            return Fate::Pass;
        }
        self.depart();
        let throttle = |left: usize| left.checked_sub(1);
        if self.throttled.fetch_update(Ordering::SeqCst, Ordering::SeqCst, throttle).is_ok() {
            let mut answer = status(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", "slow down");
            answer.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
            return Fate::Answer(answer);
        }
        let number = self.creates.fetch_add(1, Ordering::SeqCst) + 1;
        match self.reset_every.load(Ordering::SeqCst) {
            0 => Fate::Pass,
            every if number.is_multiple_of(every) => Fate::Lost,
            _ => Fate::Pass,
        }
    }

    fn is_gone(&self) -> bool {
        lock(&self.gone_until).is_some_and(|until| Instant::now() < until)
    }

    /// Counts down to the moment at which the server goes away.
    fn depart(&self) {
        let mut leaves = lock(&self.leaves_after);
        match leaves.take() {
            Some((0, away)) => *lock(&self.gone_until) = Some(Instant::now() + away),
            Some((left, away)) => *leaves = Some((left - 1, away)),
            None => {}
        }
    }
}

fn status(code: StatusCode, reason: &str, message: &str) -> Answer {
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message,
        "code": code.as_u16()});
    let body = Full::new(Bytes::from(body.to_string())).map_err(|never: Infallible| match never {}).boxed_unsync();
    let mut answer = Response::new(body);
    *answer.status_mut() = code;
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    answer
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the connection was broken on purpose")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
