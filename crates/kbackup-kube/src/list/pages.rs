//! The pages of one list.

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt};
use kbackup_core::cluster::{At, ClusterError, ClusterResult, ListQuery, Page};
use kbackup_core::model::{Object, ResourceType, Revision};

use super::item::{self, Wanted};
use super::scan::{ListMeta, ScanError, Scanner};
use super::sizing::Sizing;
use crate::error::{Failure, bad_response};
use crate::http::{Call, Chunks, Http, JSON, METADATA};
use crate::retry::Attempts;
use crate::url::{self, Uri};

/// A [`Page`] is given away when it has so many objects, or so many bytes, whatever else the server's own page holds.
const PAGE_OBJECTS_MAX: usize = 500;
const PAGE_BYTES_MAX: usize = 1 << 20;

/// An object is at most a few MiB in etcd; more is not an object.
const ITEM_BYTES_MAX: usize = 64 << 20;

/// Objects in the first page where it may have to be held, whatever they weigh.
const HELD_OBJECTS_MAX: usize = 50;

/// The objects of a query, as [`kbackup_core::cluster::ClusterReader::list`] promises them. The last page may be
/// empty, and an empty list is one empty page: it tells the revision.
pub(crate) fn pages(http: Http, query: &ListQuery) -> BoxStream<'static, ClusterResult<Page>> {
    let lister = Lister::new(http, query);
    stream::try_unfold(lister, async |mut lister| Ok(lister.next().await?.map(|page| (page, lister)))).boxed()
}

/// Reads the server's pages one after the other.
struct Lister {
    http: Http,
    ty: Arc<ResourceType>,
    /// The collection and what of it is asked for, less what concerns pages.
    uri: Uri,
    at: At,
    wanted: Wanted,
    sizing: Sizing,
    /// The token of the server's page that is read now; empty on the first.
    token: String,
    /// The revision that the server was asked for, or that its first page was of.
    pinned: Option<Revision>,
    /// How many objects were to come after the server's page before this one, where it said so.
    after: Option<u64>,
    reading: Option<Reading>,
    batch: Batch,
    /// How often the server's current page broke since it last gave an object.
    attempts: Attempts,
    /// Objects of the server's current page that were taken before it broke.
    skip: usize,
    done: bool,
}

/// A page of the server under way.
struct Reading {
    call: Call,
    chunks: Chunks,
    scanner: Scanner,
    items: usize,
    bytes: u64,
}

/// Objects that are not given away yet.
#[derive(Default)]
struct Batch {
    objects: Vec<Object>,
    bytes: usize,
}

impl Lister {
    fn new(http: Http, query: &ListQuery) -> Self {
        let field = query.name.as_ref().map(|name| format!("metadata.name={name}"));
        let labels = Some(query.labels.to_string()).filter(|labels| !labels.is_empty());
        Self {
            http,
            ty: Arc::clone(&query.ty),
            uri: Uri::new(url::collection(&query.ty.gvr, query.namespace.as_deref()))
                .with_some("labelSelector", labels.as_deref())
                .with_some("fieldSelector", field.as_deref()),
            at: query.at,
            pinned: match query.at {
                At::Exact(revision) => Some(revision),
                At::Newest => None,
            },
            after: None,
            wanted: if query.metadata_only { Wanted::Metadata } else { Wanted::Whole },
            sizing: Sizing::new(query.page, if query.at == At::Newest { HELD_OBJECTS_MAX } else { usize::MAX }),
            token: String::new(),
            reading: None,
            batch: Batch::default(),
            attempts: Attempts::default(),
            skip: 0,
            done: false,
        }
    }

    /// The next page to give away; `None` after the last.
    async fn next(&mut self) -> ClusterResult<Option<Page>> {
        while !self.done {
            let mut reading = match self.reading.take() {
                Some(reading) => reading,
                None => self.open().await?,
            };
            match reading.chunks.next().await {
                Ok(None) => {
                    let page = self.close(reading)?;
                    if self.done || !page.objects.is_empty() {
                        return Ok(Some(page));
                    }
                }
                Ok(Some(chunk)) => {
                    self.take(&mut reading, &chunk)?;
                    let page = self.full_page(&reading)?;
                    self.reading = Some(reading);
                    if page.is_some() {
                        return Ok(page);
                    }
                }
                Err(failure) => self.resume(reading, failure).await?,
            }
        }
        Ok(None)
    }

    /// Asks for the server's page at `token`.
    async fn open(&mut self) -> ClusterResult<Reading> {
        // A page that broke is asked for again with all that was taken of it.
        let limit = self.sizing.limit().max(self.skip.saturating_add(1));
        let mut uri = self.uri.clone().with("limit", &limit.to_string());
        if !self.token.is_empty() {
            // The token holds the revision; a server refuses both at once.
            uri = uri.with("continue", &self.token);
        } else if let At::Exact(revision) = self.at {
            uri = uri.with("resourceVersion", &revision.to_string()).with("resourceVersionMatch", "Exact");
        }
        let accept = if self.wanted == Wanted::Metadata { METADATA } else { JSON };
        let call = Call::get(uri).accept(accept);
        let chunks = self.http.send(&call).await?;
        Ok(Reading { call, chunks, scanner: Scanner::new(ITEM_BYTES_MAX), items: 0, bytes: 0 })
    }

    /// Takes the objects that `chunk` completes.
    fn take(&mut self, reading: &mut Reading, chunk: &[u8]) -> ClusterResult<()> {
        let Reading { scanner, items, bytes, .. } = reading;
        *bytes += chunk.len() as u64;
        let (ty, wanted, batch) = (&self.ty, self.wanted, &mut self.batch);
        scanner
            .push(chunk, |item| {
                *items += 1;
                if *items > self.skip {
                    batch.push(item::parse(item, ty, wanted).map_err(|_| Unreadable::Item(*items))?);
                    self.attempts = Attempts::default();
                }
                Ok(())
            })
            .map_err(|error: Unreadable| error.of(&self.ty))
    }

    /// What is to be given away, where it is enough and its revision is known.
    ///
    /// Of custom resources the metadata comes after the items. A server that was asked for a revision is believed to give
    /// it until then; where it was asked for the newest one, its first page is held.
    fn full_page(&mut self, reading: &Reading) -> ClusterResult<Option<Page>> {
        if self.batch.objects.len() < PAGE_OBJECTS_MAX && self.batch.bytes < PAGE_BYTES_MAX {
            return Ok(None);
        }
        let said = reading.scanner.meta().map(|meta| revision(meta, &self.ty)).transpose()?;
        let Some(revision) = said.or(self.pinned) else { return Ok(None) };
        let remaining = self.after.map(|after| after.saturating_sub(reading.items as u64));
        Ok(Some(self.batch.give(revision, remaining)))
    }

    /// The server's page is over.
    fn close(&mut self, reading: Reading) -> ClusterResult<Page> {
        let Reading { scanner, items, bytes, .. } = reading;
        let meta = scanner.finish().map_err(|error| Unreadable::Scan(error).of(&self.ty))?;
        self.sizing.learn(items, bytes);
        self.skip = 0;
        self.done = meta.token.is_empty();
        self.after = if self.done { Some(0) } else { meta.remaining_item_count };
        let revision = revision(&meta, &self.ty)?;
        self.pinned = Some(revision);
        self.token = meta.token;
        Ok(self.batch.give(revision, self.after))
    }

    /// Makes ready to ask for the server's page again after it broke: what was taken of it is skipped then.
    ///
    /// # Errors
    /// Where it broke too often, or the same page cannot be had again.
    async fn resume(&mut self, reading: Reading, failure: Failure) -> ClusterResult<()> {
        let taken = self.skip.max(reading.items);
        if taken > 0 && !self.is_repeatable(&reading) {
            return Err(failure.error);
        }
        self.skip = taken;
        self.http.pause(&mut self.attempts, &reading.call, failure).await
    }

    /// Whether asking again gives the same objects in the same order: by a token, or by a revision, unless the server has
    /// said that the page is of another.
    fn is_repeatable(&self, reading: &Reading) -> bool {
        let said = reading.scanner.meta().map(|meta| meta.resource_version.as_str());
        match self.at {
            _ if !self.token.is_empty() => true,
            At::Exact(revision) => said.is_none_or(|said| said == revision.to_string()),
            At::Newest => false,
        }
    }
}

impl Batch {
    fn push(&mut self, object: Object) {
        self.bytes += object.raw().len();
        self.objects.push(object);
    }

    fn give(&mut self, revision: Revision, remaining: Option<u64>) -> Page {
        self.bytes = 0;
        Page { objects: std::mem::take(&mut self.objects), revision, remaining }
    }
}

/// Why the body of a list cannot be read.
enum Unreadable {
    Scan(ScanError),
    Item(usize),
}

impl From<ScanError> for Unreadable {
    fn from(error: ScanError) -> Self {
        Self::Scan(error)
    }
}

impl Unreadable {
    fn of(&self, ty: &ResourceType) -> ClusterError {
        match self {
            Self::Scan(error) => bad_response(format!("the list of {ty} is not understood: {error}")),
            Self::Item(number) => {
                bad_response(format!("item {number} of the list of {ty} is not an object of Kubernetes"))
            }
        }
    }
}

/// Aggregated APIs may have no revisions: 0 then, which no write has.
fn revision(meta: &ListMeta, ty: &ResourceType) -> ClusterResult<Revision> {
    match meta.resource_version.as_str() {
        "" => Ok(Revision(0)),
        text => text.parse().map_err(|error| bad_response(format!("the list of {ty} has no revision: {error}"))),
    }
}
