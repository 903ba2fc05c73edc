//! What a backup takes, at which revision, and what it says when it can't.

use std::sync::atomic::{AtomicUsize, Ordering};

use kbackup_core::backup::{self, BackupError};
use kbackup_core::clock::{Clock, ManualClock};
use kbackup_core::cluster::{At, ClusterError, ClusterErrorKind};
use kbackup_core::event::{Event, EventSink};
use kbackup_core::issue::{Code, Outcome};
use kbackup_core::limits::Limits;
use kbackup_core::model::{Gvr, ObjectRef};
use kbackup_core::run::{Cancel, Run};
use kbackup_core::spec::{BackupSpec, Consistency, RestoreSpec};
use kbackup_core::store::{ObjectStore, PutMode};

use crate::world::{Meddled, World, all, completed, configmap, core, keys, name, small};

#[tokio::test]
async fn everything_is_taken() {
    let world = World::shop();
    let report = world.back_up("b", &BackupSpec::default()).await;
    assert_eq!(report.manifest.outcome, Outcome::Completed, "{:?}", report.issues);
    assert_eq!(world.held("b", "widgets").await, ["shop/w1"]);
    assert_eq!(world.held("b", "roles").await, ["shop/system:reader"]);
    for ty in ["configmaps", "secrets", "namespaces", "serviceaccounts"] {
        let there = all(&world.cluster, &core(ty), At::Newest).await;
        assert_eq!(world.held("b", ty).await.len(), there.len(), "{ty}");
    }
}

#[tokio::test]
async fn what_is_chosen_is_taken() {
    let world = World::shop();
    let app = |name: &str| format!("app={name}").parse().expect("a selector");
    let check = async |as_name: &str, spec: BackupSpec, configmaps: &[&str]| {
        world.back_up(as_name, &spec).await;
        let held = world.held(as_name, "configmaps").await;
        let own: Vec<&String> = held.iter().filter(|name| !name.ends_with("kube-root-ca.crt")).collect();
        assert_eq!(own, configmaps, "{as_name}");
    };
    check("by-namespace", BackupSpec::default().namespaces(["shop"]), &["shop/a", "shop/b"]).await;
    check("by-glob", BackupSpec::default().namespaces(["w*"]), &["web/a"]).await;
    check("by-label", BackupSpec::default().selector(app("a")), &["shop/a", "web/a"]).await;
    check("by-type", BackupSpec::default().resources(["secrets"]), &[]).await;
    let either = BackupSpec { or_label_selectors: vec![app("a"), app("b")], ..BackupSpec::default() };
    check("by-either", either, &["shop/a", "shop/b", "web/a"]).await;
}

#[tokio::test]
async fn what_chosen_objects_need_comes_with_them() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default().namespaces(["shop"])).await;
    assert_eq!(world.held("b", "namespaces").await, ["shop"]);
    assert_eq!(world.held("b", "customresourcedefinitions").await, ["widgets.example.com"]);
    let target = world.elsewhere();
    completed(&target.restore("r", &RestoreSpec::from_backup(name("b"))).await);
    let widget = ObjectRef::namespaced(Gvr::new("example.com", "v1", "widgets"), "shop", "w1");
    assert!(target.get(&widget).is_some());

    world.back_up("web", &BackupSpec::default().namespaces(["web"])).await;
    assert_eq!(world.held("web", "customresourcedefinitions").await.len(), 0, "nothing there needs it");
}

#[tokio::test]
async fn what_happens_meanwhile_makes_no_difference() {
    let world = World::shop();
    let before = all(&world.cluster, &core("configmaps"), At::Newest).await;
    let number = AtomicUsize::new(0);
    let meddled = Meddled::new(&world.cluster, move |cluster, _, _| {
        let number = number.fetch_add(1, Ordering::Relaxed).to_string();
        cluster.load([configmap("shop", "a", &number), configmap("web", &format!("new-{number}"), "x")]).map(|_| ())
    });
    let report = backup::run(&backup::Ports::new(&meddled, &world.store), &name("b"), &BackupSpec::default(), &small())
        .await
        .expect("it is made");
    assert!(report.manifest.parts.len() > 1, "the test is about several parts");
    let revision = report.manifest.consistency.revision;
    let then = all(&world.cluster, &core("configmaps"), At::Exact(revision)).await;
    assert_eq!(then, before, "nothing happened before the revision was pinned");
    let expect: Vec<String> = then
        .iter()
        .map(|object| format!("{}/{}", object.meta().namespace.as_deref().unwrap_or(""), object.meta().name))
        .collect();
    assert_eq!(world.held("b", "configmaps").await, expect);
}

/// Compacts everything before the `page`-th page of the first list of ConfigMaps.
fn compacted(world: &World, page: usize) -> Meddled {
    let done = AtomicUsize::new(0);
    Meddled::new(&world.cluster, move |cluster, query, number| {
        if query.ty.gvr.plural == "configmaps" && number == page && done.fetch_add(1, Ordering::Relaxed) == 0 {
            cluster.load([configmap("shop", "late", "x")])?;
            cluster.compact_all();
        }
        Ok(())
    })
}

#[tokio::test]
async fn a_revision_that_is_gone_is_read_again_and_named() {
    for page in [0, 1] {
        let world = World::shop();
        let spec = BackupSpec::default().resources(["configmaps"]);
        let report =
            backup::run(&backup::Ports::new(&compacted(&world, page), &world.store), &name("b"), &spec, &small())
                .await
                .expect("it is made");
        assert_eq!(report.manifest.outcome, Outcome::Completed, "all of it is there");
        let exceptions = &report.manifest.consistency.exceptions;
        assert!(
            exceptions.iter().any(|other| other.gvr == core("configmaps") && other.revision.is_some()),
            "{exceptions:?}"
        );
        assert!(report.issues.iter().any(|issue| issue.code == Code::OtherRevision), "{:?}", report.issues);
        let held = world.held("b", "configmaps").await;
        let mut once = held.clone();
        once.dedup();
        assert_eq!(held, once, "nothing is held twice");
        assert!(held.contains(&"shop/late".to_owned()), "it was read again at the newest revision");
        assert_eq!(report.manifest.counts.by_type[&core("configmaps")], held.len() as u64, "and counted once");
    }
}

#[tokio::test]
async fn a_strict_backup_fails_instead_and_leaves_nothing() {
    let world = World::shop();
    let spec = BackupSpec { consistency: Consistency::Strict, ..BackupSpec::default() };
    let failed =
        backup::run(&backup::Ports::new(&compacted(&world, 1), &world.store), &name("b"), &spec, &small()).await;
    assert!(
        matches!(failed, Err(BackupError::Inconsistent { ref gvr, .. }) if gvr.plural == "configmaps"),
        "{failed:?}"
    );
    assert_eq!(keys(&world.store).await, ["kbackup.json"]);
}

#[tokio::test]
async fn a_list_that_fails_is_an_issue_and_the_rest_is_there() {
    for (kind, code) in [
        (ClusterErrorKind::Forbidden, Code::Forbidden),
        (ClusterErrorKind::Unavailable, Code::ListFailed),
        (ClusterErrorKind::NotFound, Code::NotFound),
    ] {
        let world = World::shop();
        let meddled = Meddled::new(&world.cluster, move |_, query, _| match &*query.ty.gvr.plural {
            "secrets" => Err(ClusterError::new(kind, "no")),
            _ => Ok(()),
        });
        let report =
            backup::run(&backup::Ports::new(&meddled, &world.store), &name("b"), &BackupSpec::default(), &small())
                .await
                .expect("it is made");
        assert_eq!(report.manifest.outcome, Outcome::PartiallyFailed);
        assert!(
            report.issues.iter().any(|issue| issue.code == code && issue.message.contains("secrets")),
            "{:?}",
            report.issues
        );
        assert_eq!(report.manifest.read_issues(&world.store).await.expect("they are stored"), report.issues);
        assert!(report.manifest.consistency.exceptions.iter().any(|other| other.gvr == core("secrets")));
        assert_eq!(world.held("b", "secrets").await.len(), 0);
        assert_eq!(world.held("b", "widgets").await, ["shop/w1"]);
    }
}

#[tokio::test]
async fn wrong_credentials_end_the_run() {
    let world = World::shop();
    let meddled = Meddled::new(&world.cluster, |_, query, _| match &*query.ty.gvr.plural {
        "namespaces" => Ok(()),
        _ => Err(ClusterError::new(ClusterErrorKind::Unauthenticated, "the token is expired")),
    });
    let failed =
        backup::run(&backup::Ports::new(&meddled, &world.store), &name("b"), &BackupSpec::default(), &small()).await;
    assert!(matches!(failed, Err(BackupError::Cluster { .. })), "{failed:?}");
    assert_eq!(keys(&world.store).await, ["kbackup.json"]);
}

#[tokio::test]
async fn a_name_is_taken_once() {
    let world = World::shop();
    world.back_up("b", &BackupSpec::default()).await;
    let before = keys(&world.store).await;
    let again = world.engine().backup(&name("b"), &BackupSpec::default(), &Run::default()).await;
    assert!(matches!(again, Err(BackupError::NameTaken { .. })), "{again:?}");
    assert_eq!(keys(&world.store).await, before);
}

#[tokio::test]
async fn a_name_in_progress_is_refused() {
    let world = World::shop();
    let claim = br#"{"runId":"7f0c5b52-0d5c-4f5e-9a7c-6f0b3c9d9a11","startedAt":"2026-11-23T00:00:00Z","heartbeatAt":"2026-11-23T00:00:30Z"}"#;
    let key = "backups/b/claim.json".parse().expect("a key");
    world.store.put(&key, claim.as_slice().into(), PutMode::Create).await.expect("stored");
    let refused = world.engine().backup(&name("b"), &BackupSpec::default(), &Run::default()).await;
    assert!(matches!(refused, Err(BackupError::InProgress { .. })), "{refused:?}");
    assert_eq!(keys(&world.store).await, ["backups/b/claim.json", "kbackup.json"], "the other run keeps what it has");
}

#[tokio::test]
async fn a_foreign_location_is_left_alone() {
    for marker in [
        "hello",
        r#"{"format":"other"}"#,
        r#"{"format":"kbackup","version":99,"id":"7f0c5b52-0d5c-4f5e-9a7c-6f0b3c9d9a11","createdAt":"2026-11-23T00:00:00Z"}"#,
    ] {
        let world = World::shop();
        let key = "kbackup.json".parse().expect("a key");
        world.store.put(&key, marker.to_owned().into(), PutMode::Create).await.expect("stored");
        let refused = world.engine().backup(&name("b"), &BackupSpec::default(), &Run::default()).await;
        assert!(matches!(refused, Err(BackupError::ForeignLocation { .. })), "{marker}: {refused:?}");
        assert_eq!(keys(&world.store).await, ["kbackup.json"], "{marker}");
    }
}

#[tokio::test]
async fn every_violation_is_told_and_nothing_is_touched() {
    let world = World::shop();
    let spec = BackupSpec {
        included_namespaces: vec!["*".into(), "shop".into()],
        excluded_resources: vec!["*".into()],
        ..BackupSpec::default()
    };
    let Err(BackupError::Invalid(violations)) = world.engine().backup(&name("b"), &spec, &Run::default()).await else {
        unreachable!("the spec is invalid")
    };
    assert_eq!(violations.0.len(), 2, "{violations}");
    assert!(keys(&world.store).await.is_empty());

    let unknown = BackupSpec::default().resources(["deplyoments"]);
    let Err(BackupError::Invalid(violations)) = world.engine().backup(&name("b"), &unknown, &Run::default()).await
    else {
        unreachable!("the type is unknown")
    };
    assert!(violations.to_string().contains("deployments"), "{violations}");
    assert_eq!(keys(&world.store).await, ["kbackup.json"], "no claim stays");
}

/// Cancels its run at the n-th event.
#[derive(Debug)]
struct CancelAt(AtomicUsize, Cancel);

impl EventSink for CancelAt {
    fn emit(&self, _: Event) {
        if self.0.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.1.cancel();
        }
    }
}

#[tokio::test]
async fn a_cancelled_backup_leaves_nothing() {
    for at in 1..12 {
        let world = World::shop();
        let cancel = Cancel::default();
        let run = small().events(std::sync::Arc::new(CancelAt(AtomicUsize::new(at), cancel.clone()))).cancel(cancel);
        match world.engine().backup(&name("b"), &BackupSpec::default(), &run).await {
            Err(BackupError::Cancelled) => assert_eq!(keys(&world.store).await, ["kbackup.json"], "event {at}"),
            other => assert!(other.is_ok(), "event {at}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_broken_api_group_is_an_issue() {
    let world = World::shop();
    world.cluster.break_group("example.com/v1", "the server is gone");
    let report = world.back_up("b", &BackupSpec::default()).await;
    assert_eq!(report.manifest.outcome, Outcome::PartiallyFailed);
    assert!(report.issues.iter().any(|issue| issue.code == Code::BrokenApiGroup), "{:?}", report.issues);
    assert_eq!(
        world.held("b", "configmaps").await.len(),
        all(&world.cluster, &core("configmaps"), At::Newest).await.len()
    );
}

#[tokio::test]
async fn a_cap_on_bytes_slows_the_reading_down_and_is_in_the_manifest() {
    let world = World::shop();
    let begun: jiff::Timestamp = "2026-11-25T00:00:00Z".parse().expect("a time");
    let clock = std::sync::Arc::new(ManualClock::at(begun));
    let limits = Limits { bytes_per_second_max: Some(100), lists_max: 2, ..Limits::default() };
    let run = Run::default().clock(clock.clone()).limits(limits);
    let ports = backup::Ports::new(&world.cluster, &world.store);
    let spec = BackupSpec::default().resources(["configmaps"]);
    let report = backup::run(&ports, &name("b"), &spec, &run).await.expect("it is made");
    let took = clock.now().duration_since(begun).as_secs();
    assert!(took >= i64::try_from(report.manifest.counts.bytes_raw / 100).expect("a few"), "{took} s");
    assert_eq!(report.manifest.caps.bytes_per_second, Some(100));
    assert_eq!(report.manifest.caps.requests_in_flight, 2);
}
