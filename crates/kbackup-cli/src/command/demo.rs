//! `kbackup demo`: the whole road on an in-memory cluster, with every step shown and the result compared.

use std::path::{Path, PathBuf};
use std::time::Instant;

use indicatif::HumanBytes;
use kbackup_core::cluster::{ClusterWriter, Condition, DeleteOptions, MemoryCluster};
use kbackup_core::compare::{Snapshot, compare};
use kbackup_core::engine::Engine;
use kbackup_core::model::{BackupName, Gvr, ObjectError, ObjectRef};
use kbackup_core::run::Run;
use kbackup_core::spec::{BackupSpec, RestoreSpec};
use kbackup_providers::fs::FolderStore;
use kbackup_sandbox::{manifest, shop};

use super::failure::{of_backup, of_restore};
use super::run::stamped;
use crate::args::{DemoArgs, Global};
use crate::error::{Code, Failure};
use crate::view;

/// The namespace of the shop, and the name of its copy.
const SHOP: &str = "shop";
const COPY: &str = "shop-copy";
/// How long the namespace may take to end: in memory it is gone at once.
const END_MAX: std::time::Duration = std::time::Duration::from_secs(10);

pub(super) async fn run(global: &Global, args: &DemoArgs) -> Result<Code, Failure> {
    let began = Instant::now();
    let folder = Folder::open(args.dir.as_deref())?;
    let cluster = MemoryCluster::new();
    let store = FolderStore::open(folder.path()).map_err(|error| Failure::from_error(Code::Usage, &error))?;
    let demo = Demo { engine: Engine::new(cluster.clone(), store.clone()), store, cluster };

    let loaded =
        manifest::load(&demo.cluster, shop::manifests().map_err(failed)?, "kbackup-demo").await.map_err(failed)?;
    view::line(format!("A cluster in memory runs a shop: {} objects.", loaded.total()))?;
    let before = demo.snapshot().await?;

    let name = stamped("demo")?;
    let report = demo.engine.backup(&name, &BackupSpec::default(), &Run::default()).await;
    let manifest = report.map_err(|error| of_backup(&error))?.manifest;
    let (objects, types) = (manifest.counts.objects, manifest.counts.by_type.len());
    let stored = HumanBytes(manifest.counts.bytes_stored);
    let revision = manifest.consistency.revision;
    view::line(format!(
        "Backed up {objects} objects of {types} types, all at revision {revision}: {stored} in {}",
        folder.path().display()
    ))?;

    demo.delete_shop().await?;
    view::line(format!(
        "Deleted the namespace {SHOP}: {} of its objects are left.",
        demo.within(SHOP).await?.objects.len()
    ))?;

    let mut equal = true;
    for target in [SHOP, COPY] {
        demo.restore(&name, target).await?;
        let expected = expected(&before, target).map_err(failed)?;
        let comparison = compare(&expected, &demo.within(target).await?);
        view::line(format!(
            "Compared {target} with the shop as it was: {}",
            comparison.to_string().trim_end().replace('\n', "\n  ")
        ))?;
        equal &= comparison.is_equal();
    }
    if !equal {
        return Err(Failure::failed("the restored shop is not as it was").next("please report this: it is a bug"));
    }
    view::line(format!(
        "Done in {:.1} s: backed up, deleted, restored under two names, and equal.",
        began.elapsed().as_secs_f64()
    ))?;
    folder.tell(global)?;
    Ok(Code::Completed)
}

struct Demo {
    engine: Engine,
    store: FolderStore,
    cluster: MemoryCluster,
}

impl Demo {
    async fn snapshot(&self) -> Result<Snapshot, Failure> {
        Snapshot::take(&self.cluster).await.map_err(failed)
    }

    async fn within(&self, namespace: &str) -> Result<Snapshot, Failure> {
        Ok(self.snapshot().await?.within(&[namespace]))
    }

    async fn delete_shop(&self) -> Result<(), Failure> {
        let cluster: &dyn ClusterWriter = &self.cluster;
        let namespace = ObjectRef::cluster(Gvr::new("", "v1", "namespaces"), SHOP);
        cluster.delete(&namespace, &DeleteOptions::default()).await.map_err(failed)?;
        cluster.wait(&namespace, &Condition::Gone, END_MAX).await.map_err(failed)?;
        Ok(())
    }

    async fn restore(&self, backup: &BackupName, target: &str) -> Result<(), Failure> {
        let spec = RestoreSpec::from_backup(backup.clone()).namespaces([SHOP]).map_namespace(SHOP, target);
        let name = stamped(target)?;
        let run = Run::default();
        let restored = async {
            let plan = self.engine.plan_restore(&name, &spec, &run).await?;
            self.engine.apply(&plan, &run).await
        };
        let report = match restored.await {
            Ok(report) => report,
            Err(error) => return Err(of_restore(&error, &self.store).await),
        };
        view::line(format!(
            "Restored it as {target}: {} objects created, {} left to what makes them, {} failed.",
            report.counts.created, report.counts.skipped, report.counts.failed
        ))?;
        report.issues.iter().try_for_each(|issue| view::line(format!("  {issue}")))
    }
}

/// Where the backup goes.
enum Folder {
    Given(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Folder {
    fn open(given: Option<&Path>) -> Result<Self, Failure> {
        match given {
            Some(path) => std::path::absolute(path).map(Self::Given),
            None => tempfile::tempdir().map(Self::Temporary),
        }
        .map_err(|error| Failure::failed("there is no folder for the backup").why(error).next("name one with --dir"))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }

    fn tell(&self, global: &Global) -> Result<(), Failure> {
        match self {
            Self::Given(path) if !global.quiet => view::line(format!(
                "The backup stays; look at it: kbackup backup get --store file://{}",
                path.display()
            )),
            _ => Ok(()),
        }
    }
}

/// The shop as it was, under this name. A copy cannot have the volume that the shop has.
fn expected(before: &Snapshot, target: &str) -> Result<Snapshot, ObjectError> {
    let renamed = before.within(&[SHOP]).renamed(&[(SHOP, target)])?;
    if target == SHOP { Ok(renamed) } else { renamed.with_new_volumes() }
}

fn failed(error: impl std::error::Error) -> Failure {
    Failure::from_error(Code::Failed, &error)
}
