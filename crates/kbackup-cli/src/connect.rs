//! The store and the cluster that the global flags name.

use std::sync::Arc;

use kbackup_core::engine::Engine;
use kbackup_core::store::ObjectStore;
use kbackup_kube::{ConnectError, ConnectOptions, KubeCluster};
use kbackup_providers::registry::{OpenOptions, open};

use crate::args::Global;
use crate::error::{Code, Failure};

/// The store of `--store`.
pub(crate) fn store(global: &Global) -> Result<Arc<dyn ObjectStore>, Failure> {
    let Some(url) = global.store.as_deref().filter(|url| !url.is_empty()) else {
        return Err(Failure::usage("no object store was given")
            .why("a backup is kept in an object store, and there is no default one")
            .next("add --store file:///path/to/a/folder, or set KBACKUP_STORE"));
    };
    other_store(url)
}

/// The store of a URL that a flag names.
pub(crate) fn other_store(url: &str) -> Result<Arc<dyn ObjectStore>, Failure> {
    open(url, OpenOptions::default())
        .map_err(|error| Failure::usage(error.what()).why(error.why()).next(error.next_step()))
}

/// The cluster of `--kubeconfig` and `--context`.
pub(crate) async fn cluster(global: &Global) -> Result<KubeCluster, Failure> {
    let options = ConnectOptions {
        kubeconfig: global.kubeconfig.clone(),
        context: global.context.clone(),
        ..ConnectOptions::default()
    };
    KubeCluster::connect(&options).await.map_err(|error| {
        let other = "name a cluster that answers with --kubeconfig and --context";
        let (code, next) = match error {
            ConnectError::Cluster(_) => (Code::Failed, other),
            ConnectError::Credentials { .. } => (Code::Failed, "renew the credentials, or name another context"),
            _ => (Code::Usage, other),
        };
        Failure::from_error(code, &error).next(next)
    })
}

/// The engine of both.
pub(crate) async fn engine(global: &Global) -> Result<(Engine, Arc<dyn ObjectStore>), Failure> {
    let store = store(global)?;
    let cluster = Arc::new(cluster(global).await?);
    let engine = Engine::shared(Arc::<KubeCluster>::clone(&cluster), Arc::clone(&store)).exec(cluster);
    Ok((engine, store))
}
