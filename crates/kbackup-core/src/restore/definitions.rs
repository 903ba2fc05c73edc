//! Definitions of types: once they are written, their types are awaited.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt, stream};

use super::RestoreError;
use super::plan::RestorePlan;
use crate::cluster::{ClusterWriter, Condition, Waited};
use crate::issue::{Code, Issue, Stage};
use crate::model::{Gvr, ObjectRef, ResourceType};
use crate::run::Run;

/// How long an established type may take to appear in discovery.
const DISCOVERY_LAG_MAX: Duration = Duration::from_secs(30);
/// How often discovery is asked for it.
const DISCOVERY_POLL: Duration = Duration::from_millis(200);
/// Definitions that are awaited at the same time.
const WAITS_MAX: usize = 32;

/// The types of the cluster, in each version.
pub(super) type Types = HashMap<Gvr, Arc<ResourceType>>;

/// The types that the cluster serves now.
pub(super) async fn types(cluster: &dyn ClusterWriter) -> Result<Types, RestoreError> {
    let discovery = cluster.discover().await.map_err(RestoreError::cluster("discovering its types"))?;
    Ok(discovery.types().iter().map(|ty| (ty.gvr.clone(), Arc::clone(ty))).collect())
}

/// Waits until the server has accepted the definitions, and serves their types.
pub(super) async fn await_definitions(
    cluster: &dyn ClusterWriter,
    plan: &RestorePlan,
    defined: &[ObjectRef],
    issues: &mut Vec<Issue>,
    run: &Run,
) -> Result<Types, RestoreError> {
    let established = Condition::True("Established".to_owned());
    let limit = run.bounds().wait_max;
    let wait = |object| cluster.wait(object, &established, limit).map(move |waited| (object, waited)).boxed();
    let waits: Vec<_> = defined.iter().map(wait).collect();
    let waited: Vec<_> = stream::iter(waits).buffer_unordered(WAITS_MAX).collect().await;
    for (object, waited) in waited {
        let why = match waited {
            Ok(Waited::Met) => continue,
            Ok(Waited::TimedOut) => format!("it was not established within {} s", limit.as_secs()),
            Err(error) => format!("it could not be awaited ({error})"),
        };
        run.report(issues, Issue::error(Stage::Wait, Code::WaitTimedOut, why).about(object.clone()));
    }
    await_types(cluster, plan, defined, run).await
}

/// Discovers again until the new types are served: discovery lags a little behind the definitions.
async fn await_types(
    cluster: &dyn ClusterWriter,
    plan: &RestorePlan,
    defined: &[ObjectRef],
    run: &Run,
) -> Result<Types, RestoreError> {
    let is_new = |gvr: &Gvr| defined.iter().any(|definition| definition.name == gvr.group_resource());
    let wanted: std::collections::BTreeSet<&Gvr> =
        plan.steps().map(|step| &step.object.gvr).filter(|gvr| is_new(gvr)).collect();
    let mut waited = Duration::ZERO;
    loop {
        let types = types(cluster).await?;
        if waited >= DISCOVERY_LAG_MAX || wanted.iter().all(|gvr| types.contains_key(gvr)) {
            return Ok(types);
        }
        run.sleep(DISCOVERY_POLL).await;
        waited += DISCOVERY_POLL;
    }
}
