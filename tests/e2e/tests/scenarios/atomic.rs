//! Objects are created, changed and deleted throughout a backup, and the backup is the cluster at one revision.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kbackup_core::backup::{self, BackupError, BackupReport, Ports};
use kbackup_core::catalog;
use kbackup_core::cluster::ClusterReader;
use kbackup_core::issue::{Code, Severity};
use kbackup_core::limits::Limits;
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, Consistency};
use kbackup_core::store::MemoryStore;
use kbackup_e2e::archive;
use kbackup_e2e::forgetful::Forgetful;
use kbackup_e2e::target::Target;

use super::written::{self, CUSTOM};

/// Rounds of the writer after the backup has ended: what it must not contain.
const ROUNDS_AFTER: usize = 3;
/// Objects in a page, so that a list has several.
const PAGE_OBJECTS: usize = 10;

pub(crate) async fn a_backup_is_the_cluster_at_one_revision(target: &Target) {
    let writer = written::writer(target).await;
    let (store, done) = (MemoryStore::new(), AtomicBool::new(false));
    let backing_up = async {
        let report = back_up(&*target.cluster, &store, Consistency::Strict).await;
        done.store(true, Ordering::Release);
        report.expect("the backup is made")
    };
    let (report, journal) = tokio::join!(backing_up, writer.run(&done, ROUNDS_AFTER));

    let archived = archive::objects(&store, &report.manifest).await.expect("the backup can be read");
    written::wipe(target).await;
    let revision = report.manifest.consistency.revision;
    let writes_after = journal.entries.iter().filter(|entry| entry.revision > revision).count();
    assert!(writes_after > ROUNDS_AFTER, "the writer wrote after revision {revision}: {writes_after}");
    assert!(report.manifest.consistency.exceptions.is_empty(), "all of it is of one revision");
    written::is_archived(&journal, &report.manifest, &archived);
}

/// Two backups at once, of each of which the server forgets the revision while it reads the second page of a list.
pub(crate) async fn a_forgotten_revision_is_named_or_fails_a_strict_backup(target: &Target) {
    let writer = written::writer(target).await;
    let (store, strict_store, done) = (MemoryStore::new(), MemoryStore::new(), AtomicBool::new(false));
    let forgetful = || {
        let cluster: Arc<dyn ClusterReader> = Arc::clone(&target.cluster) as _;
        Forgetful::new(cluster, target.history(), CUSTOM.parse().expect("a type"))
    };
    let (cluster, strict_cluster) = (forgetful(), forgetful());
    let backing_up = async {
        let both = tokio::join!(
            Box::pin(back_up(&cluster, &store, Consistency::Revision)),
            Box::pin(back_up(&strict_cluster, &strict_store, Consistency::Strict))
        );
        done.store(true, Ordering::Release);
        both
    };
    let ((report, strict), journal) = tokio::join!(backing_up, writer.run(&done, ROUNDS_AFTER));

    let report = report.expect("the backup is made");
    let archived = archive::objects(&store, &report.manifest).await.expect("the backup can be read");
    written::wipe(target).await;
    is_named(&report);
    written::is_archived(&journal, &report.manifest, &archived);

    let refused = strict.expect_err("a strict backup is of one revision");
    assert!(matches!(refused, BackupError::Inconsistent { .. }), "{refused}");
    let listed = catalog::names(&strict_store).await.expect("the store can be listed");
    assert!(listed.is_empty(), "nothing lists as a backup: {listed:?}");
}

/// The manifest and an issue say that the type is of another revision, and of which.
fn is_named(report: &BackupReport) {
    let consistency = &report.manifest.consistency;
    let exception = consistency.exceptions.iter().find(|exception| exception.gvr.to_string() == CUSTOM);
    let revision = exception.expect("the type is named").revision.expect("it was read to its end");
    assert!(revision > consistency.revision, "{revision} is newer than {}", consistency.revision);
    let told = report.issues.iter().filter(|issue| issue.code == Code::OtherRevision);
    let told: Vec<_> = told.filter(|issue| issue.message.contains(&revision.to_string())).collect();
    assert!(!told.is_empty() && told.iter().all(|issue| issue.severity == Severity::Warning), "{:#?}", report.issues);
}

async fn back_up(
    cluster: &dyn ClusterReader,
    store: &MemoryStore,
    consistency: Consistency,
) -> Result<BackupReport, BackupError> {
    let spec = BackupSpec { consistency, ..BackupSpec::default() };
    let run = Run::default().limits(Limits { page_objects_max: PAGE_OBJECTS, ..Limits::default() });
    backup::run(&Ports::new(cluster, store), &"atomic".parse().expect("a name"), &spec, &run).await
}
