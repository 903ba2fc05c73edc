//! The server: a free port, credentials, and how slow it is.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::service::Buckets;

/// How a server is.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The buckets that it has at the beginning.
    pub buckets: Vec<String>,
    /// Whether they can lock what is in them.
    pub locks: bool,
    /// The id of the key that it knows, and its secret.
    pub credentials: (String, String),
    /// How long each request waits before it is answered: the way to a cloud and back.
    pub latency: Duration,
    /// How wrong the clock of who asks may be. `None` is 15 minutes, as at Amazon.
    pub skew: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            buckets: vec!["bucket".to_owned()],
            locks: false,
            credentials: ("kbackup-test".to_owned(), "kbackup-test-secret".to_owned()),
            latency: Duration::ZERO,
            skew: None,
        }
    }
}

/// What was asked of a server.
#[derive(Debug, Default)]
pub struct Watched {
    requests: AtomicU64,
    at_once: AtomicU64,
    at_once_max: AtomicU64,
}

impl Watched {
    /// Requests so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The most requests that were under way at the same time.
    #[must_use]
    pub fn at_once_max(&self) -> u64 {
        self.at_once_max.load(Ordering::Relaxed)
    }

    fn begin(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let now = self.at_once.fetch_add(1, Ordering::Relaxed) + 1;
        self.at_once_max.fetch_max(now, Ordering::Relaxed);
    }

    fn end(&self) {
        self.at_once.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct Server {
    /// Its address, with `http://`.
    pub address: String,
    /// What was asked of it.
    pub watched: Arc<Watched>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts a server.
    ///
    /// # Errors
    /// Where it can't listen.
    pub async fn start(options: &Options) -> io::Result<Self> {
        let mut config = S3Config::default();
        if let Some(skew) = options.skew {
            config.presigned_url_max_skew_time_secs = u32::try_from(skew.as_secs()).unwrap_or(u32::MAX);
        }
        let mut builder = S3ServiceBuilder::new(Buckets::new(&options.buckets, options.locks));
        let (id, secret) = &options.credentials;
        builder.set_auth(SimpleAuth::from_single(id.as_str(), secret.as_str()));
        builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        let listener = TcpListener::bind(options.listen).await?;
        let address = format!("http://{}", listener.local_addr()?);
        let watched = Arc::new(Watched::default());
        let task = tokio::spawn(serve(listener, builder.build(), options.latency, Arc::clone(&watched)));
        Ok(Self { address, watched, task })
    }

    /// Waits for as long as it runs.
    pub async fn run(mut self) {
        _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, service: S3Service, latency: Duration, watched: Arc<Watched>) {
    while let Ok((socket, _)) = listener.accept().await {
        let (service, watched) = (service.clone(), Arc::clone(&watched));
        let answer = service_fn(move |request: Request<Incoming>| {
            let (service, watched) = (service.clone(), Arc::clone(&watched));
            async move {
                watched.begin();
                if !latency.is_zero() {
                    tokio::time::sleep(latency).await;
                }
                let answered = service.call(request.map(s3s::Body::from)).await;
                watched.end();
                answered
            }
        });
        // A connection that breaks is the client's to tell.
        tokio::spawn(async move { http1::Builder::new().serve_connection(TokioIo::new(socket), answer).await.ok() });
    }
}
