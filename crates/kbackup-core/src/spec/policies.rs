//! A file of Velero's resource policies.

use serde::{Deserialize, Serialize};

use super::{BackupSpec, NamespacedFilter, ResourceFilter, VolumePolicy};

/// A file of resource policies (`--resource-policies`), as Velero keeps it in a ConfigMap.
///
/// ```
/// use kbackup_core::spec::{ResourcePolicies, VolumeActionType};
///
/// let file = r#"{"version": "v1", "volumePolicies": [
///     {"conditions": {"capacity": "0,1Gi", "storageClass": ["scratch"]}, "action": {"type": "skip"}}]}"#;
/// let policies: ResourcePolicies = serde_json::from_str(file)?;
/// assert_eq!(policies.volume_policies[0].action.kind, VolumeActionType::Skip);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourcePolicies {
    /// The version of the file's format.
    pub version: PoliciesVersion,
    /// What happens to volumes; the first that fits one decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volume_policies: Vec<VolumePolicy>,
    /// Types to take, by scope: as the four scoped lists of a spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_exclude_policy: Option<IncludeExcludePolicy>,
    /// Which objects of single kinds of the cluster are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_scoped_filter_policy: Option<ClusterScopedFilterPolicy>,
    /// What is taken in single namespaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaced_filter_policies: Vec<NamespacedFilter>,
}

/// Types to take, by scope.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct IncludeExcludePolicy {
    /// Types of the cluster to take.
    pub included_cluster_scoped_resources: Vec<String>,
    /// Types of the cluster to leave out.
    pub excluded_cluster_scoped_resources: Vec<String>,
    /// Types in namespaces to take.
    pub included_namespace_scoped_resources: Vec<String>,
    /// Types in namespaces to leave out.
    pub excluded_namespace_scoped_resources: Vec<String>,
}

/// Which objects of single kinds of the cluster are taken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ClusterScopedFilterPolicy {
    /// The filters, each for some kinds.
    pub resource_filters: Vec<ResourceFilter>,
}

/// The versions of [`ResourcePolicies`] that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum PoliciesVersion {
    /// The only one there is.
    V1,
}

impl ResourcePolicies {
    /// Sets in a spec all that the file says something about.
    pub fn apply(self, spec: &mut BackupSpec) {
        let types = self.include_exclude_policy.unwrap_or_default();
        let filters = self.cluster_scoped_filter_policy.unwrap_or_default().resource_filters;
        set(&mut spec.volume_policies, self.volume_policies);
        set(&mut spec.included_cluster_scoped_resources, types.included_cluster_scoped_resources);
        set(&mut spec.excluded_cluster_scoped_resources, types.excluded_cluster_scoped_resources);
        set(&mut spec.included_namespace_scoped_resources, types.included_namespace_scoped_resources);
        set(&mut spec.excluded_namespace_scoped_resources, types.excluded_namespace_scoped_resources);
        set(&mut spec.cluster_scoped_filters, filters);
        set(&mut spec.namespaced_filters, self.namespaced_filter_policies);
    }
}

fn set<T>(field: &mut Vec<T>, given: Vec<T>) {
    if !given.is_empty() {
        *field = given;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(file: serde_json::Value) -> Result<ResourcePolicies, String> {
        serde_json::from_value(file).map_err(|error| error.to_string())
    }

    #[test]
    fn files_are_read_strictly() {
        let policy = |conditions: serde_json::Value, action: serde_json::Value| {
            parse(json!({"version": "v1", "volumePolicies": [{"conditions": conditions, "action": action}]}))
        };
        let skip = || json!({"type": "skip"});
        let all = json!({"capacity": "0,1Gi", "storageClass": ["fast"], "nfs": {"server": "a"}, "csi": {"driver": "b"},
            "volumeTypes": ["emptyDir", "storageOS"], "pvcLabels": {"a": "b"}, "pvcPhase": ["Pending"],
            "pvcVolumeMode": "Block", "pvcAccessModes": ["ReadWriteOnce"]});
        let read = policy(all, json!({"type": "snapshot", "parameters": {"snapshotClass": "x"}})).expect("a file");
        let again = serde_json::to_value(&read).expect("it is plain data");
        assert_eq!(parse(again).expect("its own JSON"), read);
        for (conditions, action, expect) in [
            (json!({"capacity": "big"}), skip(), "not a range"),
            (json!({"storageClasses": []}), skip(), "unknown field `storageClasses`"),
            (json!({"nfs": {"servr": "a"}}), skip(), "unknown field `servr`"),
            (json!({"volumeTypes": ["emptydirs"]}), skip(), "did you mean \"emptyDir\""),
            (json!({"pvcPhase": ["bound"]}), skip(), "unknown variant `bound`"),
            (json!({}), json!({"type": "ignore"}), "unknown variant `ignore`"),
            (json!({}), json!({}), "missing field `type`"),
        ] {
            let error = policy(conditions, action).expect_err(expect);
            assert!(error.contains(expect), "{error}");
        }
        assert!(parse(json!({"version": "v2"})).expect_err("v2").contains("v1"));
        assert!(parse(json!({"volumePolicies": []})).expect_err("no version").contains("version"));
    }

    #[test]
    fn files_set_what_they_are_about() {
        let file = json!({"version": "v1", "volumePolicies": [{"action": {"type": "skip"}}],
            "includeExcludePolicy": {"excludedNamespaceScopedResources": ["secrets"]},
            "clusterScopedFilterPolicy": {"resourceFilters": [{"kinds": ["storageclasses"], "names": ["fast"]}]},
            "namespacedFilterPolicies": [{"namespaces": ["shop"], "resourceFilters": [{"kinds": ["configmaps"]}]}]});
        let mut spec =
            BackupSpec { ordered_resources: [("pods".into(), "a/b".into())].into(), ..BackupSpec::default() };
        spec.included_cluster_scoped_resources = vec!["nodes".into()];
        parse(file).expect("a file").apply(&mut spec);
        assert_eq!((spec.volume_policies.len(), spec.ordered_resources.len()), (1, 1));
        assert_eq!(spec.excluded_namespace_scoped_resources, ["secrets"]);
        assert_eq!(spec.included_cluster_scoped_resources, ["nodes"], "what the file does not say stays");
        assert_eq!((spec.cluster_scoped_filters.len(), spec.namespaced_filters[0].namespaces[0].as_str()), (1, "shop"));
    }
}
