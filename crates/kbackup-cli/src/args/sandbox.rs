//! `kbackup sandbox` and `kbackup demo`.

use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub(crate) struct SandboxArgs {
    /// Manifests to load: a file or a folder, CustomResourceDefinitions first (repeatable).
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) load: Vec<PathBuf>,
    /// Where to write a kubeconfig for the sandbox; not given: it is printed.
    #[arg(long, value_name = "FILE")]
    pub(crate) write_kubeconfig: Option<PathBuf>,
    /// The address to listen on.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// The folder that gets the backup, and keeps it; not given: a temporary one.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}
