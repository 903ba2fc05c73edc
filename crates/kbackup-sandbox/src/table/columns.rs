//! Which columns a kind has: the ones that `kubectl get` users know.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use kbackup_core::model::ResourceType;
use serde_json::Value;

use super::age::age;
use super::cells;

/// What makes a cell of an object.
type MakeCell = dyn Fn(&Value, Timestamp) -> Value + Send + Sync;

/// A column of a table.
#[derive(Clone)]
pub(crate) struct Column {
    pub(crate) name: Cow<'static, str>,
    /// The type of its cells, as OpenAPI names it.
    pub(crate) kind: &'static str,
    /// Whether it is only shown by `-o wide`.
    pub(crate) wide: bool,
    pub(crate) cell: Arc<MakeCell>,
}

impl fmt::Debug for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Column({})", self.name)
    }
}

/// The columns of a built-in type; NAME and AGE for one that has none of its own.
pub(crate) fn of_type(ty: &ResourceType) -> Vec<Column> {
    let mut columns = vec![name_column()];
    columns.extend(own_columns(&ty.gvr.group_resource()));
    let created_at = matches!(ty.kind.as_str(), "CustomResourceDefinition" | "Role" | "ClusterRole");
    if !created_at && ty.kind != "Event" {
        // AGE stands before the columns of `-o wide`.
        let at = columns.iter().position(|column| column.wide).unwrap_or(columns.len());
        columns.insert(at, age_column());
    }
    columns
}

/// NAME.
pub(crate) fn name_column() -> Column {
    text("Name", |object| cells::text(object, "metadata.name"))
}

/// AGE.
pub(crate) fn age_column() -> Column {
    since("Age", "metadata.creationTimestamp")
}

fn own_columns(group_resource: &str) -> Vec<Column> {
    workloads(group_resource)
        .or_else(|| networking(group_resource))
        .or_else(|| storage(group_resource))
        .or_else(|| access(group_resource))
        .or_else(|| rest(group_resource))
        .unwrap_or_default()
}

fn workloads(group_resource: &str) -> Option<Vec<Column>> {
    Some(match group_resource {
        "pods" => vec![
            text("Ready", cells::pod_ready),
            text("Status", cells::pod_status),
            text("Restarts", cells::pod_restarts),
            wide("IP", |object| cells::text_or(object, "status.podIP", "<none>")),
            wide("Node", |object| cells::text_or(object, "spec.nodeName", "<none>")),
        ],
        "deployments.apps" => vec![
            text("Ready", |object| cells::ready_of(object, "status.readyReplicas", "spec.replicas")),
            count("Up-to-date", "status.updatedReplicas"),
            count("Available", "status.availableReplicas"),
            wide("Containers", |object| cells::containers(object, "name")),
            wide("Images", |object| cells::containers(object, "image")),
            wide("Selector", |object| cells::selector(object, "spec.selector")),
        ],
        "statefulsets.apps" => vec![
            text("Ready", |object| cells::ready_of(object, "status.readyReplicas", "spec.replicas")),
            wide("Containers", |object| cells::containers(object, "name")),
            wide("Images", |object| cells::containers(object, "image")),
        ],
        "replicasets.apps" | "replicationcontrollers" => vec![
            count("Desired", "spec.replicas"),
            count("Current", "status.replicas"),
            count("Ready", "status.readyReplicas"),
            wide("Containers", |object| cells::containers(object, "name")),
            wide("Images", |object| cells::containers(object, "image")),
        ],
        "daemonsets.apps" => vec![
            count("Desired", "status.desiredNumberScheduled"),
            count("Current", "status.currentNumberScheduled"),
            count("Ready", "status.numberReady"),
            count("Up-to-date", "status.updatedNumberScheduled"),
            count("Available", "status.numberAvailable"),
            text("Node Selector", |object| cells::labels(object, "spec.template.spec.nodeSelector")),
        ],
        "jobs.batch" => vec![
            text("Status", cells::job_status),
            text("Completions", cells::job_completions),
            Column::new("Duration", "string", cells::job_duration),
        ],
        "cronjobs.batch" => vec![
            text("Schedule", |object| cells::text(object, "spec.schedule")),
            text("Timezone", |object| cells::text_or(object, "spec.timeZone", "<none>")),
            text("Suspend", cells::suspended),
            Column::new("Active", "integer", |object, _| cells::length(object, "status.active").into()),
            since("Last Schedule", "status.lastScheduleTime"),
        ],
        "horizontalpodautoscalers.autoscaling" => vec![
            text("Reference", cells::scale_target),
            count("MinPods", "spec.minReplicas"),
            count("MaxPods", "spec.maxReplicas"),
            count("Replicas", "status.currentReplicas"),
        ],
        "poddisruptionbudgets.policy" => vec![
            text("Min Available", |object| cells::text_or(object, "spec.minAvailable", "N/A")),
            text("Max Unavailable", |object| cells::text_or(object, "spec.maxUnavailable", "N/A")),
            count("Allowed Disruptions", "status.disruptionsAllowed"),
        ],
        _ => return None,
    })
}

fn networking(group_resource: &str) -> Option<Vec<Column>> {
    Some(match group_resource {
        "services" => vec![
            text("Type", |object| cells::text_or(object, "spec.type", "ClusterIP")),
            text("Cluster-IP", |object| cells::text_or(object, "spec.clusterIP", "<none>")),
            text("External-IP", cells::service_external_ip),
            text("Port(s)", cells::service_ports),
            wide("Selector", |object| cells::labels(object, "spec.selector")),
        ],
        "ingresses.networking.k8s.io" => vec![
            text("Class", |object| cells::text_or(object, "spec.ingressClassName", "<none>")),
            text("Hosts", cells::ingress_hosts),
            text("Address", cells::load_balancer),
            text("Ports", cells::ingress_ports),
        ],
        "ingressclasses.networking.k8s.io" => vec![
            text("Controller", |object| cells::text(object, "spec.controller")),
            text("Parameters", |object| cells::text_or(object, "spec.parameters.name", "<none>")),
        ],
        "networkpolicies.networking.k8s.io" => {
            vec![text("Pod-Selector", |object| cells::selector(object, "spec.podSelector"))]
        }
        "endpointslices.discovery.k8s.io" => {
            vec![text("AddressType", |object| cells::text(object, "addressType"))]
        }
        _ => return None,
    })
}

fn storage(group_resource: &str) -> Option<Vec<Column>> {
    Some(match group_resource {
        "persistentvolumes" => vec![
            text("Capacity", |object| cells::text(object, "spec.capacity.storage")),
            text("Access Modes", |object| cells::access_modes(object, "spec.accessModes")),
            text("Reclaim Policy", |object| cells::text(object, "spec.persistentVolumeReclaimPolicy")),
            text("Status", |object| cells::text(object, "status.phase")),
            text("Claim", cells::volume_claim),
            text("StorageClass", |object| cells::text(object, "spec.storageClassName")),
            text("VolumeAttributesClass", |object| cells::text_or(object, "spec.volumeAttributesClassName", "<unset>")),
            text("Reason", |object| cells::text(object, "status.reason")),
            wide("VolumeMode", |object| cells::text_or(object, "spec.volumeMode", "<unset>")),
        ],
        "persistentvolumeclaims" => vec![
            text("Status", |object| cells::text(object, "status.phase")),
            text("Volume", |object| cells::text(object, "spec.volumeName")),
            text("Capacity", |object| cells::text(object, "status.capacity.storage")),
            text("Access Modes", |object| cells::access_modes(object, "status.accessModes")),
            text("StorageClass", |object| cells::text(object, "spec.storageClassName")),
            text("VolumeAttributesClass", |object| cells::text_or(object, "spec.volumeAttributesClassName", "<unset>")),
            wide("VolumeMode", |object| cells::text_or(object, "spec.volumeMode", "<unset>")),
        ],
        "storageclasses.storage.k8s.io" => vec![
            text("Provisioner", |object| cells::text(object, "provisioner")),
            text("ReclaimPolicy", |object| cells::text_or(object, "reclaimPolicy", "Delete")),
            text("VolumeBindingMode", |object| cells::text_or(object, "volumeBindingMode", "Immediate")),
            Column::new("AllowVolumeExpansion", "boolean", |object, _| {
                cells::truth(object, "allowVolumeExpansion").into()
            }),
        ],
        _ => return None,
    })
}

fn access(group_resource: &str) -> Option<Vec<Column>> {
    Some(match group_resource {
        "serviceaccounts" => {
            vec![Column::new("Secrets", "integer", |object, _| cells::length(object, "secrets").into())]
        }
        "rolebindings.rbac.authorization.k8s.io" | "clusterrolebindings.rbac.authorization.k8s.io" => {
            vec![text("Role", cells::role)]
        }
        "roles.rbac.authorization.k8s.io"
        | "clusterroles.rbac.authorization.k8s.io"
        | "customresourcedefinitions.apiextensions.k8s.io" => {
            vec![text("Created At", |object| cells::text(object, "metadata.creationTimestamp"))]
        }
        _ => return None,
    })
}

fn rest(group_resource: &str) -> Option<Vec<Column>> {
    Some(match group_resource {
        "configmaps" => vec![Column::new("Data", "integer", |object, _| {
            (cells::length(object, "data") + cells::length(object, "binaryData")).into()
        })],
        "secrets" => vec![
            text("Type", |object| cells::text(object, "type")),
            Column::new("Data", "integer", |object, _| cells::length(object, "data").into()),
        ],
        "namespaces" => vec![text("Status", |object| cells::text(object, "status.phase"))],
        "nodes" => vec![
            text("Status", cells::node_status),
            text("Version", |object| cells::text(object, "status.nodeInfo.kubeletVersion")),
        ],
        "events" | "events.events.k8s.io" => vec![
            since("Last Seen", "lastTimestamp"),
            text("Type", |object| cells::text(object, "type")),
            text("Reason", |object| cells::text(object, "reason")),
            text("Object", cells::event_object),
            text("Message", |object| cells::text(object, "message")),
        ],
        "leases.coordination.k8s.io" => vec![text("Holder", |object| cells::text(object, "spec.holderIdentity"))],
        "priorityclasses.scheduling.k8s.io" => vec![
            count("Value", "value"),
            Column::new("Global-Default", "boolean", |object, _| cells::truth(object, "globalDefault").into()),
        ],
        _ => return None,
    })
}

impl Column {
    fn new(
        name: &'static str,
        kind: &'static str,
        cell: impl Fn(&Value, Timestamp) -> Value + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), kind, wide: false, cell: Arc::new(cell) }
    }
}

fn text(name: &'static str, cell: fn(&Value) -> String) -> Column {
    Column::new(name, "string", move |object, _| cell(object).into())
}

fn wide(name: &'static str, cell: fn(&Value) -> String) -> Column {
    Column { wide: true, ..text(name, cell) }
}

/// A number; a field that is missing counts as zero.
fn count(name: &'static str, path: &'static str) -> Column {
    Column::new(name, "integer", move |object, _| cells::number(object, path).into())
}

fn since(name: &'static str, path: &'static str) -> Column {
    Column::new(name, "string", move |object, now| {
        let time = cells::text(object, path).parse();
        time.map_or_else(|_| "<none>".to_owned(), |time| age(time, now)).into()
    })
}
