//! The service: requests in, answers out.

use std::convert::Infallible;
use std::error::Error;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Request, Response};
use kbackup_core::cluster::MemoryCluster;
use tower_service::Service;

use crate::api::{self, Call};
use crate::faults::Faults;
use crate::wire::Body;

/// The API of Kubernetes in front of a [`MemoryCluster`], as a tower service. A clone is the same sandbox.
///
/// Given to a Kubernetes client as its transport, it needs no socket (commands in pods, which change the protocol of their
/// connection, need one: see [`Server`](crate::Server)).
#[derive(Debug, Clone, Default)]
pub struct Sandbox {
    cluster: MemoryCluster,
    faults: Faults,
}

impl Sandbox {
    /// The API of this cluster.
    #[must_use]
    pub fn new(cluster: MemoryCluster) -> Self {
        Self { cluster, faults: Faults::default() }
    }

    /// The cluster behind the API.
    #[must_use]
    pub fn cluster(&self) -> &MemoryCluster {
        &self.cluster
    }

    /// What goes wrong on purpose; nothing by default.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

impl<B> Service<Request<B>> for Sandbox
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let sandbox = self.clone();
        Box::pin(async move { Ok(sandbox.answer(request).await) })
    }
}

impl Sandbox {
    async fn answer<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let fault = self.faults.take(request.method(), request.uri().path());
        if let Some(refused) = fault.as_ref().and_then(crate::faults::refusal) {
            return refused.to_response();
        }
        let answer = match Call::read(request).await {
            Ok(call) => api::answer(&self.cluster, call).unwrap_or_else(|error| error.to_response()),
            Err(error) => error.to_response(),
        };
        match fault {
            Some(fault) => crate::faults::spoil(&fault, answer),
            None => answer,
        }
    }
}
