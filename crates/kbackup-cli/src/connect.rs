//! The store and the cluster that the global flags name.

use std::sync::Arc;

use kbackup_core::engine::Engine;
use kbackup_core::model::BackupName;
use kbackup_core::store::ObjectStore;
use kbackup_kube::{ConnectError, ConnectOptions, KubeCluster};
use kbackup_providers::location::Location;
use kbackup_providers::registry::{OpenError, OpenOptions, Registry, open};

use crate::args::Global;
use crate::config::Config;
use crate::error::{Code, Failure};
use crate::keys;

/// The location of `--location`, or the default one; `None` where a store was named by its URL.
pub(crate) fn location(global: &Global) -> Result<Option<Location>, Failure> {
    if global.location.is_none() && global.store.is_some() {
        return Ok(None);
    }
    let config = Config::load(global)?;
    let name = global.location.as_ref().or(config.default_location.as_ref());
    name.map(|name| config.location(name).cloned()).transpose()
}

/// The store of `--store` or `--location`.
pub(crate) fn store(global: &Global) -> Result<Arc<dyn ObjectStore>, Failure> {
    if let Some(location) = location(global)? {
        return location.open(&Registry::default()).map_err(|error| refused(&error));
    }
    let Some(url) = &global.store else {
        return Err(Failure::usage("no object store was given")
            .why("a backup is kept in an object store, and there is no default one")
            .next("add --store file:///path/to/a/folder, or set KBACKUP_STORE"));
    };
    open(url, OpenOptions::default()).map_err(|error| refused(&error))
}

/// The location of that name; that which is meant where none is named.
pub(crate) fn location_of(global: &Global, name: Option<&str>) -> Result<Option<Location>, Failure> {
    match name {
        Some(name) => Config::load(global)?.location(name).cloned().map(Some),
        None => location(global),
    }
}

/// The store of a location, or of `--store` or `--location` where none is named.
pub(crate) fn store_of(global: &Global, name: Option<&str>) -> Result<Arc<dyn ObjectStore>, Failure> {
    match name {
        Some(name) => Config::load(global)?.location(name)?.open(&Registry::default()).map_err(|error| refused(&error)),
        None => store(global),
    }
}

/// The store of a flag that takes a URL or the name of a location, and the location where it is one.
pub(crate) fn other_store(global: &Global, text: &str) -> Result<(Arc<dyn ObjectStore>, Option<Location>), Failure> {
    if text.parse::<BackupName>().is_ok() {
        return Ok((store_of(global, Some(text))?, location_of(global, Some(text))?));
    }
    open(text, OpenOptions::default()).map(|store| (store, None)).map_err(|error| refused(&error))
}

/// Why a store can't be opened.
pub(crate) fn refused(error: &OpenError) -> Failure {
    Failure::usage(error.what()).why(error.why()).next(error.next_step())
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

/// The engine of both, with the keys of the global flags.
pub(crate) async fn engine(global: &Global) -> Result<(Engine, Arc<dyn ObjectStore>), Failure> {
    let (store, keyring) = (store(global)?, keys::keyring(global)?);
    let cluster = Arc::new(cluster(global).await?);
    let engine = Engine::shared(Arc::<KubeCluster>::clone(&cluster), Arc::clone(&store)).exec(cluster).unlock(keyring);
    Ok((engine, store))
}
