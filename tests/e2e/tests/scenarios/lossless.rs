//! Everything is backed up, deleted and restored, and every object is there again.

use std::sync::Arc;

use kbackup_core::backup::BackupReport;
use kbackup_core::crypt::{Identities, Keyring, Protection, Recipients, SigningKey};
use kbackup_core::engine::Engine;
use kbackup_core::issue::Severity;
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use kbackup_e2e::fixtures;
use kbackup_e2e::target::Target;
use kbackup_providers::fs::FolderStore;
use kbackup_sandbox::manifest::Manifest;

pub(crate) async fn a_shop_comes_back_as_it_was(target: &Target) {
    comes_back(target, &fixtures::shop(), &[]).await;
}

pub(crate) async fn a_shop_comes_back_under_another_name(target: &Target) {
    comes_back(target, &fixtures::shop(), &[("shop", "shop-again")]).await;
}

pub(crate) async fn a_shop_comes_back_encrypted_and_signed(target: &Target) {
    let (identity, signer) = (Identities::generate(), SigningKey::generate().expect("there is randomness"));
    let recipients = Recipients::of([identity.recipient()]).expect("it is one");
    let identities = Identities::parse(identity.file("now").as_bytes(), None).expect("it is one");
    let keyring = Keyring::default().identities(identities).trust(signer.public().expect("it is whole"));
    let protection = Protection::default().encrypt(recipients).sign(signer);
    comes_back_with(target, &fixtures::shop(), &[], (protection, keyring)).await;
}

pub(crate) async fn monitoring_and_a_shop_come_back_as_they_were(target: &Target) {
    if let Some(manifests) = fixtures::monitoring_and_shop() {
        comes_back(target, &manifests, &[]).await;
    }
}

pub(crate) async fn monitoring_and_a_shop_come_back_under_other_names(target: &Target) {
    if let Some(manifests) = fixtures::monitoring_and_shop() {
        comes_back(target, &manifests, &[("shop", "shop-two"), ("monitoring", "monitoring-two")]).await;
    }
}

/// Loads, backs up, deletes, restores with the mapping, compares.
async fn comes_back(target: &Target, manifests: &[Manifest], mapping: &[(&str, &str)]) {
    comes_back_with(target, manifests, mapping, Default::default()).await;
}

async fn comes_back_with(
    target: &Target,
    manifests: &[Manifest],
    mapping: &[(&str, &str)],
    (protection, keyring): (Protection, Keyring),
) {
    let mapped: Vec<&str> = mapping.iter().map(|(_, to)| *to).collect();
    target.wipe(manifests, &mapped).await;
    target.load(manifests).await;
    let before = target.snapshot().await;

    let folder = tempfile::tempdir().expect("a folder for the backup");
    let store = FolderStore::open(folder.path()).expect("a folder is a store");
    let engine = Engine::shared(Arc::clone(&target.cluster), Arc::new(store)).protect(protection).unlock(keyring);
    let backup = back_up(&engine).await;
    assert!(backup.manifest.counts.objects >= before.objects.len() as u64, "{:?}", backup.manifest.counts);

    target.wipe(manifests, &mapped).await;
    restore(&engine, mapping).await;

    let comparison = target.becomes(&before.renamed(mapping).expect("renamed objects are objects")).await;
    target.wipe(manifests, &mapped).await;
    assert!(comparison.is_equal(), "{comparison}");
    assert!(comparison.objects > manifests.len(), "{comparison}");
}

async fn back_up(engine: &Engine) -> BackupReport {
    let name = "everything".parse().expect("a name");
    let report = engine.backup(&name, &BackupSpec::default(), &Run::default()).await.expect("the backup is made");
    let errors: Vec<_> = report.issues.iter().filter(|issue| issue.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    report
}

async fn restore(engine: &Engine, mapping: &[(&str, &str)]) {
    let mut spec = RestoreSpec::from_backup("everything".parse().expect("a name"));
    for (from, to) in mapping {
        spec = spec.map_namespace(from, to);
    }
    let run = Run::default();
    let plan = engine.plan_restore(&"back".parse().expect("a name"), &spec, &run).await.expect("a plan");
    let report = engine.apply(&plan, &run).await.expect("the restore is done");
    let errors: Vec<_> = report.issues.iter().filter(|issue| issue.severity == Severity::Error).collect();
    assert!(report.counts.failed == 0 && errors.is_empty(), "{:?}\n{errors:#?}", report.counts);
}
