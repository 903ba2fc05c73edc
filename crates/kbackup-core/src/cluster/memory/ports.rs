//! The cluster behind the ports of the engines.

use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt};
use serde_json::Value;

use super::counts::Request;
use super::exec::{ScriptedExec, cut};
use super::list::{metadata_only, next_limit};
use super::request::{ListAt, ListPage, ListRequest};
use super::{FieldSelector, MemoryCluster, errors, tree};
use crate::cluster::{
    At, ClusterError, ClusterErrorKind, ClusterInfo, ClusterReader, ClusterResult, ClusterWriter, Condition, Created,
    DeleteOptions, ExecCommand, ExecOutput, ListQuery, Page, Part, Patch, PodExec, Waited, WriteOptions,
};
use crate::model::{Discovery, Gvr, Object, ObjectRef, ResourceType, Revision};

#[async_trait]
impl ClusterReader for MemoryCluster {
    async fn info(&self) -> ClusterResult<ClusterInfo> {
        let system = ObjectRef::cluster(Gvr::new("", "v1", "namespaces"), "kube-system");
        let uid = self.get(&system).ok().map(|namespace| namespace.meta().uid.clone());
        Ok(ClusterInfo { uid, version: self.inner.version.clone(), name: self.inner.name.clone() })
    }

    async fn discover(&self) -> ClusterResult<Discovery> {
        Ok(self.discovery())
    }

    async fn revision(&self) -> ClusterResult<Revision> {
        Ok(self.revision())
    }

    fn list(&self, query: &ListQuery) -> BoxStream<'_, ClusterResult<Page>> {
        let first = ListRequest {
            gvr: query.ty.gvr.clone(),
            namespace: query.namespace.clone(),
            labels: query.labels.clone(),
            fields: query.name.as_deref().map(FieldSelector::name).unwrap_or_default(),
            at: match query.at {
                At::Newest => ListAt::Newest,
                At::Exact(revision) => ListAt::Exact(revision),
            },
            limit: Some(query.page.objects_max.max(1)),
            continue_token: None,
        };
        let query = query.clone();
        stream::try_unfold(Some(first), move |request| {
            let next = request.map(|request| self.next_page(request, &query)).transpose();
            async move { next }
        })
        .boxed()
    }

    async fn get(&self, object: &ObjectRef) -> ClusterResult<Option<Object>> {
        match self.get(object) {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.kind() == ClusterErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl ClusterWriter for MemoryCluster {
    async fn create(&self, ty: &ResourceType, object: &Object, options: &WriteOptions) -> ClusterResult<Created> {
        match self.create(&ty.gvr, object.meta().namespace.as_deref(), object.to_value(), options) {
            Ok(created) => Ok(Created::New(created)),
            Err(error) if error.kind() == ClusterErrorKind::AlreadyExists => Ok(Created::Exists),
            Err(error) => Err(error),
        }
    }

    async fn replace(
        &self,
        at: &ObjectRef,
        object: &Object,
        part: Part,
        options: &WriteOptions,
    ) -> ClusterResult<Object> {
        self.replace(at, object.to_value(), part, options)
    }

    async fn patch(&self, at: &ObjectRef, patch: &Patch, part: Part, options: &WriteOptions) -> ClusterResult<Object> {
        self.patch(at, patch, part, options)
    }

    async fn delete(&self, at: &ObjectRef, options: &DeleteOptions) -> ClusterResult<()> {
        match self.delete(at, options) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ClusterErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn wait(&self, at: &ObjectRef, until: &Condition, limit: Duration) -> ClusterResult<Waited> {
        let mut changed = self.inner.changed.subscribe();
        let mut over = self.inner.clock.sleep(limit);
        loop {
            changed.borrow_and_update();
            if holds(ClusterReader::get(self, at).await?.as_ref(), until) {
                return Ok(Waited::Met);
            }
            tokio::select! {
                biased;
                _ = changed.changed() => {}
                () = &mut over => return Ok(Waited::TimedOut),
            }
        }
    }
}

#[async_trait]
impl PodExec for MemoryCluster {
    async fn exec(&self, pod: &ObjectRef, run: &ExecCommand) -> ClusterResult<ExecOutput> {
        self.inner.counters.count(Request::Exec);
        let found = self.get(pod)?;
        if found.meta().kind != "Pod" {
            return Err(errors::no_such_type());
        }
        let answer = self.inner.script().call(&found, pod, run)?;
        let ScriptedExec { takes, ends } = answer(run);
        if !takes.is_zero() {
            self.inner.clock.sleep(takes.min(run.timeout)).await;
        }
        if takes > run.timeout {
            let message = format!("the command in {pod} did not end within {} s", run.timeout.as_secs_f64());
            return Err(ClusterError::new(ClusterErrorKind::Timeout, message));
        }
        ends.map(cut)
    }
}

impl MemoryCluster {
    /// One page, and what to ask for the next one with.
    fn next_page(&self, request: ListRequest, query: &ListQuery) -> ClusterResult<(Page, Option<ListRequest>)> {
        let ListPage { mut objects, revision, continue_token, remaining } = self.list_page(&request)?;
        let limit = Some(next_limit(&objects, query.page.objects_max, query.page.bytes_target));
        let next = continue_token.map(|token| ListRequest { limit, continue_token: Some(token), ..request });
        if query.metadata_only {
            objects = objects.iter().map(metadata_only).collect();
        }
        Ok((Page { objects, revision, remaining }, next))
    }
}

fn holds(object: Option<&Object>, until: &Condition) -> bool {
    match (object, until) {
        (None, Condition::Gone) => true,
        (Some(object), Condition::True(ty)) => {
            let value: Value = object.to_value();
            let conditions = tree::list(&value, &["status", "conditions"]).iter();
            let is_true = |condition: &&Value| tree::text(condition, &["status"]) == "True";
            conditions.filter(is_true).any(|condition| tree::text(condition, &["type"]) == ty)
        }
        _ => false,
    }
}
