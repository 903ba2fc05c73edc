//! Listening, accepting and stopping.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::ServeError;
use super::connection::{Access, serve};
use super::kubeconfig::kubeconfig;
use super::tls::{Tls, random_token};
use crate::Sandbox;

/// Connections at a time; more wait to be accepted.
const CONNECTIONS_MAX: usize = 1024;
/// How long requests may go on after the server was told to stop. Watches would go on for ever.
const GRACE: Duration = Duration::from_millis(500);
/// How long a client may take to agree on TLS.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// The pause after a connection could not be accepted, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// HTTPS with a certificate made for this run; requests need the token that is in the kubeconfig.
    #[default]
    Https,
    /// Plain HTTP, open to all who reach the address: kubectl sends no credentials over it.
    Http,
}

/// A sandbox that listens and does not answer yet.
///
/// ```
/// use kbackup_sandbox::{Sandbox, Server, Transport};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let server = Server::bind(Sandbox::default(), ([127, 0, 0, 1], 0).into(), Transport::Https).await?;
/// assert!(server.kubeconfig().contains("certificate-authority-data"));
/// let running = server.start();
/// // … kubectl works with the kubeconfig until:
/// running.stop().await;
/// # Ok::<(), kbackup_sandbox::ServeError>(())
/// # }).unwrap();
/// ```
pub struct Server {
    sandbox: Sandbox,
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
    token: Option<String>,
}

/// A server that answers until it is stopped or this is dropped.
#[derive(Debug)]
pub struct RunningServer {
    url: String,
    kubeconfig: String,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens on an address; port 0 is any free one.
    ///
    /// # Errors
    /// Where the address can't be had, or no certificate can be made.
    pub async fn bind(sandbox: Sandbox, address: SocketAddr, transport: Transport) -> Result<Self, ServeError> {
        let failed = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (tls, token) = match transport {
            Transport::Https => (Some(Arc::new(Tls::for_address(address.ip())?)), Some(random_token()?)),
            Transport::Http => (None, None),
        };
        Ok(Self { sandbox, listener, address, tls, token })
    }

    /// Where the server is.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        // Whoever listens on all addresses is best reached at the nearest one.
        let host = if self.address.ip().is_unspecified() { "localhost".to_owned() } else { host(self.address) };
        format!("{scheme}://{host}:{}", self.address.port())
    }

    /// A kubeconfig for the server: it holds the only credentials there are.
    #[must_use]
    pub fn kubeconfig(&self) -> String {
        let authority = self.tls.as_ref().map(|tls| tls.authority.as_str());
        kubeconfig(&self.url(), authority, self.token.as_deref())
    }

    /// Answers until `stop` ends; then requests have half a second to finish. Dropping the future ends all at once.
    pub async fn run_until(self, stop: impl Future<Output = ()>) {
        let (stopping, stopped) = watch::channel(false);
        let access = Access::new(self.token.as_deref());
        let mut connections = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                stream = accept(&self.listener), if connections.len() < CONNECTIONS_MAX => {
                    let (sandbox, tls, stopped) = (self.sandbox.clone(), self.tls.clone(), stopped.clone());
                    connections.spawn(connect(stream, tls, sandbox, access.clone(), stopped));
                }
            }
        }
        drop(self.listener);
        // No receiver is left where all connections have ended already.
        _ = stopping.send(true);
        _ = timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
    }

    /// Answers in a task of its own, until the handle is dropped or told to stop.
    #[must_use = "the server stops when this is dropped"]
    pub fn start(self) -> RunningServer {
        let (stop, stopped) = oneshot::channel();
        let (url, kubeconfig) = (self.url(), self.kubeconfig());
        let wait = async { _ = stopped.await };
        RunningServer { url, kubeconfig, stop: Some(stop), task: tokio::spawn(self.run_until(wait)) }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({})", self.url())
    }
}

impl RunningServer {
    /// Where the server is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A kubeconfig for the server.
    #[must_use]
    pub fn kubeconfig(&self) -> &str {
        &self.kubeconfig
    }

    /// Stops: requests have half a second to finish.
    pub async fn stop(mut self) {
        self.stop = None;
        // A task that panicked has stopped too.
        _ = (&mut self.task).await;
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn host(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connect(
    stream: TcpStream,
    tls: Option<Arc<Tls>>,
    sandbox: Sandbox,
    access: Access,
    stopped: watch::Receiver<bool>,
) {
    // Answers are small and many; waiting to fill a packet would only delay them.
    _ = stream.set_nodelay(true);
    let Some(tls) = tls else { return serve(stream, sandbox, access, stopped).await };
    match timeout(HANDSHAKE_WITHIN, tls.acceptor.accept(stream)).await {
        Ok(Ok(stream)) => serve(stream, sandbox, access, stopped).await,
        Ok(Err(error)) => tracing::debug!(%error, "a client did not agree on TLS"),
        Err(_) => tracing::debug!("a client took too long to agree on TLS"),
    }
}
