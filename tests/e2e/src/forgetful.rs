//! A cluster that forgets a revision while a list at it is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use kbackup_core::cluster::{
    At, ClusterErrorKind, ClusterInfo, ClusterReader, ClusterResult, ListQuery, MemoryCluster, Page,
};
use kbackup_core::model::{Discovery, Gvr, Object, ObjectRef, Revision};

/// How long a server may take to forget: twice its interval, and some more on a busy machine.
const FORGETS_WITHIN: Duration = Duration::from_secs(90);
/// How often it is asked whether it has.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// How the states of the past are forgotten.
#[derive(Debug, Clone)]
pub enum History {
    /// At once, when that is asked for.
    Memory(MemoryCluster),
    /// When the server likes to.
    Server,
}

/// The first list of one type at a revision stands still after its first page, until that revision is forgotten.
#[derive(Debug)]
pub struct Forgetful {
    inner: Arc<dyn ClusterReader>,
    history: History,
    gvr: Gvr,
    has_forgotten: AtomicBool,
}

impl Forgetful {
    /// `inner`, which forgets the revision at which `gvr` is listed first.
    #[must_use]
    pub fn new(inner: Arc<dyn ClusterReader>, history: History, gvr: Gvr) -> Self {
        Self { inner, history, gvr, has_forgotten: AtomicBool::new(false) }
    }

    async fn forget(&self, query: &ListQuery, revision: Revision) {
        match &self.history {
            // A state is kept as long as a list at the oldest revision needs it.
            History::Memory(memory) => memory.compact(Revision(revision.0 + 1)),
            History::Server => {
                let forgotten = tokio::time::timeout(FORGETS_WITHIN, self.forgotten(query));
                forgotten
                    .await
                    .unwrap_or_else(|_| panic!("revision {revision} is still known after {FORGETS_WITHIN:?}"));
            }
        }
    }

    async fn forgotten(&self, query: &ListQuery) {
        let mut asks = tokio::time::interval(ASK_EVERY);
        loop {
            asks.tick().await;
            match self.inner.list(query).next().await {
                Some(Err(error)) if error.kind() == ClusterErrorKind::Expired => return,
                Some(Err(error)) => panic!("the server can be asked what it remembers: {error}"),
                _ => {}
            }
        }
    }
}

#[async_trait]
impl ClusterReader for Forgetful {
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
        let pages = self.inner.list(query);
        let At::Exact(revision) = query.at else { return pages };
        if query.ty.gvr != self.gvr || self.has_forgotten.swap(true, Ordering::AcqRel) {
            return pages;
        }
        let query = query.clone();
        stream::unfold((pages, query, 0), move |(mut pages, query, read)| async move {
            if read == 1 {
                self.forget(&query, revision).await;
            }
            pages.next().await.map(|page| (page, (pages, query, read + 1)))
        })
        .boxed()
    }

    async fn get(&self, object: &ObjectRef) -> ClusterResult<Option<Object>> {
        self.inner.get(object).await
    }
}
