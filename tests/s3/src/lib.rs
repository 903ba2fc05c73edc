//! S3 in memory, for tests and benches: HTTP, XML and signatures are those of the crate s3s, a second implementation beside
//! moto; the buckets below are ours. Objects are gone when the server is.
//!
//! The program of this crate is the same server, to try things by hand.

mod bucket;
mod server;
mod service;

pub use server::{Options, Server, Watched};
