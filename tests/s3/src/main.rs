//! S3 in memory, to try things by hand.
//!
//! ```text
//! cargo run -p kbackup-test-s3 -- --listen 127.0.0.1:9000 --bucket backups --latency-ms 20
//! ```

#![allow(clippy::print_stdout, reason = "it says where it listens")]

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use kbackup_test_s3::{Options, Server};

/// S3 in memory. What is written to it is gone when it ends.
#[derive(Debug, Parser)]
struct Args {
    /// Where it listens.
    #[arg(long, default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// A bucket that is there at the beginning.
    #[arg(long = "bucket", default_value = "bucket")]
    buckets: Vec<String>,
    /// The buckets can lock what is in them.
    #[arg(long)]
    locks: bool,
    /// The id of the key that it knows.
    #[arg(long, default_value = "kbackup-test")]
    key_id: String,
    /// The secret of that key.
    #[arg(long, default_value = "kbackup-test-secret")]
    secret: String,
    /// How long each request waits before it is answered.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let Args { listen, buckets, locks, key_id, secret, latency_ms } = Args::parse();
    let (credentials, latency) = ((key_id, secret), Duration::from_millis(latency_ms));
    let server = Server::start(&Options { listen, buckets, locks, credentials, latency, skew: None }).await?;
    println!("ready at {}", server.address);
    server.run().await;
    Ok(())
}
