//! A cluster that fails on purpose.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};

use super::failures::{Failures, Fault, Operation, Tally};
use crate::cluster::{
    ClusterInfo, ClusterReader, ClusterResult, ClusterWriter, Condition, Created, DeleteOptions, ExecCommand,
    ExecOutput, ListQuery, Page, Part, Patch, PodExec, Waited, WriteOptions,
};
use crate::model::{Discovery, Object, ObjectRef, ResourceType, Revision};

/// Another cluster whose operations fail by a plan: for tests of what an engine does then. The failures are final, as
/// those of a client that has retried in vain.
///
/// ```
/// use std::sync::Arc;
/// use kbackup_core::cluster::{ClusterReader, Failures, FlakyCluster, MemoryCluster, Operation};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let plan = Failures::at_nth(2).of(&[Operation::Discover]);
/// let cluster = FlakyCluster::new(Arc::new(MemoryCluster::new()), plan);
/// assert!(cluster.discover().await.is_ok());
/// assert!(cluster.revision().await.is_ok());
/// assert!(cluster.discover().await.is_err());
/// assert_eq!(cluster.failures(), 1);
/// # });
/// ```
#[derive(Debug)]
pub struct FlakyCluster<C: ?Sized> {
    inner: Arc<C>,
    tally: Arc<Tally>,
}

impl<C: ?Sized> FlakyCluster<C> {
    /// `inner`, failing as planned. Clones share the count.
    #[must_use]
    pub fn new(inner: Arc<C>, plan: Failures) -> Self {
        Self { inner, tally: Arc::new(Tally::new(plan)) }
    }

    /// How many operations were begun of those that the plan is about.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.tally.operations()
    }

    /// How many of them were made to fail.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.tally.failures()
    }

    fn next(&self, operation: Operation, about: impl std::fmt::Display) -> Fault {
        self.tally.next(operation, &about)
    }
}

impl<C: ?Sized> Clone for FlakyCluster<C> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), tally: self.tally.clone() }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<C: ClusterReader + ?Sized> ClusterReader for FlakyCluster<C> {
    async fn info(&self) -> ClusterResult<ClusterInfo> {
        let fault = self.next(Operation::Info, "the cluster").before()?;
        fault.after(self.inner.info().await?)
    }

    async fn discover(&self) -> ClusterResult<Discovery> {
        let fault = self.next(Operation::Discover, "the cluster").before()?;
        fault.after(self.inner.discover().await?)
    }

    async fn revision(&self) -> ClusterResult<Revision> {
        let fault = self.next(Operation::Revision, "the cluster").before()?;
        fault.after(self.inner.revision().await?)
    }

    fn list(&self, query: &ListQuery) -> BoxStream<'_, ClusterResult<Page>> {
        match self.next(Operation::List, &query.ty).before() {
            Err(error) => stream::iter([Err(error)]).boxed(),
            Ok(fault) => match fault.into_error() {
                None => self.inner.list(query),
                Some(error) => self.inner.list(query).take(1).chain(stream::iter([Err(error)])).boxed(),
            },
        }
    }

    fn throttled(&self) -> u64 {
        self.inner.throttled()
    }

    async fn get(&self, object: &ObjectRef) -> ClusterResult<Option<Object>> {
        let fault = self.next(Operation::Get, object).before()?;
        fault.after(self.inner.get(object).await?)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<C: ClusterWriter + ?Sized> ClusterWriter for FlakyCluster<C> {
    async fn create(&self, ty: &ResourceType, object: &Object, options: &WriteOptions) -> ClusterResult<Created> {
        let fault = self.next(Operation::Create, object).before()?;
        fault.after(self.inner.create(ty, object, options).await?)
    }

    async fn replace(
        &self,
        at: &ObjectRef,
        object: &Object,
        part: Part,
        options: &WriteOptions,
    ) -> ClusterResult<Object> {
        let fault = self.next(Operation::Replace, at).before()?;
        fault.after(self.inner.replace(at, object, part, options).await?)
    }

    async fn patch(&self, at: &ObjectRef, patch: &Patch, part: Part, options: &WriteOptions) -> ClusterResult<Object> {
        let fault = self.next(Operation::Patch, at).before()?;
        fault.after(self.inner.patch(at, patch, part, options).await?)
    }

    async fn delete(&self, at: &ObjectRef, options: &DeleteOptions) -> ClusterResult<()> {
        let fault = self.next(Operation::Delete, at).before()?;
        self.inner.delete(at, options).await?;
        fault.after(())
    }

    async fn wait(&self, at: &ObjectRef, until: &Condition, limit: Duration) -> ClusterResult<Waited> {
        let fault = self.next(Operation::Wait, at).before()?;
        fault.after(self.inner.wait(at, until, limit).await?)
    }
}

#[async_trait]
impl<C: PodExec + ?Sized> PodExec for FlakyCluster<C> {
    async fn exec(&self, pod: &ObjectRef, run: &ExecCommand) -> ClusterResult<ExecOutput> {
        let fault = self.next(Operation::Exec, pod).before()?;
        fault.after(self.inner.exec(pod, run).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{At, ClusterErrorKind, MemoryCluster, PageSize};
    use crate::model::Gvr;

    fn flaky(plan: Failures) -> FlakyCluster<MemoryCluster> {
        FlakyCluster::new(Arc::new(MemoryCluster::new()), plan)
    }

    async fn outcomes(plan: Failures) -> [bool; 6] {
        let cluster = flaky(plan);
        let mut outcomes = [false; 6];
        for outcome in &mut outcomes {
            *outcome = cluster.revision().await.is_ok();
        }
        let failed = outcomes.iter().filter(|succeeded| !**succeeded).count() as u64;
        assert_eq!((cluster.failures(), cluster.operations()), (failed, 6));
        outcomes
    }

    #[tokio::test]
    async fn plans_choose_by_number() {
        let (o, x) = (true, false);
        assert_eq!(outcomes(Failures::none()).await, [o, o, o, o, o, o]);
        assert_eq!(outcomes(Failures::at_nth(4)).await, [o, o, o, x, o, o]);
        assert_eq!(outcomes(Failures::from_nth(4)).await, [o, o, o, x, x, x]);
        assert_eq!(outcomes(Failures::every_nth(2)).await, [o, x, o, x, o, x]);
    }

    #[tokio::test]
    async fn a_list_can_fail_between_two_pages() {
        let expired = Failures::at_nth(1).of(&[Operation::List]).kind(ClusterErrorKind::Expired).after_effect();
        let cluster = flaky(expired);
        let discovery = cluster.discover().await.expect("only lists fail");
        let namespaces = discovery.get(&Gvr::new("", "v1", "namespaces")).expect("it is built in").clone();
        let query = ListQuery::all(namespaces, At::Newest, PageSize { objects_max: 1, bytes_target: 1 });
        let pages: Vec<_> = cluster.list(&query).collect().await;
        assert_eq!(pages.len(), 2);
        assert_eq!(pages[1].as_ref().expect_err("the second page is lost").kind(), ClusterErrorKind::Expired);
        assert_eq!(cluster.list(&query).count().await, 4, "only the first list fails");
    }

    #[tokio::test]
    async fn a_lost_answer_is_of_an_operation_that_was_done() {
        let memory = Arc::new(MemoryCluster::new());
        let plan =
            Failures::at_nth(1).after_effect().kind(ClusterErrorKind::Throttled).retry_after(Duration::from_secs(3));
        let cluster = FlakyCluster::new(memory.clone(), plan);
        let object = br#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"default"}}"#;
        let object = Object::parse(object.as_slice()).expect("an object");
        let gvr = Gvr::new("", "v1", "configmaps");
        let ty = memory.resource_type(&gvr).expect("it is built in");
        let lost = ClusterWriter::create(&cluster, &ty, &object, &WriteOptions::default()).await;
        let error = lost.expect_err("the answer is lost");
        assert_eq!((error.kind(), error.retry_after()), (ClusterErrorKind::Throttled, Some(Duration::from_secs(3))));
        assert!(memory.peek(&object.at(&gvr)).is_some());
    }
}
