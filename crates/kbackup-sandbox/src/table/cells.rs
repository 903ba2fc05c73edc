//! The cells of the built-in kinds.

use jiff::Timestamp;
use serde_json::Value;

use super::age::duration;

/// The value at a dotted path.
fn at<'a>(object: &'a Value, path: &str) -> &'a Value {
    path.split('.').try_fold(object, |value, name| value.get(name)).unwrap_or(&Value::Null)
}

fn list<'a>(object: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> + Clone {
    at(object, path).as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

fn join(parts: impl Iterator<Item = String>, otherwise: &str) -> String {
    let joined = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(",");
    if joined.is_empty() { otherwise.to_owned() } else { joined }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The text, number or truth at a path; nothing where there is none.
pub(super) fn text(object: &Value, path: &str) -> String {
    shown(at(object, path))
}

/// As [`text`], with a word for what is missing or empty.
pub(super) fn text_or(object: &Value, path: &str, otherwise: &str) -> String {
    Some(text(object, path)).filter(|text| !text.is_empty()).unwrap_or_else(|| otherwise.to_owned())
}

/// The number at a path; zero where there is none.
pub(super) fn number(object: &Value, path: &str) -> i64 {
    at(object, path).as_i64().unwrap_or(0)
}

/// Whether a field is true; one that is missing is not.
pub(super) fn truth(object: &Value, path: &str) -> bool {
    at(object, path).as_bool().unwrap_or(false)
}

/// Whether a CronJob is suspended, in kubectl's words.
pub(super) fn suspended(cron_job: &Value) -> String {
    if truth(cron_job, "spec.suspend") { "True" } else { "False" }.to_owned()
}

/// How many entries a list or a map has.
pub(super) fn length(object: &Value, path: &str) -> usize {
    match at(object, path) {
        Value::Array(items) => items.len(),
        Value::Object(fields) => fields.len(),
        _ => 0,
    }
}

/// `ready/wanted`.
pub(super) fn ready_of(object: &Value, ready: &str, wanted: &str) -> String {
    format!("{}/{}", number(object, ready), number(object, wanted))
}

/// A field of each container of a workload's template.
pub(super) fn containers(object: &Value, field: &str) -> String {
    join(list(object, "spec.template.spec.containers").map(|container| text(container, field)), "<none>")
}

/// `key=value` for each entry of a map.
pub(super) fn labels(object: &Value, path: &str) -> String {
    let map = at(object, path).as_object();
    join(map.into_iter().flatten().map(|(key, value)| format!("{key}={}", shown(value))), "<none>")
}

/// A label selector, as kubectl writes it.
pub(super) fn selector(object: &Value, path: &str) -> String {
    let selector = serde_json::from_value::<kbackup_core::model::LabelSelector>(at(object, path).clone());
    let text = selector.map(|selector| selector.to_string()).unwrap_or_default();
    if text.is_empty() { "<none>".to_owned() } else { text }
}

/// Ready containers of all containers.
pub(super) fn pod_ready(pod: &Value) -> String {
    let ready = list(pod, "status.containerStatuses").filter(|status| status["ready"] == true).count();
    format!("{ready}/{}", length(pod, "spec.containers"))
}

/// The phase, or what is wrong with a container, or that the pod is going.
pub(super) fn pod_status(pod: &Value) -> String {
    if !at(pod, "metadata.deletionTimestamp").is_null() {
        return "Terminating".to_owned();
    }
    let why = |status: &Value| {
        [text(status, "state.waiting.reason"), text(status, "state.terminated.reason")]
            .into_iter()
            .find(|why| !why.is_empty())
    };
    let reason = Some(text(pod, "status.reason")).filter(|reason| !reason.is_empty());
    let container = list(pod, "status.containerStatuses").find_map(why);
    reason.or(container).unwrap_or_else(|| text_or(pod, "status.phase", "Unknown"))
}

/// How often containers were started again.
pub(super) fn pod_restarts(pod: &Value) -> String {
    let restarts: i64 = list(pod, "status.containerStatuses").map(|status| number(status, "restartCount")).sum();
    restarts.to_string()
}

/// How a job stands.
pub(super) fn job_status(job: &Value) -> String {
    let holds =
        |wanted: &str| list(job, "status.conditions").any(|entry| entry["type"] == wanted && entry["status"] == "True");
    let word = match () {
        () if holds("Complete") => "Complete",
        () if holds("Failed") => "Failed",
        () if !at(job, "metadata.deletionTimestamp").is_null() => "Terminating",
        () if holds("Suspended") => "Suspended",
        () => "Running",
    };
    word.to_owned()
}

/// Succeeded pods of wanted ones.
pub(super) fn job_completions(job: &Value) -> String {
    format!("{}/{}", number(job, "status.succeeded"), at(job, "spec.completions").as_i64().unwrap_or(1))
}

/// How long a job ran, or has run so far.
pub(super) fn job_duration(job: &Value, now: Timestamp) -> Value {
    let time = |path: &str| text(job, path).parse::<Timestamp>().ok();
    let Some(start) = time("status.startTime") else { return "".into() };
    let end = time("status.completionTime").unwrap_or(now);
    duration((end.as_second() - start.as_second()).max(0)).into()
}

/// What an autoscaler scales.
pub(super) fn scale_target(autoscaler: &Value) -> String {
    format!("{}/{}", text(autoscaler, "spec.scaleTargetRef.kind"), text(autoscaler, "spec.scaleTargetRef.name"))
}

/// Where a service can be reached from outside.
pub(super) fn service_external_ip(service: &Value) -> String {
    let addresses = list(service, "spec.externalIPs").map(shown);
    match text(service, "spec.type").as_str() {
        "ExternalName" => text(service, "spec.externalName"),
        "LoadBalancer" => join(balanced(service).chain(addresses), "<pending>"),
        _ => join(addresses, "<none>"),
    }
}

/// `port:nodePort/protocol` for each port.
pub(super) fn service_ports(service: &Value) -> String {
    let port = |port: &Value| {
        let node_port = at(port, "nodePort").as_i64().filter(|port| *port > 0);
        let node_port = node_port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}{node_port}/{}", number(port, "port"), text_or(port, "protocol", "TCP"))
    };
    join(list(service, "spec.ports").map(port), "<none>")
}

/// The hosts of an ingress's rules.
pub(super) fn ingress_hosts(ingress: &Value) -> String {
    join(list(ingress, "spec.rules").map(|rule| text_or(rule, "host", "*")), "*")
}

/// 80, and 443 with TLS.
pub(super) fn ingress_ports(ingress: &Value) -> String {
    if length(ingress, "spec.tls") > 0 { "80, 443" } else { "80" }.to_owned()
}

/// The addresses of a load balancer.
pub(super) fn load_balancer(object: &Value) -> String {
    join(balanced(object), "")
}

fn balanced(object: &Value) -> impl Iterator<Item = String> + '_ {
    list(object, "status.loadBalancer.ingress").map(|entry| text_or(entry, "ip", &text(entry, "hostname")))
}

/// Access modes in kubectl's three letters.
pub(super) fn access_modes(object: &Value, path: &str) -> String {
    let short = |mode: &Value| {
        match mode.as_str().unwrap_or_default() {
            "ReadWriteOnce" => "RWO",
            "ReadOnlyMany" => "ROX",
            "ReadWriteMany" => "RWX",
            "ReadWriteOncePod" => "RWOP",
            other => other,
        }
        .to_owned()
    };
    join(list(object, path).map(short), "")
}

/// `namespace/name` of the claim that a volume is bound to.
pub(super) fn volume_claim(volume: &Value) -> String {
    match at(volume, "spec.claimRef") {
        Value::Object(_) => {
            format!("{}/{}", text(volume, "spec.claimRef.namespace"), text(volume, "spec.claimRef.name"))
        }
        _ => String::new(),
    }
}

/// `kind/name` of the role that a binding gives.
pub(super) fn role(binding: &Value) -> String {
    format!("{}/{}", text(binding, "roleRef.kind"), text(binding, "roleRef.name"))
}

/// Whether a node is ready and takes pods.
pub(super) fn node_status(node: &Value) -> String {
    let ready = list(node, "status.conditions").find(|entry| entry["type"] == "Ready");
    let ready = match ready.map(|entry| text(entry, "status")).as_deref() {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    let cordoned = if at(node, "spec.unschedulable") == true { ",SchedulingDisabled" } else { "" };
    format!("{ready}{cordoned}")
}

/// `kind/name` of what an event is about.
pub(super) fn event_object(event: &Value) -> String {
    let kind = text(event, "involvedObject.kind").to_ascii_lowercase();
    format!("{kind}/{}", text(event, "involvedObject.name"))
}
