//! Asks the server for its discovery documents.

use std::collections::HashSet;

use futures::stream::{self, StreamExt, TryStreamExt};
use kbackup_core::cluster::{ClusterError, ClusterErrorKind, ClusterResult};
use kbackup_core::model::{BrokenGroup, Discovery, ResourceType};

use super::documents::{GroupVersion, LegacyResources, Root, mark_preferred};
use super::{crds, services};
use crate::CallLimits;
use crate::http::{Call, Http};
use crate::url::{self, Uri};

/// The aggregated document, in either of its versions, or the legacy one.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// Group versions that are asked at the same time where the server does not know aggregated discovery.
const QUESTIONS_MAX: usize = 8;

/// How often a group version is asked: one whose server is gone answers 503 however often.
const TRIES_MAX: u32 = 2;

/// The types that the server serves, and the groups that do not answer.
///
/// # Errors
/// Where the server itself cannot be asked.
pub(crate) async fn discover(http: &Http) -> ClusterResult<Discovery> {
    let (core, named) = futures::try_join!(root(http, "/api"), root(http, "/apis"))?;
    let brief =
        http.with_limits(CallLimits { tries_max: TRIES_MAX.min(http.limits().tries_max), ..http.limits().clone() });
    let asked = stream::iter(core.group_versions().into_iter().chain(named.group_versions()))
        .map(|group_version| complete(&brief, group_version))
        .buffered(QUESTIONS_MAX);
    let mut found = Found::default();
    asked.try_for_each(|answer| std::future::ready(found.add(answer))).await?;
    let served = found.types.iter().map(|ty| ty.gvr.group_resource()).collect();
    let (unavailable, new) = futures::try_join!(services::unavailable(http), crds::unlisted(http, &served))?;
    found.add_broken(unavailable);
    found.types.extend(new);
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

    /// APIs that are registered, do not answer, and that no document names.
    fn add_broken(&mut self, unavailable: Vec<BrokenGroup>) {
        let unknown = unavailable.into_iter().filter(|group| !self.known.contains(&group.group_version));
        self.broken.extend(unknown);
    }
}
