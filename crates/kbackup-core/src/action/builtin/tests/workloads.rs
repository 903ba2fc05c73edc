//! Pods, Jobs and what belongs to them.

use serde_json::json;

use super::*;

#[test]
fn a_pod_is_placed_anew_and_gets_a_new_token() {
    let token = json!({"name": "kube-api-access-x7k2p", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}});
    let old_token = json!({"name": "robot-token-7fk2x", "secret": {"secretName": "robot-token-7fk2x"}});
    let data = json!({"name": "data", "emptyDir": {}});
    let mounts = |names: &[&str]| names.iter().map(|name| json!({"name": name, "mountPath": "/m"})).collect::<Value>();
    let object = in_shop(
        "web",
        "spec",
        json!({
            "nodeName": "n1", "priority": 1000, "preemptionPolicy": "Never", "priorityClassName": "high",
            "serviceAccountName": "robot", "ephemeralContainers": [{"name": "debug"}],
            "volumes": [token, data, old_token],
            "containers": [{"name": "c", "volumeMounts": mounts(&["data", "kube-api-access-x7k2p"])}],
            "initContainers": [{"name": "i", "volumeMounts": mounts(&["robot-token-7fk2x"])}],
        }),
    );
    let expect = in_shop(
        "web",
        "spec",
        json!({
            "priorityClassName": "high", "serviceAccountName": "robot", "volumes": [data],
            "containers": [{"name": "c", "volumeMounts": mounts(&["data"])}],
            "initContainers": [{"name": "i"}],
        }),
    );
    check("v1/pods", &spec(), &object, &expect);
}

#[test]
fn a_pod_does_not_wait_for_velero() {
    let container =
        |name: &str, path: &str| json!({"name": name, "volumeMounts": [{"name": "data", "mountPath": path}]});
    let pod = |init: Value| in_shop("web", "spec", json!({"initContainers": init}));
    let given = json!([
        container("restore-wait", "/restores/data"),
        container("restic-wait", "/restores/data"),
        container("init", "/x")
    ]);
    check("v1/pods", &spec(), &pod(given), &pod(json!([container("init", "/x")])));
    let own = pod(json!([container("restore-wait", "/data")]));
    check("v1/pods", &spec(), &own, &own);
}

#[test]
fn volumes_that_only_look_like_tokens_stay() {
    let object = in_shop(
        "web",
        "spec",
        json!({"serviceAccountName": "robot", "volumes": [
            {"name": "kube-api-access-mine", "emptyDir": {}},
            {"name": "robot-token-7fk2x", "secret": {"secretName": "another"}},
            {"name": "robot-token-build", "secret": {"secretName": "robot-token-build"}},
            {"name": "other-token-7fk2x", "secret": {"secretName": "other-token-7fk2x"}},
        ]}),
    );
    check("v1/pods", &spec(), &object, &object);
}

#[test]
fn pods_that_ended_or_mirror_a_file_are_left_out() {
    for (phase, words) in [("Succeeded", "run to its end"), ("Failed", "run to its end")] {
        check_skipped("v1/pods", &in_shop("web", "status", json!({"phase": phase})), words);
    }
    let mirror = json!({"metadata": {
        "name": "etcd-n1", "namespace": "kube-system", "annotations": {"kubernetes.io/config.mirror": "abc"},
    }});
    check_skipped("v1/pods", &mirror, "static Pod");
    for phase in ["Running", "Pending", "Unknown"] {
        kept("v1/pods", &spec(), &in_shop("web", "status", json!({"phase": phase})));
    }
}

#[test]
fn a_job_selects_by_a_new_uid() {
    let job = |manual: bool, labels: Value| {
        in_shop(
            "j",
            "spec",
            json!({
                "manualSelector": manual, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}},
            }),
        )
    };
    let uids = json!({"controller-uid": "1", "batch.kubernetes.io/controller-uid": "1", "app": "j", "job-name": "j"});
    let rest = json!({"app": "j", "job-name": "j"});
    check("batch/v1/jobs", &spec(), &job(false, uids.clone()), &job(false, rest));
    check("batch/v1/jobs", &spec(), &job(true, uids.clone()), &job(true, uids));

    let labelled = json!({"metadata": {
        "name": "j", "namespace": "shop", "labels": {"job-name": "j", "batch.kubernetes.io/controller-uid": "1"},
    }});
    let expect = json!({"metadata": {"name": "j", "namespace": "shop", "labels": {"job-name": "j"}}});
    check("batch/v1/jobs", &spec(), &labelled, &expect);

    // The server had copied the template's labels, and copies the new ones where it finds none.
    let copied = |labels: &Value| {
        json!({"metadata": {"name": "j", "namespace": "shop", "labels": labels},
        "spec": {"template": {"metadata": {"labels": labels}}}})
    };
    let expect = json!({"metadata": {"name": "j", "namespace": "shop"},
        "spec": {"template": {"metadata": {"labels": {"app": "j"}}}}});
    check("batch/v1/jobs", &spec(), &copied(&json!({"app": "j", "controller-uid": "1"})), &expect);

    let bare = in_shop(
        "j",
        "spec",
        json!({
            "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "1"}},
            "template": {"metadata": {"labels": {"controller-uid": "1"}}},
        }),
    );
    let expect = in_shop("j", "spec", json!({"selector": {}, "template": {"metadata": {}}}));
    check("batch/v1/jobs", &spec(), &bare, &expect);
}

#[test]
fn a_job_that_ended_is_left_out() {
    let condition = |ty: &str, status: &str| json!({"conditions": [{"type": ty, "status": status}]});
    for status in
        [condition("Complete", "True"), condition("Failed", "True"), json!({"completionTime": "2026-11-23T02:00:00Z"})]
    {
        check_skipped("batch/v1/jobs", &in_shop("j", "status", status), "run to its end");
    }
    for status in [condition("Complete", "False"), condition("Suspended", "True"), json!({"active": 1})] {
        kept("batch/v1/jobs", &spec(), &in_shop("j", "status", status));
    }
}

#[test]
fn a_claim_made_from_a_template_is_left_out() {
    let made = json!({"metadata": {"name": "p-gpu-x2", "namespace": "shop", "annotations": {"resource.kubernetes.io/pod-claim-name": "gpu"}}});
    check_skipped("resource.k8s.io/v1/resourceclaims", &made, "template");
    kept("resource.k8s.io/v1/resourceclaims", &spec(), &in_shop("gpu", "spec", json!({})));
}
