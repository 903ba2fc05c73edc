//! The sandbox on a socket: HTTP or HTTPS, with what a client needs to trust it.

mod connection;
mod error;
mod kubeconfig;
mod listen;
mod tls;

pub(crate) use connection::Sessions;
pub use error::ServeError;
pub use listen::{RunningServer, Server, Transport};
