//! The registered APIs: what tells of those that discovery leaves out.

use kbackup_core::cluster::{ClusterErrorKind, ClusterResult};
use kbackup_core::model::BrokenGroup;
use serde::Deserialize;

use crate::http::{Call, Http};
use crate::json::null_is_empty;
use crate::url::{self, Uri};

/// The APIs that are registered and not available. Aggregated discovery leaves out, without a word, one whose server has
/// never answered. None where the server does not say, for want of the type or of the right to read it.
pub(super) async fn unavailable(http: &Http) -> ClusterResult<Vec<BrokenGroup>> {
    let path = url::group_version("apiregistration.k8s.io", "v1") + "/apiservices";
    match http.json::<Services>(&Call::get(Uri::new(path))).await {
        Ok(services) => Ok(services.items.iter().filter_map(Service::broken).collect()),
        Err(error) if matches!(error.kind(), ClusterErrorKind::NotFound | ClusterErrorKind::Forbidden) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

#[derive(Debug, Deserialize)]
struct Services {
    #[serde(default, deserialize_with = "null_is_empty")]
    items: Vec<Service>,
}

/// An APIService: who serves a group version.
#[derive(Debug, Deserialize)]
struct Service {
    spec: Spec,
    #[serde(default, deserialize_with = "null_is_empty")]
    status: Status,
}

#[derive(Debug, Deserialize)]
struct Spec {
    #[serde(default, deserialize_with = "null_is_empty")]
    group: String,
    version: String,
}

#[derive(Debug, Default, Deserialize)]
struct Status {
    #[serde(default, deserialize_with = "null_is_empty")]
    conditions: Vec<Condition>,
}

#[derive(Debug, Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    #[serde(default, deserialize_with = "null_is_empty")]
    message: String,
}

impl Service {
    /// Why it is not there; `None` where it is, or where nobody has looked yet.
    fn broken(&self) -> Option<BrokenGroup> {
        let available = self.status.conditions.iter().find(|condition| condition.kind == "Available")?;
        let Spec { group, version } = &self.spec;
        let group_version = if group.is_empty() { version.clone() } else { format!("{group}/{version}") };
        let message = format!("its APIService is not available: {}", available.message);
        (available.status != "True").then_some(BrokenGroup { group_version, message })
    }
}
