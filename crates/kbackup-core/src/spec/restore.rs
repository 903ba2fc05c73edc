//! What a user asks of a restore.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::restore_hooks::restore_hook_violations;
use super::selection::{SelectionFields, list_violations, selection_violations};
use super::{RestoreHooks, Violation, Violations};
use crate::model::{BackupName, LabelSelector};
use crate::modifier::{Modifiers, ResourceModifiers};

/// What to restore, and under which names. Field names and meanings are Velero's where Velero has the field.
///
/// ```
/// use kbackup_core::spec::RestoreSpec;
///
/// let spec = RestoreSpec::from_backup("nightly".parse()?).map_namespace("shop", "shop-copy");
/// assert!(spec.validate().is_ok());
/// # Ok::<(), kbackup_core::model::NameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestoreSpec {
    /// The backup to restore from.
    pub backup_name: BackupName,
    /// Namespaces to restore, by the names that they have in the backup, or globs. None: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_namespaces: Vec<String>,
    /// Namespaces to leave out. They win over the included ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_namespaces: Vec<String>,
    /// Types to restore: plural, `plural.group`, or a glob. None: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub included_resources: Vec<String>,
    /// Types to leave out. They win over the included ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded_resources: Vec<String>,
    /// Whether cluster-scoped objects are restored. Not given: all that the backup holds where all namespaces are
    /// restored, otherwise only what the chosen objects need.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_cluster_resources: Option<bool>,
    /// Only objects whose labels match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<LabelSelector>,
    /// Only objects whose labels match one of these. Not together with `labelSelector`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub or_label_selectors: Vec<LabelSelector>,
    /// New names for namespaces: from the name in the backup to the name in the target. Applied at once, so two can swap.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub namespace_mapping: BTreeMap<String, String>,
    /// Whether disks are made of snapshots. `false`: PersistentVolumes are restored as they are, where their disks are not
    /// known to be gone. Not given: wherever the backup has a snapshot.
    #[serde(default, alias = "restorePVs", skip_serializing_if = "Option::is_none")]
    pub restore_volumes: Option<bool>,
    /// Whether node ports of Services are kept, also where the server had chosen them.
    #[serde(default)]
    pub preserve_node_ports: bool,
    /// Types whose objects get back the status that they had. Not given: none; an object may ask for itself by an annotation
    /// `kbackup.dev/restore-status`, or Velero's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore_status: Option<RestoreStatus>,
    /// Storage classes that have another name in the target: from the name in the backup to the one that volumes, claims and
    /// templates of claims get.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub storage_class_mapping: BTreeMap<String, String>,
    /// Container images that are somewhere else now: a text in the image's name, and what stands there instead
    /// (`registry.old.example` to `registry.new.example/mirror`). Of several that fit an image, the longest is used.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub image_mapping: BTreeMap<String, String>,
    /// Rules that change objects, applied after all else that a restore does to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_modifiers: Option<ResourceModifiers>,
    /// What runs in the pods that are created: commands once their containers run, and init containers.
    #[serde(default, skip_serializing_if = "RestoreHooks::is_empty")]
    pub hooks: RestoreHooks,
    /// What happens to objects that a built-in controller makes again from an owner that is restored too.
    #[serde(default)]
    pub owned: OwnedPolicy,
    /// Only these objects: `type/name` or `type/namespace/name`, by the names that they have in the backup. A name may be a
    /// glob. None: all. Without `includedResources`, their types are the included ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// What happens to objects that exist already and differ from the backup.
    #[serde(default, alias = "existingResourcePolicy")]
    pub existing: ExistingPolicy,
    /// Whether objects that can't be read from a damaged backup are left out and reported. Otherwise nothing is restored
    /// from a backup where one of the chosen objects is damaged.
    #[serde(default)]
    pub skip_damaged: bool,
}

/// What a restore does with an object that exists already and differs from the backup. One that is equal, but for what a
/// server sets, is left alone in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ExistingPolicy {
    /// It is left as it is, and reported. Velero's `none`.
    #[default]
    #[serde(alias = "none", alias = "")]
    Skip,
    /// It gets all that the backup says. What only the live object has stays, unless its user is known to have written
    /// that after the backup (what kubectl applied last, and managed fields, tell).
    Update,
    /// It becomes what the backup says: what only the live object has goes, but for what a server sets.
    Replace,
    /// It is deleted and created anew. What others would be lost with (namespaces, definitions of types, volumes and their
    /// claims) is updated instead, and reported.
    Recreate,
    /// Nothing at all is restored if one object exists and differs.
    Fail,
}

/// Which types get back their status.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RestoreStatus {
    /// Types that do, as in `includedResources` of the restore. None: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub included_resources: Vec<String>,
    /// Types that don't. They win over the included ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excluded_resources: Vec<String>,
}

/// What a restore does with objects that a built-in controller makes again by itself: ReplicaSets of a Deployment, Pods
/// of a ReplicaSet, EndpointSlices of a Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OwnedPolicy {
    /// They are left to their controller.
    #[default]
    Skip,
    /// They are restored as any other object.
    Include,
}

impl RestoreSpec {
    /// Everything in `backup`, under its own names.
    #[must_use]
    pub fn from_backup(backup: BackupName) -> Self {
        Self {
            backup_name: backup,
            included_namespaces: Vec::new(),
            excluded_namespaces: Vec::new(),
            included_resources: Vec::new(),
            excluded_resources: Vec::new(),
            include_cluster_resources: None,
            label_selector: None,
            or_label_selectors: Vec::new(),
            namespace_mapping: BTreeMap::new(),
            restore_volumes: None,
            preserve_node_ports: false,
            restore_status: None,
            storage_class_mapping: BTreeMap::new(),
            image_mapping: BTreeMap::new(),
            resource_modifiers: None,
            hooks: RestoreHooks::default(),
            owned: OwnedPolicy::Skip,
            names: Vec::new(),
            existing: ExistingPolicy::Skip,
            skip_damaged: false,
        }
    }

    /// Does this with objects that exist already and differ.
    #[must_use]
    pub fn existing(self, existing: ExistingPolicy) -> Self {
        Self { existing, ..self }
    }

    /// Restores these objects only: `type/name` or `type/namespace/name`, names in the backup, or globs.
    #[must_use]
    pub fn names<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// Restores these namespaces only (names in the backup, or globs).
    #[must_use]
    pub fn namespaces<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.included_namespaces = names.into_iter().map(Into::into).collect();
        self
    }

    /// Restores the namespace `from` of the backup as `to`.
    #[must_use]
    pub fn map_namespace(mut self, from: &str, to: &str) -> Self {
        self.namespace_mapping.insert(from.to_owned(), to.to_owned());
        self
    }

    /// The name that a namespace of the backup has in the target.
    #[must_use]
    pub fn target_namespace<'a>(&'a self, namespace: &'a str) -> &'a str {
        self.namespace_mapping.get(namespace).map_or(namespace, String::as_str)
    }

    /// Whether the restore is of every namespace in the backup.
    #[must_use]
    pub fn takes_all_namespaces(&self) -> bool {
        self.excluded_namespaces.is_empty()
            && (self.included_namespaces.is_empty() || self.included_namespaces == ["*"])
    }

    /// Checks all that can be checked without the backup and without a cluster.
    ///
    /// # Errors
    /// With every violation, not only the first.
    pub fn validate(&self) -> Result<(), Violations> {
        let mut found = selection_violations(&SelectionFields {
            namespaces: (&self.included_namespaces, &self.excluded_namespaces),
            resources: (&self.included_resources, &self.excluded_resources),
            selector: self.label_selector.as_ref(),
            or_selectors: &self.or_label_selectors,
        });
        found.extend(self.namespace_mapping.iter().flat_map(|(from, to)| mapping_violations(from, to)));
        found.extend(merging_violations(&self.namespace_mapping));
        if let Some(RestoreStatus { included_resources, excluded_resources }) = &self.restore_status {
            let fields = ("restoreStatus.includedResources", "restoreStatus.excludedResources");
            list_violations(&mut found, fields.0, fields.1, included_resources, excluded_resources);
        }
        found.extend(super::mapping::storage_class_violations(&self.storage_class_mapping));
        found.extend(super::mapping::image_violations(&self.image_mapping));
        found.extend(restore_hook_violations(&self.hooks));
        found.extend(self.compiled_modifiers().err().into_iter().flat_map(|Violations(found)| found));
        found.extend(self.names.iter().filter_map(|name| name_violation(name)));
        Violations::check(found)
    }

    /// Whether an object may be restored otherwise than it was backed up, beside what the target cluster asks for.
    #[must_use]
    pub fn changes_objects(&self) -> bool {
        !(self.namespace_mapping.is_empty()
            && self.storage_class_mapping.is_empty()
            && self.image_mapping.is_empty()
            && self.resource_modifiers.is_none()
            && self.hooks.is_empty())
    }

    /// The resource modifiers, ready to be applied; `None` where there are none.
    ///
    /// # Errors
    /// With everything that is wrong with them.
    pub fn compiled_modifiers(&self) -> Result<Option<Modifiers>, Violations> {
        let Some(modifiers) = &self.resource_modifiers else { return Ok(None) };
        let violation = |why| Violation::new("resourceModifiers", why);
        modifiers.compile().map(Some).map_err(|wrong| Violations(wrong.into_iter().map(violation).collect()))
    }
}

fn mapping_violations(from: &str, to: &str) -> Vec<Violation> {
    let label = |name: &str| name.len() <= 63 && !name.contains('.') && name.parse::<BackupName>().is_ok();
    [from, to]
        .into_iter()
        .filter(|name| !label(name))
        .map(|name| {
            let rule = "at most 63 lower-case letters, digits and \"-\" are allowed";
            Violation::new("namespaceMapping", format!("\"{name}\" cannot be a namespace: {rule}"))
        })
        .collect()
}

/// `type/name` or `type/namespace/name`.
fn name_violation(name: &str) -> Option<Violation> {
    let parts: Vec<&str> = name.split('/').collect();
    let message = match &parts[..] {
        [_, _] | [_, _, _] if parts.iter().all(|part| !part.is_empty()) => return None,
        _ => format!("\"{name}\" names no object: write type/name, or type/namespace/name"),
    };
    Some(Violation::new("names", message))
}

/// Two namespaces that become one would overwrite each other's objects.
fn merging_violations(mapping: &BTreeMap<String, String>) -> Vec<Violation> {
    let mut sources: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (from, to) in mapping {
        sources.entry(to).or_default().push(from);
    }
    sources
        .into_iter()
        .filter(|(_, from)| from.len() > 1)
        .map(|(to, from)| Violation::new("namespaceMapping", format!("{} would all become \"{to}\"", from.join(", "))))
        .collect()
}
