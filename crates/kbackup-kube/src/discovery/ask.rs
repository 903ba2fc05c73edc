//! Asks the server for its discovery documents.

use std::collections::HashSet;

use futures::stream::{self, StreamExt, TryStreamExt};
use kbackup_core::cluster::{ClusterError, ClusterErrorKind, ClusterResult};
use kbackup_core::model::{BrokenGroup, Discovery, ResourceType};
use serde::Deserialize;

use super::documents::{GroupVersion, LegacyResources, Root, mark_preferred};
use crate::http::{Call, Http};
use crate::url::{self, Uri};

/// The aggregated document, in either of its versions, or the legacy one.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// Group versions that are asked at the same time where the server does not know aggregated discovery.
const QUESTIONS_MAX: usize = 8;

/// The types that the server serves, and the groups that do not answer.
///
/// # Errors
/// Where the server itself cannot be asked.
pub(crate) async fn discover(http: &Http) -> ClusterResult<Discovery> {
    let (core, named) = futures::try_join!(root(http, "/api"), root(http, "/apis"))?;
    let asked = stream::iter(core.group_versions().into_iter().chain(named.group_versions()))
        .map(|group_version| complete(http, group_version))
        .buffered(QUESTIONS_MAX);
    let mut found = Found::default();
    asked.try_for_each(|answer| std::future::ready(found.add(answer))).await?;
    found.add_services(services(http).await?);
    Ok(Discovery::new(mark_preferred(found.types), found.broken))
}

async fn root(http: &Http, path: &str) -> ClusterResult<Root> {
    http.json(&Call::get(Uri::new(path.to_owned())).accept(AGGREGATED)).await
}

/// What one group version turned out to be.
type Answer = (GroupVersion, Option<ClusterError>);

/// The group version with its types, asked for where they are not known yet, or why it has none.
async fn complete(http: &Http, group_version: GroupVersion) -> ClusterResult<Answer> {
    if group_version.types.is_some() {
        return Ok((group_version, None));
    }
    let GroupVersion { group, version, .. } = &group_version;
    let path = url::group_version(group, version);
    match http.json::<LegacyResources>(&Call::get(Uri::new(path))).await {
        Ok(document) => {
            let types = Some(document.into_types(group, version));
            Ok((GroupVersion { types, ..group_version }, None))
        }
        // That is about who asks, and so about every group.
        Err(error) if error.kind() == ClusterErrorKind::Unauthenticated => Err(error),
        Err(error) => Ok((group_version, Some(error))),
    }
}

#[derive(Default)]
struct Found {
    types: Vec<ResourceType>,
    broken: Vec<BrokenGroup>,
    /// The group versions that were asked, whatever they answered.
    known: HashSet<String>,
}

impl Found {
    fn add(&mut self, (group_version, error): Answer) -> ClusterResult<()> {
        let name = group_version.name();
        if let Some(error) = error {
            self.broken.push(BrokenGroup { group_version: name.clone(), message: error.to_string() });
        }
        self.types.extend(group_version.types.unwrap_or_default());
        self.known.insert(name);
        Ok(())
    }

    /// Aggregated discovery leaves out, without a word, an API whose server has never answered. What is registered
    /// tells of it.
    fn add_services(&mut self, services: Vec<Service>) {
        for service in services {
            let name = service.spec.group_version();
            if let Some(message) = service.unavailable()
                && self.known.insert(name.clone())
            {
                self.broken.push(BrokenGroup { group_version: name, message });
            }
        }
    }
}

/// An APIService: who serves a group version.
#[derive(Debug, Deserialize)]
struct Service {
    spec: ServiceSpec,
    #[serde(default)]
    status: ServiceStatus,
}

#[derive(Debug, Deserialize)]
struct ServiceSpec {
    #[serde(default)]
    group: String,
    version: String,
}

#[derive(Debug, Default, Deserialize)]
struct ServiceStatus {
    #[serde(default)]
    conditions: Vec<ServiceCondition>,
}

#[derive(Debug, Deserialize)]
struct ServiceCondition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    #[serde(default)]
    message: String,
}

#[derive(Debug, Deserialize)]
struct Services {
    #[serde(default)]
    items: Vec<Service>,
}

impl ServiceSpec {
    fn group_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

impl Service {
    /// Why it is not there; `None` where it is.
    fn unavailable(&self) -> Option<String> {
        let available = self.status.conditions.iter().find(|condition| condition.kind == "Available");
        match available {
            Some(condition) if condition.status == "True" => None,
            Some(condition) => Some(format!("its APIService is not available: {}", condition.message)),
            None => Some("its APIService has no condition yet".to_owned()),
        }
    }
}

/// The registered APIs; none where the server does not say, for want of the type or of the right to read it.
async fn services(http: &Http) -> ClusterResult<Vec<Service>> {
    let path = url::group_version("apiregistration.k8s.io", "v1") + "/apiservices";
    match http.json::<Services>(&Call::get(Uri::new(path))).await {
        Ok(services) => Ok(services.items),
        Err(error) if matches!(error.kind(), ClusterErrorKind::NotFound | ClusterErrorKind::Forbidden) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}
