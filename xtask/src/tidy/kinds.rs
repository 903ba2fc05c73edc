//! The engines don't know kinds: what is special about one lives in `action/builtin/` alone.

use super::finding::Finding;
use super::source::Source;

const RULE: &str = "kinds";

/// Where no kind may be named.
const ENGINES: [&str; 2] = ["crates/kbackup-core/src/backup/", "crates/kbackup-core/src/restore/"];

/// Kinds and plurals, each on its own, for a file, with the reason.
const ALLOWED: [(&str, &str, &str); 0] = [];

/// The kinds that Kubernetes brings along. `Namespace` is missing on purpose: namespaces are how a selection, a mapping and
/// an object's place are said, so the engines know them as they know names.
const KINDS: &str = "APIService CSIDriver CSINode CertificateSigningRequest ClusterRole ClusterRoleBinding ConfigMap \
    ControllerRevision CronJob CustomResourceDefinition DaemonSet Deployment EndpointSlice Endpoints Event \
    HorizontalPodAutoscaler Ingress IngressClass Job Lease LimitRange MutatingWebhookConfiguration \
    NetworkPolicy Node PersistentVolume PersistentVolumeClaim Pod PodDisruptionBudget PodTemplate PriorityClass \
    ReplicaSet ReplicationController ResourceQuota Role RoleBinding RuntimeClass Secret Service ServiceAccount \
    StatefulSet StorageClass ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding \
    ValidatingWebhookConfiguration VolumeAttachment VolumeSnapshot VolumeSnapshotClass VolumeSnapshotContent";

/// The strings in the engines' production code that name a kind or its plural.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    if !ENGINES.iter().any(|folder| source.path.starts_with(folder)) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in source.production() {
        for word in line.strings.iter().filter(|word| names_kind(word) && !is_allowed(&source.path, word)) {
            let message = format!(
                "\"{word}\" is knowledge of a kind: it belongs in action/builtin/, behind a question that any kind can answer"
            );
            findings.push(Finding { file: source.path.clone(), line: number, rule: RULE, message });
        }
    }
    findings
}

/// Whether a string is a kind or a plural, alone or with a group.
fn names_kind(word: &str) -> bool {
    let name = word.split('.').next().unwrap_or_default();
    KINDS.split_whitespace().any(|kind| kind == name || plural(kind) == name)
}

fn plural(kind: &str) -> String {
    let lower = kind.to_ascii_lowercase();
    match lower.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if lower == "endpoints" => lower,
        None if lower.ends_with('s') => format!("{lower}es"),
        None => format!("{lower}s"),
    }
}

fn is_allowed(path: &str, word: &str) -> bool {
    ALLOWED.iter().any(|(file, allowed, _)| path.ends_with(file) && *allowed == word)
}

#[cfg(test)]
mod tests {
    use super::super::source::Source;
    use super::check;

    #[test]
    fn engines_name_no_kinds() {
        for (file, text, expected) in [
            ("restore/plan.rs", r#"if kind == "Pod" {}"#, 1),
            ("restore/plan.rs", r#"if ty == "networkpolicies.networking.k8s.io" {}"#, 1),
            ("backup/run.rs", r#"["ingresses", "endpoints", "storageclasses"]"#, 3),
            ("backup/run.rs", r#"event("upload a Pod", "namespaces"); // "Pod""#, 0),
            ("action/builtin/pod.rs", r#"if kind == "Pod" {}"#, 0),
            ("restore/plan/tests.rs", r#"if kind == "Pod" {}"#, 0),
        ] {
            let path = format!("crates/kbackup-core/src/{file}");
            assert_eq!(check(&Source::new(&path, text)).len(), expected, "{file}: {text}");
        }
    }
}
