//! Creating, changing and deleting objects.

use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use kbackup_core::cluster::{
    ClusterErrorKind, ClusterResult, ClusterWriter, Condition, Created, DeleteOptions, Part, Patch, Propagation,
    Waited, WriteOptions,
};
use kbackup_core::model::{Object, ObjectRef, ResourceType};
use serde_json::{Value, json};
use std::time::Duration;

use crate::cluster::parse;
use crate::http::{Call, JSON};
use crate::retry::Repeat;
use crate::url::{self, Uri};
use crate::{KubeCluster, wait};

/// Who the server records as the manager of the fields that we write, unless the caller has another name.
const FIELD_MANAGER: &str = "kbackup";

#[async_trait]
impl ClusterWriter for KubeCluster {
    async fn create(&self, ty: &ResourceType, object: &Object, options: &WriteOptions) -> ClusterResult<Created> {
        let namespace = object.meta().namespace.as_deref().filter(|_| ty.namespaced);
        let uri = written(url::collection(&ty.gvr, namespace), options);
        let call = Call::new(Method::POST, uri, Repeat::OnlyIfNotDone).body(JSON, object.raw().clone());
        match self.http.bytes(&call).await {
            Ok(body) => parse(body, &object.at(&ty.gvr)).map(Created::New),
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
        // A second replacement of the same revision would meet the first one's.
        let repeat = if object.meta().resource_version.is_empty() { Repeat::Safe } else { Repeat::OnlyIfNotDone };
        let call = Call::new(Method::PUT, written(url::object(at, part), options), repeat);
        parse(self.http.bytes(&call.body(JSON, object.raw().clone())).await?, at)
    }

    async fn patch(&self, at: &ObjectRef, patch: &Patch, part: Part, options: &WriteOptions) -> ClusterResult<Object> {
        parse(self.http.bytes(&patch_call(at, patch, part, options)).await?, at)
    }

    async fn delete(&self, at: &ObjectRef, options: &DeleteOptions) -> ClusterResult<()> {
        let call = Call::new(Method::DELETE, Uri::new(url::object(at, Part::Main)), Repeat::Safe);
        match self.http.bytes(&call.body(JSON, delete_body(options))).await {
            Err(error) if error.kind() != ClusterErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    async fn wait(&self, at: &ObjectRef, until: &Condition, limit: Duration) -> ClusterResult<Waited> {
        wait::wait(self, at, until, limit).await
    }
}

/// A path to write to. Fields that the server does not know are ignored: the objects come from another cluster, which
/// accepted them, and perhaps from another version of Kubernetes. Refusing them (`Strict`) would lose whole objects
/// for one field, and we have no reader for the warnings of `Warn`.
fn written(path: String, options: &WriteOptions) -> Uri {
    Uri::new(path)
        .with("fieldManager", options.field_manager.as_deref().unwrap_or(FIELD_MANAGER))
        .with("fieldValidation", "Ignore")
        .with_some("dryRun", options.dry_run.then_some("All"))
}

fn patch_call(at: &ObjectRef, patch: &Patch, part: Part, options: &WriteOptions) -> Call {
    let (content_type, body, repeat, force) = match patch {
        // Adding to a list twice adds two items.
        Patch::Json(body) => ("application/json-patch+json", body, Repeat::OnlyIfNotDone, false),
        Patch::Merge(body) => ("application/merge-patch+json", body, Repeat::Safe, false),
        Patch::Strategic(body) => ("application/strategic-merge-patch+json", body, Repeat::Safe, false),
        // JSON is YAML.
        Patch::Apply { body, force } => ("application/apply-patch+yaml", body, Repeat::Safe, *force),
    };
    let uri = written(url::object(at, part), options).with_some("force", force.then_some("true"));
    Call::new(Method::PATCH, uri, repeat).body(content_type, Bytes::from(body.to_string()))
}

fn delete_body(options: &DeleteOptions) -> Bytes {
    let mut body = json!({"apiVersion": "v1", "kind": "DeleteOptions"});
    if let Some(uid) = &options.uid {
        body["preconditions"] = json!({"uid": uid});
    }
    if let Some(propagation) = options.propagation {
        body["propagationPolicy"] = Value::from(match propagation {
            Propagation::Orphan => "Orphan",
            Propagation::Background => "Background",
            Propagation::Foreground => "Foreground",
        });
    }
    if options.dry_run {
        body["dryRun"] = json!(["All"]);
    }
    Bytes::from(body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_become_the_query() {
        let check = |options: WriteOptions, expect: &str| {
            assert_eq!(written("/x".into(), &options).into_string(), format!("/x?{expect}"));
        };
        check(WriteOptions::default(), "fieldManager=kbackup&fieldValidation=Ignore");
        let named = WriteOptions { dry_run: true, field_manager: Some("my tool".into()) };
        check(named, "fieldManager=my%20tool&fieldValidation=Ignore&dryRun=All");
    }

    #[test]
    fn delete_options_become_the_body() {
        let check = |options: DeleteOptions, expect: Value| {
            let body: Value = serde_json::from_slice(&delete_body(&options)).expect("JSON");
            assert_eq!(body, expect);
        };
        check(DeleteOptions::default(), json!({"apiVersion": "v1", "kind": "DeleteOptions"}));
        let all = DeleteOptions { uid: Some("u".into()), propagation: Some(Propagation::Orphan), dry_run: true };
        let expect = json!({"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": "u"},
            "propagationPolicy": "Orphan", "dryRun": ["All"]});
        check(all, expect);
    }
}
