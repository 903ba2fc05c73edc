//! The files of a backup while they are written: parts by several lanes at once, one index for all.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Mutex;

use super::claim::Held;
use crate::format::{FileRecord, IndexEntry, IndexWriter, PartRecord, PartWriter};
use crate::limits::Limits;
use crate::model::{Gvr, Object};
use crate::store::{ObjectStore, StoreResult};

/// What all lanes share.
#[derive(Debug)]
pub(super) struct Archive<'a> {
    store: &'a dyn ObjectStore,
    held: &'a Held<'a>,
    limits: &'a Limits,
    numbers: AtomicU32,
    index: Mutex<IndexWriter<'a>>,
}

/// The part that one lane is writing: closed when it is full, and small types share it.
#[derive(Debug)]
pub(super) struct Lane<'s, 'a> {
    archive: &'s Archive<'a>,
    part: Option<PartWriter<'a>>,
    parts: Vec<PartRecord>,
}

impl<'a> Archive<'a> {
    pub(super) fn new(store: &'a dyn ObjectStore, held: &'a Held<'a>, limits: &'a Limits) -> StoreResult<Self> {
        let index = Mutex::new(IndexWriter::new(store, &held.layout, limits, &held.seal)?);
        Ok(Self { store, held, limits, numbers: AtomicU32::new(1), index })
    }

    /// The number of the next part.
    fn number(&self) -> u32 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn lane(&self) -> Lane<'_, 'a> {
        Lane { archive: self, part: None, parts: Vec::new() }
    }

    /// Says in the index that what was read of this type so far is void.
    pub(super) async fn void(&self, gvr: &Gvr, namespace: Option<&String>) -> StoreResult<()> {
        let entry = IndexEntry::Void { void: gvr.clone().into(), ns: namespace.cloned() };
        self.index.lock().await.append(&[entry]).await
    }

    pub(super) async fn finish(self) -> StoreResult<BTreeMap<String, FileRecord>> {
        let index = self.index.into_inner().finish().await?;
        Ok([("index".to_owned(), index)].into())
    }
}

impl Lane<'_, '_> {
    /// Appends objects of one type.
    pub(super) async fn append(&mut self, gvr: &Gvr, objects: &[&Object]) -> StoreResult<()> {
        let mut lines = Vec::with_capacity(objects.len());
        for object in objects {
            let line = self.part().await?.append(gvr, object).await?;
            lines.push(IndexEntry::Object(line));
        }
        self.archive.index.lock().await.append(&lines).await
    }

    /// Closes the last part and gives the records of all.
    pub(super) async fn finish(mut self) -> StoreResult<Vec<PartRecord>> {
        if let Some(part) = self.part.take() {
            self.parts.push(part.finish().await?);
        }
        Ok(self.parts)
    }
}

impl<'a> Lane<'_, 'a> {
    /// The part to append to: a new one where there is none, or where the last is full.
    async fn part(&mut self) -> StoreResult<&mut PartWriter<'a>> {
        let archive = self.archive;
        let Held { layout, started_at, seal, .. } = archive.held;
        let part = match self.part.take() {
            Some(part) if part.raw_bytes() < archive.limits.part_bytes_raw => part,
            Some(full) => {
                let (record, next) = full.then(layout, archive.number()).await?;
                self.parts.push(record);
                next
            }
            None => PartWriter::new(archive.store, layout, archive.number(), *started_at, archive.limits, seal)?,
        };
        Ok(self.part.insert(part))
    }
}
