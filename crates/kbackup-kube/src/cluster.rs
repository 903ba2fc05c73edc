//! The cluster ports over a kube client.

use async_trait::async_trait;
use futures::stream::BoxStream;
use kbackup_core::cluster::{ClusterErrorKind, ClusterInfo, ClusterReader, ClusterResult, ListQuery, Page, Part};
use kbackup_core::model::{Discovery, Gvr, Object, ObjectRef, Revision};
use serde::Deserialize;

use crate::error::bad_response;
use crate::http::{Call, Http};
use crate::list::{self, ListMeta};
use crate::url::{self, Uri};
use crate::{CallLimits, discovery};

/// A Kubernetes cluster, reached through its API server.
///
/// Clones share their connections. `Debug` tells the server and no credentials.
#[derive(Debug, Clone)]
pub struct KubeCluster {
    pub(crate) http: Http,
}

impl KubeCluster {
    /// The cluster that `client` reaches; `server` is what messages and [`ClusterInfo::name`] call it.
    ///
    /// Requests are tried again as `limits` say. A client of one's own should not do that too
    /// (`kube::Config::default_retry`), and should not limit how long a whole answer takes: lists are large.
    #[must_use]
    pub fn new(client: kube::Client, server: &str, limits: CallLimits) -> Self {
        Self { http: Http::new(client, server, limits) }
    }
}

#[async_trait]
impl ClusterReader for KubeCluster {
    async fn info(&self) -> ClusterResult<ClusterInfo> {
        let version: Version = self.http.json(&Call::get(Uri::new("/version".to_owned()))).await?;
        let system = ObjectRef::cluster(namespaces(), "kube-system");
        let uid = match self.get(&system).await {
            Ok(namespace) => namespace.map(|namespace| namespace.meta().uid.clone()),
            Err(error) if error.kind() == ClusterErrorKind::Forbidden => None,
            Err(error) => return Err(error),
        };
        Ok(ClusterInfo { uid, version: version.git_version, name: self.http.server().to_owned() })
    }

    async fn discover(&self) -> ClusterResult<Discovery> {
        discovery::discover(&self.http).await
    }

    async fn revision(&self) -> ClusterResult<Revision> {
        let uri = Uri::new(url::collection(&namespaces(), None)).with("limit", "1");
        let list: ListHead = self.http.json(&Call::get(uri)).await?;
        let revision = list.metadata.resource_version.parse();
        revision.map_err(|error| bad_response(format!("the list of namespaces has no revision: {error}")))
    }

    fn list(&self, query: &ListQuery) -> BoxStream<'_, ClusterResult<Page>> {
        list::pages(self.http.clone(), query)
    }

    fn throttled(&self) -> u64 {
        self.http.throttled()
    }

    async fn get(&self, object: &ObjectRef) -> ClusterResult<Option<Object>> {
        match self.http.bytes(&Call::get(Uri::new(url::object(object, Part::Main)))).await {
            Ok(body) => parse(body, object).map(Some),
            Err(error) if error.kind() == ClusterErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    git_version: String,
}

#[derive(Deserialize)]
struct ListHead {
    metadata: ListMeta,
}

/// The object that an answer about `at` is.
pub(crate) fn parse(body: bytes::Bytes, at: &ObjectRef) -> ClusterResult<Object> {
    Object::parse(body).map_err(|_| bad_response(format!("the answer about {at} is not an object of Kubernetes")))
}

fn namespaces() -> Gvr {
    Gvr::new("", "v1", "namespaces")
}
