//! The ports: what every cluster does, and guarantees.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use serde_json::Value;

use super::ClusterResult;
use crate::limits::Limits;
use crate::model::{Discovery, LabelSelector, Object, ObjectRef, ResourceType, Revision};

/// Reads a cluster.
///
/// # Contract
/// - **One history**: all types of the API server's own store share one counter of revisions. A list at
///   [`At::Exact`] gives the objects exactly as they were after that write, whatever has happened since.
/// - **Bounded**: an implementation holds at most a page of small objects, or a few large ones, at a time. A consumer that
///   does not poll stops the reading.
/// - **Cancel**: dropping a future or stream ends the call.
/// - Transient errors (429 with its `Retry-After`, 503, a connection that could not be opened) are retried
///   inside, a bounded number of times; what comes out as an error is final for this call.
#[async_trait]
pub trait ClusterReader: Debug + Send + Sync + 'static {
    /// Which cluster this is.
    async fn info(&self) -> ClusterResult<ClusterInfo>;

    /// The types that the cluster serves now, never from a cache. An API group that does not answer is in
    /// [`Discovery::broken`], not an error.
    async fn discover(&self) -> ClusterResult<Discovery>;

    /// The newest revision.
    async fn revision(&self) -> ClusterResult<Revision>;

    /// The objects of one type, in the order of namespace and name, in pages. An object is in at most one page. The
    /// stream ends after its first error.
    ///
    /// # Errors
    /// `Expired` where the revision was compacted away, at the beginning or between two pages; `NotFound` where the type
    /// is not served.
    fn list(&self, query: &ListQuery) -> BoxStream<'_, ClusterResult<Page>>;

    /// How often the cluster has asked to slow down so far, also where the call was tried again inside. Whoever has many
    /// calls on their way looks at it, to have fewer.
    fn throttled(&self) -> u64 {
        0
    }

    /// One object as it is now; `None` where there is none.
    async fn get(&self, object: &ObjectRef) -> ClusterResult<Option<Object>>;
}

/// Writes to a cluster.
///
/// # Contract
/// As [`ClusterReader`]'s; and a write that was retried after a broken connection may find its own effect: a create
/// then answers [`Created::Exists`].
#[async_trait]
pub trait ClusterWriter: ClusterReader {
    /// Creates one object of type `ty` in the namespace that its metadata names.
    ///
    /// # Errors
    /// `Invalid` with fields; `Forbidden`, also where the namespace is terminating; `NotFound` where the namespace or the
    /// type does not exist.
    async fn create(&self, ty: &ResourceType, object: &Object, options: &WriteOptions) -> ClusterResult<Created>;

    /// Replaces one object, or its status. `metadata.resourceVersion`, where the object has one, must be the current one.
    ///
    /// # Errors
    /// `NotFound`, `Conflict`, `Invalid`.
    async fn replace(
        &self,
        at: &ObjectRef,
        object: &Object,
        part: Part,
        options: &WriteOptions,
    ) -> ClusterResult<Object>;

    /// Changes one object, or its status.
    ///
    /// # Errors
    /// `NotFound` (but for [`Patch::Apply`], which creates), `Conflict`, `Invalid`.
    async fn patch(&self, at: &ObjectRef, patch: &Patch, part: Part, options: &WriteOptions) -> ClusterResult<Object>;

    /// Asks for one object's deletion. It may stay, with a `deletionTimestamp`, until its finalizers are gone. One that does
    /// not exist is fine.
    ///
    /// # Errors
    /// `Conflict` where the object is not the one of `options.uid`.
    async fn delete(&self, at: &ObjectRef, options: &DeleteOptions) -> ClusterResult<()>;

    /// Waits until the condition holds, at most `limit`.
    async fn wait(&self, at: &ObjectRef, until: &Condition, limit: Duration) -> ClusterResult<Waited>;
}

/// Runs commands in containers.
#[async_trait]
pub trait PodExec: Debug + Send + Sync + 'static {
    /// Runs one command in a container of a running pod and returns when it has ended, or after `run.timeout`, with
    /// `Timeout`. A command that ends with another code than zero is `Ok`: its code is in the output.
    async fn exec(&self, pod: &ObjectRef, run: &ExecCommand) -> ClusterResult<ExecOutput>;
}

/// Which cluster this is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClusterInfo {
    /// The uid of the namespace `kube-system`: what identifies a cluster for its lifetime. `None` where it can't be read.
    pub uid: Option<String>,
    /// The server's version (`v1.37.2`).
    pub version: String,
    /// Where it is, without credentials: a URL, or a word such as `memory`.
    pub name: String,
}

/// Which objects to list, and how.
#[derive(Debug, Clone)]
pub struct ListQuery {
    /// Their type.
    pub ty: std::sync::Arc<ResourceType>,
    /// Only those in this namespace.
    pub namespace: Option<String>,
    /// Only those whose labels match; the server selects.
    pub labels: LabelSelector,
    /// Only the one of this name: a way to read one object at a revision, which [`ClusterReader::get`] is not.
    pub name: Option<String>,
    /// At which revision.
    pub at: At,
    /// How large a page may be.
    pub page: PageSize,
    /// Only `apiVersion`, `kind` and `metadata` of each object.
    pub metadata_only: bool,
}

impl ListQuery {
    /// Every object of a type, whole.
    #[must_use]
    pub fn all(ty: std::sync::Arc<ResourceType>, at: At, page: PageSize) -> Self {
        Self { ty, namespace: None, labels: LabelSelector::default(), name: None, at, page, metadata_only: false }
    }
}

impl PageSize {
    /// As large as a run may ask for.
    ///
    /// ```
    /// use kbackup_core::cluster::PageSize;
    /// use kbackup_core::limits::Limits;
    ///
    /// let small = Limits { page_objects_max: 10, ..Limits::default() };
    /// assert_eq!(PageSize::of(&small).objects_max, 10);
    /// ```
    #[must_use]
    pub fn of(limits: &Limits) -> Self {
        Self { objects_max: limits.page_objects_max, bytes_target: limits.page_bytes_target }
    }
}

/// At which revision to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The newest at the moment of the list.
    Newest,
    /// Exactly this one.
    Exact(Revision),
}

/// How large a page may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize {
    /// Objects in the first page, and at most in any.
    pub objects_max: usize,
    /// Bytes that a page should have at most: later pages ask for fewer objects where these are large.
    pub bytes_target: usize,
}

/// Some of the objects of a list. Where the server's own page is large, it comes as several of these.
#[derive(Debug, Clone)]
pub struct Page {
    /// The objects, with `apiVersion` and `kind`.
    pub objects: Vec<Object>,
    /// The revision of the whole list.
    pub revision: Revision,
    /// How many objects come after this page, where the server says so.
    pub remaining: Option<u64>,
}

/// How a write is done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WriteOptions {
    /// Whether the server only checks whether it would accept the write (`dryRun=All`).
    pub dry_run: bool,
    /// Who the server records as the manager of the written fields. Not given: by the client's name.
    pub field_manager: Option<String>,
}

/// What became of a create.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "nearly all are New, and none is kept")]
pub enum Created {
    /// The object was created, and this is how.
    New(Object),
    /// There was one of that name already. Nothing was changed.
    Exists,
}

/// Which part of an object a write is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// All but the status (where the type has a status subresource).
    Main,
    /// The status alone.
    Status,
}

/// A change of an object (<https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply>).
#[derive(Debug, Clone, PartialEq)]
pub enum Patch {
    /// A JSON patch (RFC 6902).
    Json(Value),
    /// A JSON merge patch (RFC 7386).
    Merge(Value),
    /// A strategic merge patch: built-in types only.
    Strategic(Value),
    /// Server-side apply: the fields that the manager wants to own.
    Apply {
        /// The object, as far as the manager has an opinion.
        body: Value,
        /// Whether fields of other managers are taken over instead of being a `Conflict`.
        force: bool,
    },
}

/// How an object is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeleteOptions {
    /// Only the object of this uid.
    pub uid: Option<String>,
    /// What happens to the objects that it owns. Not given: what the type's default is.
    pub propagation: Option<Propagation>,
    /// Whether the server only checks whether it would accept the deletion.
    pub dry_run: bool,
}

/// What happens to the objects that a deleted object owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Propagation {
    /// They stay.
    Orphan,
    /// They are collected afterwards.
    Background,
    /// They are deleted first.
    Foreground,
}

/// What to wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The object does not exist.
    Gone,
    /// The entry of this type in `status.conditions` has the status `True`.
    True(String),
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// The condition holds.
    Met,
    /// The time was over first.
    TimedOut,
}

/// A command to run in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecCommand {
    /// The container; not given: the pod's default one.
    pub container: Option<String>,
    /// The program and its arguments; no shell.
    pub command: Vec<String>,
    /// How long it may run.
    pub timeout: Duration,
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExecOutput {
    /// Its exit code.
    pub exit_code: i32,
    /// What it wrote to its standard output, cut at 64 KiB.
    pub stdout: Bytes,
    /// What it wrote to its standard error, cut at 64 KiB.
    pub stderr: Bytes,
}
