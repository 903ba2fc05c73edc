//! Every rule of volumes: objects, a spec, and what is decided.

use serde_json::{Value, json};

use super::*;
use crate::cluster::MemoryCluster;
use crate::hook::Ordered;
use crate::issue::{Code, Severity, Stage};
use crate::model::{Gvr, Object};
use crate::spec::BackupSpec;

fn gvr(plural: &str) -> Gvr {
    Gvr::new("", "v1", plural)
}

fn pv(name: &str, spec: Value) -> (Gvr, Value) {
    let mut full = json!({"capacity": {"storage": "10Gi"}, "storageClassName": "fast",
        "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": "vol-1", "volumeAttributes": {"tier": "gold"}}});
    full.as_object_mut().expect("a map").extend(spec.as_object().expect("a map").clone());
    full.as_object_mut().expect("a map").retain(|_, value| !value.is_null());
    let object = json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": full});
    (gvr("persistentvolumes"), object)
}

fn pvc(name: &str, volume: Option<&str>, spec: Value) -> (Gvr, Value) {
    let mut object = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": "db"}},
        "spec": {"volumeName": volume, "storageClassName": "fast", "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "10Gi"}}},
        "status": {"phase": if volume.is_some() { "Bound" } else { "Pending" }}});
    let more = spec.as_object().expect("a map").clone();
    for (field, value) in more {
        match field.as_str() {
            "phase" => object["status"]["phase"] = value,
            _ => object["spec"][field] = value,
        }
    }
    (gvr("persistentvolumeclaims"), object)
}

fn pod(name: &str, annotations: Value, volumes: Value) -> (Gvr, Value) {
    let mounts: Vec<Value> =
        volumes.as_array().expect("a list").iter().map(|volume| json!({"name": volume["name"]})).collect();
    let object = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "annotations": annotations},
        "spec": {"volumes": volumes, "containers": [{"name": "main", "volumeMounts": mounts}]},
        "status": {"phase": "Running"}});
    (gvr("pods"), object)
}

fn uses(claim: &str) -> Value {
    json!([{"name": "data", "persistentVolumeClaim": {"claimName": claim}}])
}

fn plan(spec: Value, objects: &[(Gvr, Value)]) -> VolumePlan {
    let spec: BackupSpec = serde_json::from_value(spec).expect("a spec");
    let ordered = Ordered::resolve(&spec.ordered_resources, &MemoryCluster::new().discovery()).expect("an order");
    survey(&spec, objects).plan(&ordered)
}

fn survey(spec: &BackupSpec, objects: &[(Gvr, Value)]) -> VolumeSurvey {
    let mut survey = VolumeSurvey::new(VolumeRules::new(spec));
    for (ty, object) in objects {
        assert!(VolumeSurvey::wants(ty));
        survey.see(ty, &Object::from_value(object).expect("an object"));
    }
    survey
}

/// Each volume in one line: what, action and reason.
fn lines(plan: &VolumePlan) -> Vec<String> {
    let line = |record: &VolumeRecord| {
        let own = || record.pods.first().map(|pod| format!("{pod}:{}", record.pod_volume.as_deref().unwrap_or("?")));
        let name = record.volume.clone().or(record.claim.clone()).or_else(own).unwrap_or_default();
        format!("{name} {} {}", record.action, record.reason)
    };
    plan.records.iter().map(line).collect()
}

fn check(spec: Value, objects: &[(Gvr, Value)], expect: &[&str]) {
    assert_eq!(lines(&plan(spec.clone(), objects)), expect, "{spec}");
}

fn bound() -> Vec<(Gvr, Value)> {
    vec![pv("pv-1", json!({})), pvc("data", Some("pv-1"), json!({})), pod("db-0", json!({}), uses("data"))]
}

#[test]
fn without_a_wish_volumes_are_snapshotted() {
    let by_default = "volumes are snapshotted unless the request says otherwise";
    check(json!({}), &bound(), &[&format!("pv-1 snapshot {by_default}")]);
    check(json!({"snapshotVolumes": true}), &bound(), &["pv-1 snapshot snapshotVolumes is true"]);
    check(json!({"snapshotVolumes": false}), &bound(), &["pv-1 skip snapshotVolumes is false"]);
    // A volume of the cluster without a claim in the backup is one too.
    let released = pv("pv-2", json!({"claimRef": {"namespace": "gone", "name": "data"}}));
    check(json!({}), std::slice::from_ref(&released), &[&format!("pv-2 snapshot {by_default}")]);
    assert_eq!(plan(json!({}), &[released]).records[0].claim.as_deref(), Some("gone/data"));
    check(json!({}), &[], &[]);
}

#[test]
fn claims_without_a_volume_say_why() {
    let check = |claim: (Gvr, Value), reason: &str| check(json!({}), &[claim], &[&format!("shop/data skip {reason}")]);
    check(pvc("data", None, json!({})), "its claim has no volume yet");
    check(pvc("data", Some("pv-1"), json!({"phase": "Lost"})), "its claim has lost its volume");
    check(pvc("data", Some("pv-1"), json!({})), "its PersistentVolume pv-1 is not in the backup");
}

#[test]
fn pods_ask_for_copies() {
    let with = |annotations: Value| {
        let mut objects = bound();
        objects[2] = pod("db-0", annotations, uses("data"));
        objects
    };
    let (opt_in, opt_out) = ("backup.velero.io/backup-volumes", "backup.velero.io/backup-volumes-excludes");
    check(
        json!({}),
        &with(json!({opt_in: "cache, data"})),
        &["pv-1 fs-backup pod shop/db-0 asks for it by annotation"],
    );
    check(
        json!({"snapshotVolumes": false}),
        &with(json!({"backup.kbackup.dev/backup-volumes": "data"})),
        &["pv-1 fs-backup pod shop/db-0 asks for it by annotation"],
    );
    let all = json!({"defaultVolumesToFsBackup": true});
    check(all.clone(), &bound(), &["pv-1 fs-backup defaultVolumesToFsBackup is true"]);
    let by_default = "pv-1 snapshot volumes are snapshotted unless the request says otherwise";
    check(all.clone(), &with(json!({opt_out: "data"})), &[by_default]);
    check(json!({"defaultVolumesToFsBackup": false}), &bound(), &[by_default]);
    // One pod that wants it is enough.
    let mut shared = with(json!({opt_out: "data"}));
    shared.push(pod("db-1", json!({}), uses("data")));
    check(all.clone(), &shared, &["pv-1 fs-backup defaultVolumesToFsBackup is true"]);
    // What can't be copied is snapshotted, as without the wish for all.
    let mut device = bound();
    device[1] = pvc("data", Some("pv-1"), json!({"volumeMode": "Block"}));
    check(all, &device, &[by_default]);
}

#[test]
fn volumes_of_pods_alone_are_copied_or_not_told_of() {
    let volumes = json!([{"name": "cache", "emptyDir": {}}, {"name": "etc", "configMap": {"name": "x"}},
        {"name": "token", "projected": {}}, {"name": "host", "hostPath": {"path": "/"}}]);
    let pods = |annotations| vec![pod("web", annotations, volumes.clone())];
    check(json!({}), &pods(json!({})), &[]);
    let all = json!({"defaultVolumesToFsBackup": true});
    check(all.clone(), &pods(json!({})), &["shop/web:cache fs-backup defaultVolumesToFsBackup is true"]);
    check(all, &pods(json!({"backup.velero.io/backup-volumes-excludes": "cache"})), &[]);
    let asked = pods(json!({"backup.velero.io/backup-volumes": "cache"}));
    check(json!({}), &asked, &["shop/web:cache fs-backup pod shop/web asks for it by annotation"]);
    let policy = |kind: &str| json!({"volumePolicies": [{"conditions": {}, "action": {"type": kind}}]});
    check(policy("fs-backup"), &pods(json!({})), &["shop/web:cache fs-backup volumePolicies[0]"]);
    check(policy("custom"), &pods(json!({})), &["shop/web:cache custom volumePolicies[0]"]);
    check(policy("skip"), &pods(json!({})), &[]);
    check(policy("snapshot"), &pods(json!({})), &[]);
}

#[test]
fn copies_that_cannot_be_made_are_warnings() {
    let asks = json!({"backup.velero.io/backup-volumes": "data,gone"});
    let check = |objects: &[(Gvr, Value)], expect: &str| {
        let plan = plan(json!({}), objects);
        let issue = plan.issues.iter().find(|issue| issue.message.contains(expect));
        let issue = issue.unwrap_or_else(|| panic!("{expect}: {:?}", plan.issues));
        assert_eq!((issue.severity, issue.stage), (Severity::Warning, Stage::Volume));
        assert!(issue.object.is_some() && issue.code == Code::VolumeLeftOut, "{issue:?}");
    };
    let asking = |claim: Value| {
        vec![pv("pv-1", json!({})), pvc("data", Some("pv-1"), claim), pod("db-0", asks.clone(), uses("data"))]
    };
    check(&asking(json!({})), "asks for volumes that it has not: gone");
    check(&asking(json!({"volumeMode": "Block"})), "used as a device");
    let mut pending = asking(json!({}));
    pending[2].1["status"]["phase"] = "Pending".into();
    check(&pending, "no pod that uses it is running");
    let mut unmounted = asking(json!({}));
    unmounted[2].1["spec"]["containers"] = json!([]);
    check(&unmounted, "no container mounts it");
    let mut host = asking(json!({}));
    host[0] = pv("pv-1", json!({"csi": null, "hostPath": {"path": "/x"}}));
    check(&host, "those of a hostPath volume never are");
    // A pod that has ended asks for nothing.
    let mut ended = asking(json!({}));
    ended[2].1["status"]["phase"] = "Succeeded".into();
    assert_eq!(lines(&plan(json!({"snapshotVolumes": false}), &ended)), ["pv-1 skip snapshotVolumes is false"]);
    // A policy for copies, and nobody who mounts the volume.
    let policy = json!({"volumePolicies": [{"conditions": {}, "action": {"type": "fs-backup"}}]});
    let found = plan(policy, &bound()[..2]);
    assert!(found.records[0].reason.contains("volumePolicies[0]: its files can't be copied: no pod uses it"));
}

#[test]
fn policies_decide_by_what_they_ask() {
    let fits = |conditions: Value, expect: bool| {
        let spec = json!({"snapshotVolumes": false,
            "volumePolicies": [{"conditions": conditions, "action": {"type": "snapshot"}}]});
        let reason = if expect { "pv-1 snapshot volumePolicies[0]" } else { "pv-1 skip snapshotVolumes is false" };
        check(spec, &bound(), &[reason]);
    };
    fits(json!({}), true);
    fits(json!({"capacity": "10Gi,10Gi"}), true);
    fits(json!({"capacity": ",9Gi"}), false);
    fits(json!({"capacity": "11Gi,"}), false);
    fits(json!({"storageClass": ["slow", "fast"]}), true);
    fits(json!({"storageClass": ["slow"]}), false);
    fits(json!({"csi": {}}), true);
    fits(json!({"csi": {"driver": "ebs.csi.aws.com", "volumeAttributes": {"tier": "gold"}}}), true);
    fits(json!({"csi": {"driver": "disk.csi.azure.com"}}), false);
    fits(json!({"csi": {"volumeAttributes": {"tier": "silver"}}}), false);
    fits(json!({"nfs": {}}), false);
    fits(json!({"volumeTypes": ["emptyDir", "csi"]}), true);
    fits(json!({"volumeTypes": ["nfs"]}), false);
    fits(json!({"pvcLabels": {"app": "db"}}), true);
    fits(json!({"pvcLabels": {"app": "db", "tier": "x"}}), false);
    fits(json!({"pvcPhase": ["Bound"]}), true);
    fits(json!({"pvcPhase": ["Pending", "Lost"]}), false);
    fits(json!({"pvcVolumeMode": "Filesystem"}), true);
    fits(json!({"pvcVolumeMode": ["Block"]}), false);
    fits(json!({"pvcAccessModes": ["ReadWriteOnce"]}), true);
    fits(json!({"pvcAccessModes": ["ReadWriteOnce", "ReadOnlyMany"]}), false);
    fits(json!({"csi": {}, "storageClass": ["slow"]}), false);
}

#[test]
fn policies_know_nfs_and_pending_claims() {
    let nfs = [pv("pv-1", json!({"csi": null, "nfs": {"server": "files", "path": "/a"}}))];
    let skip = |conditions: Value| json!({"volumePolicies": [{"conditions": conditions, "action": {"type": "skip"}}]});
    for (conditions, expect) in [
        (json!({"nfs": {}}), true),
        (json!({"nfs": {"server": "files"}}), true),
        (json!({"nfs": {"server": "files", "path": "/b"}}), false),
        (json!({"volumeTypes": ["nfs"]}), true),
        (json!({"pvcLabels": {"app": "db"}}), false),
    ] {
        let found = lines(&plan(skip(conditions.clone()), &nfs));
        assert_eq!(found == ["pv-1 skip volumePolicies[0]"], expect, "{conditions}: {found:?}");
    }
    let pending = [pvc("data", None, json!({}))];
    check(skip(json!({"pvcPhase": ["Pending"]})), &pending, &["shop/data skip volumePolicies[0]"]);
    // A claim is known by what it asks for until it has a volume.
    check(
        skip(json!({"capacity": ",10Gi", "storageClass": ["fast"]})),
        &pending,
        &["shop/data skip volumePolicies[0]"],
    );
    let snapshot = json!({"volumePolicies": [{"conditions": {}, "action": {"type": "snapshot"}}]});
    check(
        snapshot,
        &pending,
        &["shop/data skip volumePolicies[0] asks for a snapshot, and its claim has no volume yet"],
    );
}

#[test]
fn the_first_policy_that_fits_decides_over_all_else() {
    let policies = json!([
        {"conditions": {"storageClass": ["slow"]}, "action": {"type": "skip"}},
        {"conditions": {"csi": {}}, "action": {"type": "custom", "parameters": {"by": "us"}}},
        {"conditions": {}, "action": {"type": "skip"}},
    ]);
    let mut objects = bound();
    objects[2] = pod("db-0", json!({"backup.velero.io/backup-volumes": "data"}), uses("data"));
    let plan = plan(json!({"volumePolicies": policies, "snapshotVolumes": true}), &objects);
    assert_eq!(lines(&plan), ["pv-1 custom volumePolicies[1]"]);
    assert_eq!((&plan.records[0].parameters["by"], plan.records[0].result), (&json!("us"), VolumeResult::Skipped));
}

#[test]
fn what_nobody_can_do_is_one_issue() {
    let many: Vec<(Gvr, Value)> = (0..3).map(|n| pv(&format!("pv-{n}"), json!({}))).collect();
    let check = |spec: Value, objects: &[(Gvr, Value)], expect: Option<(Severity, &str)>| {
        let plan = plan(spec.clone(), objects);
        let found: Vec<_> = plan.issues.iter().filter(|issue| issue.code == Code::NoProvider).collect();
        match (expect, &found[..]) {
            (None, []) => {}
            (Some((severity, message)), [issue]) => {
                assert_eq!(issue.severity, severity, "{spec}");
                assert!(issue.message.starts_with(message), "{spec}: {}", issue.message);
            }
            _ => panic!("{spec}: {found:?}"),
        }
        let undone = plan.records.iter().filter(|record| record.result == VolumeResult::NoProvider).count();
        assert_eq!((plan.counts().no_provider, plan.counts().total()), (undone as u64, plan.records.len() as u64));
    };
    check(json!({}), &many, Some((Severity::Warning, "3 volumes were to be snapshotted, and no provider")));
    check(json!({"snapshotVolumes": true}), &many[..1], Some((Severity::Error, "1 volume was to be snapshotted")));
    check(json!({"snapshotVolumes": false}), &many, None);
    check(json!({"snapshotVolumes": true}), &[], None);
    let policy = |kind: &str| json!({"volumePolicies": [{"action": {"type": kind}}]});
    check(policy("snapshot"), &many, Some((Severity::Error, "3 volumes were to be snapshotted")));
    check(policy("skip"), &many, None);
    check(policy("custom"), &many, None);
    let mut both = bound();
    both.push(pv("pv-2", json!({})));
    let copy = "1 volume was to be snapshotted and 1 volume was to be copied file by file";
    check(json!({"defaultVolumesToFsBackup": true}), &both, Some((Severity::Error, copy)));
    both[2] = pod("db-0", json!({"backup.velero.io/backup-volumes": "data"}), uses("data"));
    check(json!({}), &both, Some((Severity::Warning, copy)));
}

#[test]
fn volumes_come_in_the_order_that_was_asked_for() {
    let objects = [
        pv("pv-1", json!({})),
        pv("pv-2", json!({})),
        pv("pv-3", json!({})),
        pvc("data", Some("pv-3"), json!({})),
        pvc("more", Some("pv-1"), json!({})),
    ];
    let names = |spec: Value| -> Vec<String> {
        plan(spec, &objects).records.into_iter().filter_map(|record| record.volume).collect()
    };
    assert_eq!(names(json!({})), ["pv-3", "pv-1", "pv-2"]);
    assert_eq!(names(json!({"orderedResources": {"pv": "pv-2,pv-1"}})), ["pv-2", "pv-1", "pv-3"]);
    assert_eq!(names(json!({"orderedResources": {"pvc": "shop/more"}})), ["pv-1", "pv-3", "pv-2"]);
}

#[test]
fn what_is_read_again_counts_once() {
    let spec = BackupSpec::default();
    let mut survey = survey(&spec, &bound());
    survey.forget(&gvr("persistentvolumeclaims"), Some("web"));
    survey.forget(&gvr("pods"), Some("web"));
    survey.forget(&gvr("secrets"), None);
    assert_eq!(survey.plan(&Ordered::default()).records[0].pods, ["shop/db-0"]);
    survey.forget(&gvr("pods"), Some("shop"));
    assert_eq!(survey.plan(&Ordered::default()).records[0].pods, [] as [&str; 0]);
    survey.forget(&gvr("persistentvolumes"), None);
    assert_eq!(survey.plan(&Ordered::default()).records[0].volume, None);
    survey.forget(&gvr("persistentvolumeclaims"), None);
    assert_eq!(survey.plan(&Ordered::default()), VolumePlan::default());
}

#[test]
fn a_line_says_all_that_is_known() {
    let plan = plan(json!({}), &bound());
    let line = serde_json::to_value(&plan.records[0]).expect("it is plain data");
    let expect = json!({"volume": "pv-1", "claim": "shop/data", "pods": ["shop/db-0"], "type": "csi",
        "driver": "ebs.csi.aws.com", "storageClass": "fast", "capacity": "10Gi", "action": "snapshot",
        "reason": "volumes are snapshotted unless the request says otherwise", "result": "noProvider"});
    assert_eq!(line, expect);
    assert_eq!(serde_json::from_value::<VolumeRecord>(line).expect("its own JSON"), plan.records[0]);
}

#[test]
fn ephemeral_claims_are_the_pods_own() {
    let ephemeral =
        pod("db-0", json!({"backup.velero.io/backup-volumes": "data"}), json!([{"name": "data", "ephemeral": {}}]));
    let objects = [pv("pv-1", json!({})), pvc("db-0-data", Some("pv-1"), json!({})), ephemeral];
    check(json!({}), &objects, &["pv-1 fs-backup pod shop/db-0 asks for it by annotation"]);
}
