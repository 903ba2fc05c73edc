//! What types a cluster serves, and how the words of a user name them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Gvk, Gvr, ResourceType};

/// The types that a cluster serves at one moment, and the API groups that could not be asked.
///
/// ```
/// use kbackup_core::cluster::MemoryCluster;
/// use kbackup_core::cluster::ClusterReader;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let discovery = MemoryCluster::new().discover().await?;
/// let found = discovery.find("deploy");
/// assert_eq!(found[0].gvr.to_string(), "apps/v1/deployments");
/// # Ok::<(), kbackup_core::cluster::ClusterError>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct Discovery {
    types: Vec<Arc<ResourceType>>,
    broken: Vec<BrokenGroup>,
}

/// An API group that did not answer: often an aggregated API whose server is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenGroup {
    /// `group/version`, or `group` where the version is unknown too.
    pub group_version: String,
    /// What the server said of it.
    pub message: String,
}

impl Discovery {
    /// From every version of every type, in the server's order of preference, and what could not be read.
    #[must_use]
    pub fn new(types: Vec<ResourceType>, broken: Vec<BrokenGroup>) -> Self {
        Self { types: types.into_iter().map(Arc::new).collect(), broken }
    }

    /// Every version of every type that is served.
    #[must_use]
    pub fn types(&self) -> &[Arc<ResourceType>] {
        &self.types
    }

    /// The API groups that could not be asked.
    #[must_use]
    pub fn broken(&self) -> &[BrokenGroup] {
        &self.broken
    }

    /// The preferred version of each type.
    pub fn preferred(&self) -> impl Iterator<Item = &Arc<ResourceType>> {
        self.types.iter().filter(|ty| ty.preferred)
    }

    /// The type at exactly this version.
    #[must_use]
    pub fn get(&self, gvr: &Gvr) -> Option<&Arc<ResourceType>> {
        self.types.iter().find(|ty| ty.gvr == *gvr)
    }

    /// The type whose objects name themselves so.
    #[must_use]
    pub fn by_kind(&self, gvk: &Gvk) -> Option<&Arc<ResourceType>> {
        self.types.iter().find(|ty| ty.kind == gvk.kind && ty.gvr.version == gvk.version && ty.gvr.group == gvk.group)
    }

    /// The preferred types that a user's word names, any case: plural, singular, short name or kind, each alone (then
    /// in every group that has it) or followed by `.group` or `.version.group`.
    #[must_use]
    pub fn find(&self, word: &str) -> Vec<&Arc<ResourceType>> {
        let word = word.to_ascii_lowercase();
        let (name, rest) = word.split_once('.').unwrap_or((&word, ""));
        let in_group = |ty: &ResourceType| {
            rest.is_empty() || ty.gvr.group == rest || format!("{}.{}", ty.gvr.version, ty.gvr.group) == rest
        };
        self.preferred().filter(|ty| in_group(ty) && has_name(ty, name)).collect()
    }

    /// The words closest to `word` among the names of all types, best first, at most three: for "did you mean".
    #[must_use]
    pub fn nearest(&self, word: &str) -> Vec<String> {
        let word = word.to_ascii_lowercase();
        let mut scored: BTreeMap<String, usize> = BTreeMap::new();
        for ty in self.preferred() {
            let full = ty.gvr.group_resource();
            for name in [full.as_str(), &ty.gvr.plural, &ty.singular] {
                let distance = crate::model::edit_distance(&word, name);
                if distance <= word.len().div_ceil(3).max(1) {
                    let best = scored.entry(full.clone()).or_insert(distance);
                    *best = distance.min(*best);
                }
            }
        }
        let mut near: Vec<_> = scored.into_iter().collect();
        near.sort_by_key(|(_, distance)| *distance);
        near.into_iter().take(3).map(|(name, _)| name).collect()
    }
}

fn has_name(ty: &ResourceType, name: &str) -> bool {
    ty.gvr.plural == name
        || ty.singular == name
        || ty.kind.eq_ignore_ascii_case(name)
        || ty.short_names.iter().any(|short| short == name)
}

#[cfg(test)]
mod tests;
