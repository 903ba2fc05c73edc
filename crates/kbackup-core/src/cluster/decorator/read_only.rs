//! A cluster that is only read.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::cluster::{
    ClusterError, ClusterErrorKind, ClusterInfo, ClusterReader, ClusterResult, ClusterWriter, Condition, Created,
    DeleteOptions, ExecCommand, ExecOutput, ListQuery, Page, Part, Patch, PodExec, Waited, WriteOptions,
};
use crate::model::{Discovery, Object, ObjectRef, ResourceType, Revision};

/// Another cluster without its writes: each is refused as `Forbidden` before it reaches that cluster, dry runs too. Commands
/// in containers are refused likewise: nobody knows what they change.
#[derive(Debug)]
pub struct ReadOnlyCluster<C: ?Sized> {
    inner: Arc<C>,
}

impl<C: ?Sized> ReadOnlyCluster<C> {
    /// `inner`, without its writes.
    #[must_use]
    pub fn new(inner: Arc<C>) -> Self {
        Self { inner }
    }
}

impl<C: ?Sized> Clone for ReadOnlyCluster<C> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

fn refused<T>(what: &str, about: &dyn std::fmt::Display) -> ClusterResult<T> {
    let message = format!("cannot {what} {about}: the cluster was opened read-only; open it read-write to change it");
    Err(ClusterError::new(ClusterErrorKind::Forbidden, message))
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<C: ClusterReader + ?Sized> ClusterReader for ReadOnlyCluster<C> {
    async fn info(&self) -> ClusterResult<ClusterInfo> {
        self.inner.info().await
    }

    async fn discover(&self) -> ClusterResult<Discovery> {
        self.inner.discover().await
    }

    async fn revision(&self) -> ClusterResult<Revision> {
        self.inner.revision().await
    }

    fn list(&self, query: &ListQuery) -> BoxStream<'_, ClusterResult<Page>> {
        self.inner.list(query)
    }

    fn throttled(&self) -> u64 {
        self.inner.throttled()
    }

    async fn get(&self, object: &ObjectRef) -> ClusterResult<Option<Object>> {
        self.inner.get(object).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<C: ClusterWriter + ?Sized> ClusterWriter for ReadOnlyCluster<C> {
    async fn create(&self, _ty: &ResourceType, object: &Object, _options: &WriteOptions) -> ClusterResult<Created> {
        refused("create", object)
    }

    async fn replace(
        &self,
        at: &ObjectRef,
        _object: &Object,
        _part: Part,
        _options: &WriteOptions,
    ) -> ClusterResult<Object> {
        refused("replace", at)
    }

    async fn patch(
        &self,
        at: &ObjectRef,
        _patch: &Patch,
        _part: Part,
        _options: &WriteOptions,
    ) -> ClusterResult<Object> {
        refused("change", at)
    }

    async fn delete(&self, at: &ObjectRef, _options: &DeleteOptions) -> ClusterResult<()> {
        refused("delete", at)
    }

    async fn wait(&self, at: &ObjectRef, until: &Condition, limit: Duration) -> ClusterResult<Waited> {
        self.inner.wait(at, until, limit).await
    }
}

#[async_trait]
impl<C: PodExec + ?Sized> PodExec for ReadOnlyCluster<C> {
    async fn exec(&self, pod: &ObjectRef, _run: &ExecCommand) -> ClusterResult<ExecOutput> {
        refused("run a command in", pod)
    }
}
