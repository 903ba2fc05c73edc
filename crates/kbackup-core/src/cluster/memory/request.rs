//! What is asked of the cluster, and what it answers.

use super::FieldSelector;
use crate::model::{Gvr, LabelSelector, Object, Revision};

/// A list, as a client of the API asks for it.
#[derive(Debug, Clone)]
pub struct ListRequest {
    /// Which type.
    pub gvr: Gvr,
    /// Only in this namespace.
    pub namespace: Option<String>,
    /// Only objects with such labels.
    pub labels: LabelSelector,
    /// Only objects with such fields.
    pub fields: FieldSelector,
    /// At which revision. A continue token brings its own.
    pub at: ListAt,
    /// At most so many objects; no limit where it is `None` or zero.
    pub limit: Option<usize>,
    /// Where the last page ended.
    pub continue_token: Option<String>,
}

/// At which revision to list (<https://kubernetes.io/docs/reference/using-api/api-concepts/#the-resourceversion-parameter>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListAt {
    /// The newest.
    Newest,
    /// The newest, which must be at least this one.
    NotOlderThan(Revision),
    /// This one.
    Exact(Revision),
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct ListPage {
    /// The objects, in the order of namespace and name.
    pub objects: Vec<Object>,
    /// The revision of the list: the same for all its pages.
    pub revision: Revision,
    /// What to ask for the next page with; `None` after the last one.
    pub continue_token: Option<String>,
    /// How many objects follow. As on a real server, it is unknown where objects are selected.
    pub remaining: Option<u64>,
}

/// What became of a deletion.
#[derive(Debug, Clone)]
pub enum Deleted {
    /// The object is gone; this is its last state.
    Gone(Object),
    /// The object has a deletion timestamp now and stays until its finalizers, or what is in it, are gone.
    Finalizing(Object),
}

/// A watch, as a client of the API asks for it.
#[derive(Debug, Clone)]
pub struct WatchRequest {
    /// Which type.
    pub gvr: Gvr,
    /// Only in this namespace.
    pub namespace: Option<String>,
    /// Only objects with such labels: one that gets them is added, one that loses them is deleted.
    pub labels: LabelSelector,
    /// Only objects with such fields, likewise.
    pub fields: FieldSelector,
    /// What came after this revision. `None` begins with all objects as they are now, as added.
    pub from: Option<Revision>,
    /// Whether the stream also says how far it has come whenever it has told all there was.
    pub bookmarks: bool,
}

/// What a watch tells.
#[derive(Debug, Clone)]
pub enum WatchEvent {
    /// An object was created, or is selected now and was not before.
    Added(Object),
    /// An object was changed.
    Modified(Object),
    /// An object was removed, or is no longer selected; with its last selected state and the revision of the removal.
    Deleted(Object),
    /// Everything up to this revision was told.
    Bookmark(Revision),
}

impl ListRequest {
    /// All objects of a type, newest state, in one page.
    #[must_use]
    pub fn new(gvr: Gvr) -> Self {
        Self {
            gvr,
            namespace: None,
            labels: LabelSelector::default(),
            fields: FieldSelector::default(),
            at: ListAt::Newest,
            limit: None,
            continue_token: None,
        }
    }
}

impl WatchRequest {
    /// All changes of a type after `from`.
    #[must_use]
    pub fn new(gvr: Gvr, from: Option<Revision>) -> Self {
        Self {
            gvr,
            namespace: None,
            labels: LabelSelector::default(),
            fields: FieldSelector::default(),
            from,
            bookmarks: false,
        }
    }
}
