//! Why a server could not be started.

use std::io;
use std::net::SocketAddr;

/// A server that could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address can't be listened on.
    #[error("cannot listen on {address}; choose another address or port, or port 0 for any free one")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The certificate could not be made.
    #[error("the server's certificate cannot be made; serve plain HTTP instead, or report this")]
    Certificate(#[source] Box<dyn std::error::Error + Send + Sync>),
}
