//! `kbackup sandbox`: a small Kubernetes API server in memory.

use std::path::Path;

use kbackup_core::cluster::MemoryCluster;
use kbackup_sandbox::manifest::{load, read_path};
use kbackup_sandbox::{Sandbox, Server, Transport};

use crate::args::{Global, SandboxArgs};
use crate::error::{Code, Failure};
use crate::signal::End;
use crate::view;

/// The manager that is recorded for loaded objects.
const MANAGER: &str = "kbackup-sandbox";

pub(super) async fn run(global: &Global, args: &SandboxArgs) -> Result<Code, Failure> {
    let mut end = End::listen().map_err(|error| Failure::failed("Ctrl-C can't be awaited").why(error))?;
    let cluster = MemoryCluster::new();
    for path in &args.load {
        load_path(&cluster, path).await?;
    }
    let bound = Server::bind(Sandbox::new(cluster), args.listen, Transport::Https).await;
    let server = bound.map_err(|error| Failure::from_error(Code::Failed, &error))?.start();
    match &args.write_kubeconfig {
        Some(file) => {
            let written = tokio::fs::write(file, server.kubeconfig()).await;
            written.map_err(|error| Failure::failed(format!("{} could not be written", file.display())).why(error))?;
            let hint = format!("kubectl --kubeconfig {} get all -A", file.display());
            view::line(format!("The sandbox serves at {}; try: {hint}", server.url()))?;
        }
        None => view::line(server.kubeconfig())?,
    }
    if !global.quiet {
        view::note("Ctrl-C ends it; what it holds is gone then.");
    }
    end.asked().await;
    server.stop().await;
    Ok(Code::Completed)
}

async fn load_path(cluster: &MemoryCluster, path: &Path) -> Result<(), Failure> {
    let manifests = read_path(path).map_err(|error| Failure::from_error(Code::Usage, &error))?;
    let loaded = load(cluster, manifests, MANAGER).await.map_err(|error| Failure::from_error(Code::Usage, &error))?;
    view::note(format!("loaded {} objects from {}", loaded.total(), path.display()));
    Ok(())
}
