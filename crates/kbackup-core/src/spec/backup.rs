//! What a user asks of a backup.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::filters::filter_violations;
use super::hooks::hook_violations;
use super::selection::scope_violations;
use super::volumes::policy_violations;
use super::{BackupHooks, NamespacedFilter, ResourceFilter, Ttl, Violation, Violations, VolumePolicy};
use crate::model::{LabelSelector, LockMode};

/// The label of a backup that a schedule has made; its value is the schedule's name.
pub const SCHEDULE_LABEL: &str = "kbackup.dev/schedule-name";

/// What to back up. Field names and meanings are Velero's where Velero has the field.
///
/// ```
/// use kbackup_core::spec::BackupSpec;
///
/// let spec = BackupSpec::default().namespaces(["shop"]).ttl("30d".parse()?);
/// assert!(spec.validate().is_ok());
/// # Ok::<(), kbackup_core::spec::TtlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct BackupSpec {
    /// Namespaces to take, by name or glob (`*`, `?`, `[a-z]`). None: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub included_namespaces: Vec<String>,
    /// Namespaces to leave out, by name or glob. They win over the included ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_namespaces: Vec<String>,
    /// Types to take: `deployments`, `deployments.apps`, short names, kinds, or a glob (`*.example.com`). None: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub included_resources: Vec<String>,
    /// Types to leave out. They win over the included ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_resources: Vec<String>,
    /// Whether cluster-scoped objects are taken. Not given: all of them in a backup of everything, otherwise only the
    /// chosen namespaces themselves and what the chosen objects need.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_cluster_resources: Option<bool>,
    /// Types of the cluster to take, none of those in namespaces concerned. With this list or one of the next three, the
    /// three fields above can't be used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub included_cluster_scoped_resources: Vec<String>,
    /// Types of the cluster to leave out, also where other objects need them; `*`: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_cluster_scoped_resources: Vec<String>,
    /// Types in namespaces to take. None: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub included_namespace_scoped_resources: Vec<String>,
    /// Types in namespaces to leave out; `*`: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_namespace_scoped_resources: Vec<String>,
    /// Which objects of single kinds of the cluster are taken; other kinds as the fields above say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cluster_scoped_filters: Vec<ResourceFilter>,
    /// What is taken in single namespaces, instead of what the fields above say of types in namespaces.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaced_filters: Vec<NamespacedFilter>,
    /// Only objects whose labels match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<LabelSelector>,
    /// Only objects whose labels match one of these. Not together with `labelSelector`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub or_label_selectors: Vec<LabelSelector>,
    /// Labels of the backup itself: what lists, schedules and retention rules choose it by.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations of the backup itself: what people and other programs note about it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Commands that run in the containers of pods around what is done to their volumes.
    #[serde(skip_serializing_if = "is_default")]
    pub hooks: BackupHooks,
    /// Objects to take care of in this order: by type, a comma-separated list of `namespace/name`, or of names where the
    /// type has no namespaces. It is the order of the hooks of pods, and of the snapshots of volumes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ordered_resources: BTreeMap<String, String>,
    /// Whether volumes are snapshotted. Not given: yes, where a provider of snapshots is set up; and where none is, that is
    /// worth a warning only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_volumes: Option<bool>,
    /// Whether the files of the volumes of pods are copied unless a pod says otherwise. Not given: no, unless a pod asks
    /// for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_volumes_to_fs_backup: Option<bool>,
    /// What happens to the bytes of volumes: the first that fits one decides, over all else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub volume_policies: Vec<VolumePolicy>,
    /// How long the backup is kept.
    pub ttl: Ttl,
    /// How strictly all types must be read at one revision.
    pub consistency: Consistency,
    /// Whether the store itself keeps all files of the backup from being deleted or changed before `ttl` is over. Needs a
    /// store that can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<LockMode>,
}

/// How strictly a backup holds on to one revision of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Consistency {
    /// Every type at one revision; what could not be read at it is read at another and named in the manifest.
    #[default]
    Revision,
    /// Every type at one revision, or the backup fails.
    Strict,
    /// Every type at the newest revision at the moment of its list.
    Relaxed,
}

impl BackupSpec {
    /// Takes these namespaces only (names or globs).
    #[must_use]
    pub fn namespaces<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.included_namespaces = names.into_iter().map(Into::into).collect();
        self
    }

    /// Takes these types only.
    #[must_use]
    pub fn resources<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.included_resources = names.into_iter().map(Into::into).collect();
        self
    }

    /// Takes only objects that match.
    #[must_use]
    pub fn selector(mut self, selector: LabelSelector) -> Self {
        self.label_selector = Some(selector);
        self
    }

    /// Keeps the backup for `ttl`.
    #[must_use]
    pub fn ttl(mut self, ttl: Ttl) -> Self {
        self.ttl = ttl;
        self
    }

    /// Gives the backup a label.
    #[must_use]
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(key.into(), value.into());
        self
    }

    /// Checks all that can be checked without a cluster.
    ///
    /// # Errors
    /// With every violation, not only the first.
    pub fn validate(&self) -> Result<(), Violations> {
        let mut found = super::selection_violations(&super::SelectionFields {
            namespaces: (&self.included_namespaces, &self.excluded_namespaces),
            resources: (&self.included_resources, &self.excluded_resources),
            selector: self.label_selector.as_ref(),
            or_selectors: &self.or_label_selectors,
        });
        let labels = LabelSelector { match_labels: self.labels.clone(), ..LabelSelector::default() };
        found.extend(labels.violations().into_iter().map(|why| Violation::new("labels", why)));
        // A key is that of a label, and the value is free.
        let keys = self.annotations.keys().map(|key| (key.clone(), String::new())).collect();
        let keys = LabelSelector { match_labels: keys, ..LabelSelector::default() };
        found.extend(keys.violations().into_iter().map(|why| Violation::new("annotations", why)));
        found.extend(hook_violations(&self.hooks));
        found.extend(order_violations(&self.ordered_resources));
        found.extend(policy_violations(&self.volume_policies));
        found.extend(self.style_violation());
        scope_violations(
            &mut found,
            ("includedClusterScopedResources", &self.included_cluster_scoped_resources),
            ("excludedClusterScopedResources", &self.excluded_cluster_scoped_resources),
        );
        scope_violations(
            &mut found,
            ("includedNamespaceScopedResources", &self.included_namespace_scoped_resources),
            ("excludedNamespaceScopedResources", &self.excluded_namespace_scoped_resources),
        );
        found.extend(filter_violations(&self.cluster_scoped_filters, &self.namespaced_filters));
        Violations::check(found)
    }

    /// Whether types are chosen by scope, as the four scoped lists do it.
    #[must_use]
    pub fn is_scoped(&self) -> bool {
        [
            &self.included_cluster_scoped_resources,
            &self.excluded_cluster_scoped_resources,
            &self.included_namespace_scoped_resources,
            &self.excluded_namespace_scoped_resources,
        ]
        .into_iter()
        .any(|list| !list.is_empty())
    }

    /// Velero's rule: the two ways to choose types don't mix, and filters for single kinds go with the scoped lists.
    fn style_violation(&self) -> Option<Violation> {
        let of_all_scopes = !self.included_resources.is_empty()
            || !self.excluded_resources.is_empty()
            || self.include_cluster_resources.is_some();
        let filtered = !self.cluster_scoped_filters.is_empty() || !self.namespaced_filters.is_empty();
        let (field, other) = match (of_all_scopes, self.is_scoped(), filtered) {
            (true, true, _) => ("includedResources", "the scoped lists of types"),
            (true, _, true) => ("includedResources", "filters for single kinds"),
            _ => return None,
        };
        let fields = "includedResources, excludedResources and includeClusterResources";
        Some(Violation::new(field, format!("{fields} can't be used together with {other}: choose one way")))
    }

    /// Whether the backup is of every namespace.
    #[must_use]
    pub fn takes_all_namespaces(&self) -> bool {
        self.excluded_namespaces.is_empty()
            && (self.included_namespaces.is_empty() || self.included_namespaces == ["*"])
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn order_violations(ordered: &BTreeMap<String, String>) -> Vec<Violation> {
    let empty = ordered.iter().filter(|(_, names)| names.split(',').all(|name| name.trim().is_empty()));
    empty.map(|(ty, _)| Violation::new("orderedResources", format!("\"{ty}\" has no names to put in order"))).collect()
}
