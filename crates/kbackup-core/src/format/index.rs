//! The index: one line an object, so that a restore can choose without reading the parts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{BackupLayout, FileRecord, FileWriter};
use crate::crypt::Seal;
use crate::limits::Limits;
use crate::model::{Gvr, Object, ObjectRef, OwnerRef};
use crate::store::{ObjectStore, StoreResult};

/// One object in a backup: what it is and where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexLine {
    /// Its type.
    pub gvr: Arc<Gvr>,
    /// Its namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ns: Option<String>,
    /// Its name.
    pub name: String,
    /// Its uid.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// Its resourceVersion.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rv: String,
    /// Its labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The owner that manages it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerRef>,
    /// The number of its part.
    pub part: u32,
    /// Where its JSON begins in the decompressed part, in bytes.
    pub off: u64,
    /// How long its JSON is, in bytes.
    pub len: u64,
    /// The SHA-256 digest of its JSON, in hexadecimal digits.
    pub sha256: String,
}

/// A line of the index file: an object, or the note that the lines of a type up to here are void.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "nearly all are objects, and a page of them is written at once")]
pub enum IndexEntry {
    /// An object.
    Object(IndexLine),
    /// What was read of this type (in this namespace) so far is void: its list broke off and began anew. The entries
    /// stay in their parts, and no line names them.
    Void {
        /// The type.
        void: Arc<Gvr>,
        /// The namespace, where the list was of one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ns: Option<String>,
    },
}

impl IndexLine {
    pub(super) fn of(gvr: &Gvr, object: &Object, part: u32, off: u64, sha256: String) -> Self {
        let meta = object.meta();
        Self {
            gvr: Arc::new(gvr.clone()),
            ns: meta.namespace.clone(),
            name: meta.name.clone(),
            uid: meta.uid.clone(),
            rv: meta.resource_version.clone(),
            labels: meta.labels.clone(),
            owner: object.controller().cloned(),
            part,
            off,
            len: object.raw().len() as u64,
            sha256,
        }
    }

    /// The object's place in the cluster that the backup is of.
    #[must_use]
    pub fn object(&self) -> ObjectRef {
        ObjectRef { gvr: Gvr::clone(&self.gvr), namespace: self.ns.clone(), name: self.name.clone() }
    }
}

/// Writes the index, line by line.
#[derive(Debug)]
pub struct IndexWriter<'a> {
    file: FileWriter<'a>,
}

impl<'a> IndexWriter<'a> {
    /// The index of a backup.
    ///
    /// # Errors
    /// As [`FileWriter::new`].
    pub fn new(store: &'a dyn ObjectStore, layout: &BackupLayout, limits: &Limits, seal: &Seal) -> StoreResult<Self> {
        Ok(Self { file: FileWriter::new(store, layout.index(), limits, seal)? })
    }

    /// Appends lines.
    ///
    /// # Errors
    /// The store's.
    pub async fn append(&mut self, entries: &[IndexEntry]) -> StoreResult<()> {
        let mut text = Vec::with_capacity(entries.len() * 256);
        for entry in entries {
            // Maps with text keys and plain values always serialise.
            _ = serde_json::to_writer(&mut text, entry);
            text.push(b'\n');
        }
        self.file.write(&text).await
    }

    /// Ends the index and makes it visible.
    ///
    /// # Errors
    /// The store's; nothing is visible then.
    pub async fn finish(self) -> StoreResult<FileRecord> {
        self.file.finish().await
    }
}

/// Takes the lines of an index one after the other and keeps those that count.
#[derive(Debug, Default)]
pub struct IndexReader {
    lines: Vec<IndexLine>,
    types: HashMap<Gvr, Arc<Gvr>>,
}

impl IndexReader {
    /// Takes one line of the file.
    ///
    /// # Errors
    /// Where the line is not one of an index.
    pub fn line(&mut self, text: &[u8]) -> Result<(), serde_json::Error> {
        match serde_json::from_slice(text)? {
            IndexEntry::Object(line) => self.push(line),
            IndexEntry::Void { void, ns } => {
                self.lines.retain(|line| line.gvr != void || (ns.is_some() && line.ns != ns));
            }
        }
        Ok(())
    }

    /// Takes the line of an object.
    pub(super) fn push(&mut self, mut line: IndexLine) {
        // Each type once in memory, however many objects it has.
        line.gvr = match self.types.get(&*line.gvr) {
            Some(known) => Arc::clone(known),
            None => {
                self.types.insert(Gvr::clone(&line.gvr), Arc::clone(&line.gvr));
                line.gvr
            }
        };
        self.lines.push(line);
    }

    /// The lines that count, by type, namespace and name.
    ///
    /// # Errors
    /// Where two lines name the same object: with the object.
    pub fn finish(mut self) -> Result<Vec<IndexLine>, ObjectRef> {
        let place = |line: &IndexLine| (Arc::clone(&line.gvr), line.ns.clone(), line.name.clone());
        self.lines.sort_by(|a, b| (&a.gvr, &a.ns, &a.name).cmp(&(&b.gvr, &b.ns, &b.name)));
        match self.lines.windows(2).find(|pair| place(&pair[0]) == place(&pair[1])) {
            Some(pair) => Err(pair[0].object()),
            None => Ok(self.lines),
        }
    }

    /// The parts that the lines so far name.
    #[must_use]
    pub fn parts(&self) -> BTreeSet<u32> {
        self.lines.iter().map(|line| line.part).collect()
    }
}
