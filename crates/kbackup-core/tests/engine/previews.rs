//! What a backup would take is what it takes, and costs the cluster less to tell.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use kbackup_core::action::BackupActions;
use kbackup_core::backup::preview;
use kbackup_core::model::LabelSelector;
use kbackup_core::run::Run;
use kbackup_core::spec::BackupSpec;
use serde_json::json;

use crate::world::{Meddled, World, name};

#[tokio::test]
async fn a_preview_counts_what_a_backup_takes_and_reads_metadata() {
    let world = World::shop();
    let volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "namespace": "shop", "name": "data" },
        "spec": { "storageClassName": "fast" }
    });
    let class = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": { "name": "fast" }, "provisioner": "x"
    });
    world.cluster.load([volume, class]).expect("they load");
    for (number, (spec, whole)) in [
        (BackupSpec::default(), vec!["persistentvolumeclaims", "persistentvolumes", "pods"]),
        (BackupSpec::default().namespaces(["shop"]), vec!["persistentvolumeclaims", "serviceaccounts"]),
        (BackupSpec::default().selector(LabelSelector::label("app", "a")), vec!["pods"]),
        (BackupSpec::default().resources(["configmaps"]), vec![]),
    ]
    .into_iter()
    .enumerate()
    {
        let lists: Arc<Mutex<Vec<(String, bool)>>> = Arc::default();
        let seen = Arc::clone(&lists);
        let watched = Meddled::new(&world.cluster, move |_, query, _| {
            seen.lock().expect("nobody panicked").push((query.ty.gvr.group_resource(), query.metadata_only));
            Ok(())
        });
        let backup = name(&format!("b{number}"));
        let told =
            preview(&watched, BackupActions::builtin(), (&backup, &spec), &Run::default()).await.expect("a look");
        let made = world.engine().backup(&backup, &spec, &Run::default()).await.expect("it is made").manifest;
        assert_eq!((told.objects, &told.by_type), (made.counts.objects, &made.counts.by_type), "{spec:?}");
        assert_eq!(told.volume_counts, made.counts.volumes, "{spec:?}");
        let lists = lists.lock().expect("nobody panicked");
        let read: BTreeSet<&str> = lists.iter().filter(|(_, only)| !only).map(|(ty, _)| ty.as_str()).collect();
        for ty in whole {
            assert!(read.contains(ty), "{ty} is read whole: {read:?}");
        }
        assert!(!read.contains("configmaps") && !read.contains("secrets"), "{spec:?}: {read:?}");
    }
}
