//! An object store of one's own: a decorator that counts what is written through it. A store of any other kind has the same
//! shape, and the same proof that it keeps the contract.

use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use kbackup_core::cluster::MemoryCluster;
use kbackup_core::conformance;
use kbackup_core::engine::Engine;
use kbackup_core::run::Run;
use kbackup_core::spec::BackupSpec;
use kbackup_core::store::*;

#[derive(Debug, Clone)]
struct Measured(Arc<dyn ObjectStore>, Arc<AtomicU64>);

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Measured {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }
    async fn put(&self, key: &Key, body: Bytes, mode: PutMode) -> StoreResult<Stored> {
        let stored = self.0.put(key, body, mode).await?;
        self.1.fetch_add(stored.size, Ordering::Relaxed);
        Ok(stored)
    }
    // Who wants to count the pieces of uploads too wraps the `Upload`, as the decorators of `kbackup_core::store` do.
    async fn upload(&self, key: &Key, mode: PutMode) -> StoreResult<Box<dyn Upload>> {
        self.0.upload(key, mode).await
    }
    async fn get(&self, key: &Key, range: Option<Range<u64>>) -> StoreResult<Download> {
        self.0.get(key, range).await
    }
    async fn head(&self, key: &Key) -> StoreResult<Stored> {
        self.0.head(key).await
    }
    fn list(&self, prefix: &Prefix) -> BoxStream<'_, StoreResult<Stored>> {
        self.0.list(prefix)
    }
    async fn list_children(&self, prefix: &Prefix) -> StoreResult<Children> {
        self.0.list_children(prefix).await
    }
    async fn delete(&self, keys: &[Key]) -> StoreResult<()> {
        self.0.delete(keys).await
    }
}

#[tokio::main]
pub async fn main() -> Result<(), Box<dyn Error>> {
    // The suite of the port: every promise that the engines rely on. It panics at the first that is broken.
    conformance::store::all(Arc::new(Measured(Arc::new(MemoryStore::new()), Arc::default()))).await;

    let store = Measured(Arc::new(MemoryStore::new()), Arc::default());
    let engine = Engine::new(MemoryCluster::new(), store.clone());
    engine.backup(&"measured".parse()?, &BackupSpec::default(), &Run::default()).await?;
    println!("{} bytes of claims, manifests and notes", store.1.load(Ordering::Relaxed));
    assert!(store.1.load(Ordering::Relaxed) > 0);
    Ok(())
}
