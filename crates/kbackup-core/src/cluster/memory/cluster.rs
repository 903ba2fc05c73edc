//! The cluster itself: what it can be asked, without waiting for anything.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use futures::Stream;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::counts::{Counters, Request, RequestCounts};
use super::exec::Script;
use super::request::{Deleted, ListPage, ListRequest, WatchEvent, WatchRequest};
use super::state::State;
use super::table::Key;
use super::types::Served;
use super::write::Write;
use crate::clock::{Clock, SystemClock};
use crate::cluster::{ClusterResult, DeleteOptions, Part, Patch, WriteOptions};
use crate::model::{Discovery, Gvr, Object, ObjectRef, ResourceType, Revision, Verb};

/// A Kubernetes API server's storage and semantics, in memory. A clone is the same cluster.
///
/// Its own methods do not wait and are what an API server in a process is made of; through the ports
/// [`ClusterReader`](crate::cluster::ClusterReader), [`ClusterWriter`](crate::cluster::ClusterWriter) and
/// [`PodExec`](crate::cluster::PodExec) it is a cluster like any other. A method of its own wins over a port's.
///
/// Every state since the last compaction is kept, at most [`MemoryClusterBuilder::history_max`] writes.
#[derive(Debug, Clone)]
pub struct MemoryCluster {
    pub(super) inner: Arc<Inner>,
}

/// How a [`MemoryCluster`] is made.
#[derive(Debug)]
pub struct MemoryClusterBuilder {
    clock: Arc<dyn Clock>,
    seed: Option<u64>,
    history_max: usize,
    version: String,
    name: String,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) version: String,
    pub(super) name: String,
    state: RwLock<State>,
    pub(super) changed: watch::Sender<u64>,
    pub(super) counters: Counters,
    script: Mutex<Script>,
}

/// Who writes where a client does not say it.
const DEFAULT_MANAGER: &str = "kbackup";

impl MemoryCluster {
    /// A fresh cluster: the system namespaces and the Service of the API server.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A fresh cluster with a clock, uids or limits of one's own.
    #[must_use]
    pub fn builder() -> MemoryClusterBuilder {
        MemoryClusterBuilder {
            clock: Arc::new(SystemClock),
            seed: None,
            history_max: 4_000_000,
            version: "v1.37.2".to_owned(),
            name: "memory".to_owned(),
        }
    }

    /// The server's version (`v1.37.2`).
    #[must_use]
    pub fn version(&self) -> &str {
        &self.inner.version
    }

    /// The types that are served now.
    #[must_use]
    pub fn discovery(&self) -> Discovery {
        self.inner.counters.count(Request::Discover);
        self.inner.read().types.discovery()
    }

    /// A type that is served now. It is not counted as a request.
    #[must_use]
    pub fn resource_type(&self, gvr: &Gvr) -> Option<Arc<ResourceType>> {
        self.inner.read().types.get(gvr).ok().map(|served| served.ty.clone())
    }

    /// One object as it is now, for a look that is not counted as a request.
    #[must_use]
    pub fn peek(&self, at: &ObjectRef) -> Option<Object> {
        let state = self.inner.read();
        let served = state.types.get(&at.gvr).ok()?;
        state.read(&served, &key_of(at, &served)).ok()
    }

    /// The newest revision.
    #[must_use]
    pub fn revision(&self) -> Revision {
        Revision(self.inner.read().revision())
    }

    /// One page of a list.
    ///
    /// # Errors
    /// `NotFound` where the type is not served; `Expired` where the revision, or the token's, was compacted; `Timeout`
    /// where it has not happened yet; `Invalid` for a token or a field that can't be.
    pub fn list_page(&self, request: &ListRequest) -> ClusterResult<ListPage> {
        self.inner.counters.count(Request::List);
        self.inner.read().list_page(request)
    }

    /// One object as it is now.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn get(&self, at: &ObjectRef) -> ClusterResult<Object> {
        self.inner.counters.count(Request::Get);
        let state = self.inner.read();
        let served = state.types.get_for(&at.gvr, Verb::Get)?;
        state.read(&served, &key_of(at, &served))
    }

    /// Creates an object of type `gvr` in a namespace, or in the cluster.
    ///
    /// # Errors
    /// `AlreadyExists`; `NotFound` where the type or the namespace is missing; `Forbidden` where the namespace is
    /// terminating or an admission rule says so; `Invalid`, with fields where it breaks rules of its type.
    pub fn create(
        &self,
        gvr: &Gvr,
        namespace: Option<&str>,
        body: Value,
        options: &WriteOptions,
    ) -> ClusterResult<Object> {
        self.inner.counters.count(Request::Create);
        self.write(options, |state, write| {
            let served = state.types.get_for(gvr, Verb::Create)?;
            state.create(&served, namespace, body, write)
        })
    }

    /// Replaces an object, or its status.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where the body has another uid or an older revision; `Invalid`.
    pub fn replace(&self, at: &ObjectRef, body: Value, part: Part, options: &WriteOptions) -> ClusterResult<Object> {
        self.inner.counters.count(Request::Replace);
        self.write(options, |state, write| {
            let served = state.types.get_for(&at.gvr, Verb::Update)?;
            state.replace(&served, &key_of(at, &served), body, part, write)
        })
    }

    /// Changes an object, or its status.
    ///
    /// # Errors
    /// `NotFound`, but for a server-side apply, which creates; `Conflict`; `Invalid`; `Unsupported` for a strategic merge
    /// patch of a custom type.
    pub fn patch(&self, at: &ObjectRef, patch: &Patch, part: Part, options: &WriteOptions) -> ClusterResult<Object> {
        self.inner.counters.count(Request::Patch);
        self.write(options, |state, write| {
            let served = state.types.get_for(&at.gvr, Verb::Patch)?;
            state.patch(&served, &key_of(at, &served), patch, part, write)
        })
    }

    /// Asks for an object's deletion.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` where it has another uid; `Forbidden` for the system namespaces.
    pub fn delete(&self, at: &ObjectRef, options: &DeleteOptions) -> ClusterResult<Deleted> {
        self.inner.counters.count(Request::Delete);
        self.write(&WriteOptions::default(), |state, write| {
            let served = state.types.get_for(&at.gvr, Verb::Delete)?;
            state.delete(&served, &key_of(at, &served), options, write.now)
        })
    }

    /// Asks for the deletion of all objects that a list would show; gives what became of each.
    ///
    /// # Errors
    /// As [`MemoryCluster::list_page`] and [`MemoryCluster::delete`]; what was deleted before an error stays deleted.
    pub fn delete_collection(&self, request: &ListRequest, options: &DeleteOptions) -> ClusterResult<Vec<Deleted>> {
        self.inner.counters.count(Request::DeleteCollection);
        self.write(&WriteOptions::default(), |state, write| {
            let served = state.types.get_for(&request.gvr, Verb::DeleteCollection)?;
            let page = state.list_page(request)?;
            let keys = page.objects.iter().map(super::table::key_of);
            keys.map(|key| state.delete(&served, &key, options, write.now)).collect()
        })
    }

    /// What happens to the objects of a type. The stream does not end but after an error: `Expired` where the reader was
    /// so slow that what it has not read was compacted.
    ///
    /// # Errors
    /// `NotFound` where the type is not served; `Expired` where `from` was compacted; `Invalid` for a field that can't be
    /// selected by.
    pub fn watch(
        &self,
        request: WatchRequest,
    ) -> ClusterResult<impl Stream<Item = ClusterResult<WatchEvent>> + Send + 'static + use<>> {
        self.inner.counters.count(Request::Watch);
        let state = self.inner.read();
        let served = state.types.get_for(&request.gvr, Verb::Watch)?;
        if let Some(field) = request.fields.unsupported(&served.table) {
            return Err(super::errors::bad_request(format!("field label not supported: {field}")));
        }
        if let Some(from) = request.from {
            state.check_watchable(from.0)?;
        }
        drop(state);
        Ok(super::watch::stream(self.inner.clone(), served, request))
    }

    /// Forgets every state that only revisions before `up_to` show: these answer `Expired` from now on.
    pub fn compact(&self, up_to: Revision) {
        self.inner.modify().compact(up_to.0);
    }

    /// Forgets every state but the newest.
    pub fn compact_all(&self) {
        let mut state = self.inner.modify();
        let newest = state.revision();
        state.compact(newest);
    }

    /// Makes an API group, or one version of it (`batch/v1`), fail as one whose server is gone; no namespace can end then.
    pub fn break_group(&self, group_version: &str, message: &str) {
        self.inner.modify().types.set_broken(group_version, Some(message));
    }

    /// Mends a group that was broken.
    pub fn mend_group(&self, group_version: &str) {
        let now = self.now();
        let mut state = self.inner.modify();
        state.types.set_broken(group_version, None);
        // What the controllers write can be stored: it was stored before.
        _ = state.retry_terminating(&now);
        self.inner.tell(&state);
    }

    /// How many requests there were.
    #[must_use]
    pub fn requests(&self) -> RequestCounts {
        self.inner.counters.read()
    }

    /// Counts from zero again.
    pub fn reset_requests(&self) {
        self.inner.counters.reset();
    }

    /// Does a write under the lock, lets the controllers follow and tells the watches.
    pub(super) fn write<T>(
        &self,
        options: &WriteOptions,
        action: impl FnOnce(&mut State, &Write<'_>) -> ClusterResult<T>,
    ) -> ClusterResult<T> {
        let now = self.now();
        let manager = options.field_manager.as_deref().unwrap_or(DEFAULT_MANAGER);
        let write = Write { now: &now, dry_run: options.dry_run, load: false, manager };
        let mut state = self.inner.modify();
        let result = action(&mut state, &write);
        let settled = state.settle(&now);
        self.inner.tell(&state);
        settled.and(result)
    }

    fn now(&self) -> String {
        let seconds = self.inner.clock.now().as_second();
        Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
    }
}

impl MemoryClusterBuilder {
    /// Where the time of creations and deletions comes from; the machine's clock by default.
    #[must_use]
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// What uids, generated names and addresses are made from: the same seed and the same requests make the same ones.
    /// Without one, two clusters differ.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// How many past writes are kept; older ones are compacted. Four million by default.
    #[must_use]
    pub fn history_max(self, history_max: usize) -> Self {
        Self { history_max, ..self }
    }

    /// The version that the server tells; `v1.37.2` by default.
    #[must_use]
    pub fn version(self, version: &str) -> Self {
        Self { version: version.to_owned(), ..self }
    }

    /// The name that the cluster tells; `memory` by default.
    #[must_use]
    pub fn name(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// The cluster.
    #[must_use]
    pub fn build(self) -> MemoryCluster {
        let seed = self.seed.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
        let inner = Inner {
            clock: self.clock,
            version: self.version,
            name: self.name,
            state: RwLock::new(State::new(seed, self.history_max)),
            changed: watch::Sender::new(0),
            counters: Counters::default(),
            script: Mutex::default(),
        };
        let cluster = MemoryCluster { inner: Arc::new(inner) };
        // The objects of a fresh cluster are data of this crate, and a test looks at them.
        _ = cluster.load(fresh_objects());
        cluster
    }
}

impl Default for MemoryCluster {
    fn default() -> Self {
        Self::new()
    }
}

impl Inner {
    // A panic while the lock is held is a bug of this crate; going on with what is there is the most useful answer.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn modify(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, state: &State) {
        self.changed.send_replace(state.revision());
    }
}

/// Where an object is kept: the namespace of a reference to a cluster-scoped object is ignored.
pub(super) fn key_of(at: &ObjectRef, served: &Served) -> Key {
    let namespace = at.namespace.clone().filter(|_| served.ty.namespaced).unwrap_or_default();
    (namespace, at.name.clone())
}

fn fresh_objects() -> Vec<Value> {
    let namespace = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    let server = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "kubernetes",
            "namespace": "default",
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {
            "clusterIP": "10.96.0.1",
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
        },
    });
    let mut objects: Vec<Value> =
        ["default", "kube-system", "kube-public", "kube-node-lease"].map(namespace).into_iter().collect();
    objects.push(server);
    objects
}
