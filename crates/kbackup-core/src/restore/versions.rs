//! In which version the objects of each type are created: the target may not serve the one that they were backed up in.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::RestoreError;
use crate::action::{Wave, converts_by_renaming, definition_of};
use crate::cluster::ClusterReader;
use crate::format::IndexLine;
use crate::model::{Discovery, Gvr, ResourceType};
use crate::spec::{ExistingPolicy, RestoreSpec};

/// The version for each type of the backup, or why there is none.
#[derive(Debug)]
pub(super) struct Versions {
    chosen: HashMap<Arc<Gvr>, Result<Arc<Gvr>, String>>,
}

impl Versions {
    /// The version that an object was backed up in wherever it is served, now or once the definitions of the restore are
    /// there. Otherwise the one that the target prefers, where its API server would convert by the name alone.
    pub(super) async fn choose(
        cluster: &dyn ClusterReader,
        discovery: &Discovery,
        spec: &RestoreSpec,
        lines: &[IndexLine],
    ) -> Result<Self, RestoreError> {
        let mut served: BTreeMap<String, Vec<&Arc<ResourceType>>> = BTreeMap::new();
        for ty in discovery.types() {
            served.entry(ty.gvr.group_resource()).or_default().push(ty);
        }
        let definitions = Definitions::of(lines, spec, |name| served.contains_key(name));
        let types: BTreeSet<&Arc<Gvr>> = lines.iter().map(|line| &line.gvr).collect();
        let mut chosen = HashMap::new();
        for gvr in types {
            let name = gvr.group_resource();
            let there = served.get(&name).map_or(&[][..], Vec::as_slice);
            let is_served = there.iter().any(|ty| ty.gvr == **gvr);
            let version = match there {
                _ if is_served || definitions.will_serve(&name) => Ok(Arc::clone(gvr)),
                [] => Err(format!("the cluster does not serve {name}")),
                there => other_version(cluster, gvr, there).await?,
            };
            chosen.insert(Arc::clone(gvr), version);
        }
        Ok(Self { chosen })
    }

    /// The type to create objects of this type of the backup as.
    ///
    /// # Errors
    /// With the reason where there is none.
    pub(super) fn of(&self, gvr: &Arc<Gvr>) -> Result<Arc<Gvr>, String> {
        self.chosen.get(gvr).cloned().unwrap_or_else(|| Ok(Arc::clone(gvr)))
    }
}

/// The definitions of types that the restore brings.
struct Definitions(BTreeSet<String>);

impl Definitions {
    fn of(lines: &[IndexLine], spec: &RestoreSpec, is_served: impl Fn(&str) -> bool) -> Self {
        let changes = !matches!(spec.existing, ExistingPolicy::Skip | ExistingPolicy::Fail);
        let defined = lines.iter().filter(|line| Wave::of(&line.gvr) == Wave::Definitions).map(|line| &line.name);
        // One that exists is left as it is, unless existing objects are changed.
        Self(defined.filter(|name| changes || !is_served(name)).cloned().collect())
    }

    fn will_serve(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

async fn other_version(
    cluster: &dyn ClusterReader,
    gvr: &Gvr,
    served: &[&Arc<ResourceType>],
) -> Result<Result<Arc<Gvr>, String>, RestoreError> {
    let name = gvr.group_resource();
    let versions: Vec<&str> = served.iter().map(|ty| ty.gvr.version.as_str()).collect();
    // Who may not read definitions may still restore; a built-in type has none.
    let definition = cluster.get(&definition_of(gvr)).await.ok().flatten();
    let renames = definition.as_ref().is_some_and(|definition| converts_by_renaming(&definition.to_value()));
    let preferred = served.iter().find(|ty| ty.preferred).or(served.first());
    Ok(match preferred {
        Some(ty) if renames => Ok(Arc::new(ty.gvr.clone())),
        _ => {
            let reason = "an object of another version can't be converted without the API server";
            Err(format!("the cluster serves {name} in {}, not in {}: {reason}", versions.join(", "), gvr.version))
        }
    })
}
