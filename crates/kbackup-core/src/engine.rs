//! The engine: a cluster, a store and what is known about kinds, wired together. All the work is in the layers below.

use std::sync::Arc;

use crate::action::{BackupActions, Transforms};
use crate::backup::{self, BackupError, BackupReport, Preview};
use crate::catalog::{self, CatalogError, Depth, Expired, Listed, Policies, Survey, Verification};
use crate::cluster::{ClusterWriter, PodExec};
use crate::crypt::{Keyring, Protection};
use crate::format::{Access, FormatError, Manifest, read_manifest};
use crate::limits::Limits;
use crate::model::BackupName;
use crate::report::RestoreReport;
use crate::restore::{self, RestoreError, RestorePlan};
use crate::run::Run;
use crate::snapshot::SnapshotProviders;
use crate::spec::{BackupSpec, RestoreSpec};
use crate::store::ObjectStore;

/// Backs up and restores one cluster with one store. Cheap to clone; it has no state of its own, so any number of runs can
/// go on at once.
///
/// ```
/// use kbackup_core::cluster::MemoryCluster;
/// use kbackup_core::engine::Engine;
/// use kbackup_core::run::Run;
/// use kbackup_core::spec::{BackupSpec, RestoreSpec};
/// use kbackup_core::store::MemoryStore;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let engine = Engine::new(MemoryCluster::new(), MemoryStore::new());
/// let run = Run::default();
/// let name = "nightly".parse()?;
/// engine.backup(&name, &BackupSpec::default().namespaces(["default"]), &run).await?;
///
/// let spec = RestoreSpec::from_backup(name).map_namespace("default", "copy");
/// let plan = engine.plan_restore(&"nightly-copy".parse()?, &spec, &run).await?;
/// println!("{plan}");
/// let report = engine.apply(&plan, &run).await?;
/// assert_eq!(report.counts.failed, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Engine {
    cluster: Arc<dyn ClusterWriter>,
    store: Arc<dyn ObjectStore>,
    exec: Option<Arc<dyn PodExec>>,
    transforms: Transforms,
    actions: BackupActions,
    snapshots: SnapshotProviders,
    protection: Arc<Protection>,
    keyring: Arc<Keyring>,
}

impl Engine {
    /// The engine of this cluster and this store, with the built-in transforms.
    pub fn new(cluster: impl ClusterWriter, store: impl ObjectStore) -> Self {
        Self::shared(Arc::new(cluster), Arc::new(store))
    }

    /// As [`Engine::new`], of ports that are shared with others.
    #[must_use]
    pub fn shared(cluster: Arc<dyn ClusterWriter>, store: Arc<dyn ObjectStore>) -> Self {
        let (transforms, actions) = (Transforms::builtin(), BackupActions::builtin());
        let (protection, keyring) = Default::default();
        let snapshots = SnapshotProviders::default();
        Self { cluster, store, exec: None, transforms, actions, snapshots, protection, keyring }
    }

    /// The same engine with other transforms: own ones added, built-in ones taken away.
    #[must_use]
    pub fn transforms(self, transforms: Transforms) -> Self {
        Self { transforms, ..self }
    }

    /// The same engine with other actions: own ones added, built-in ones taken away.
    #[must_use]
    pub fn actions(self, actions: BackupActions) -> Self {
        Self { actions, ..self }
    }

    /// The same engine, with this to run the commands of hooks with: most clusters are it themselves.
    #[must_use]
    pub fn exec(self, exec: Arc<dyn PodExec>) -> Self {
        Self { exec: Some(exec), ..self }
    }

    /// The same engine with these disk services: whose snapshots go with a backup that is deleted.
    #[must_use]
    pub fn snapshots(self, snapshots: SnapshotProviders) -> Self {
        Self { snapshots, ..self }
    }

    /// The same engine, whose backups are encrypted and signed as `protection` says.
    #[must_use]
    pub fn protect(self, protection: Protection) -> Self {
        Self { protection: Arc::new(protection), ..self }
    }

    /// The same engine, which opens encrypted backups with these keys, and trusts only what one of them has signed.
    #[must_use]
    pub fn unlock(self, keyring: Keyring) -> Self {
        Self { keyring: Arc::new(keyring), ..self }
    }

    /// The store with the keys of this engine: for reading the files of a backup.
    #[must_use]
    pub fn access(&self) -> Access<'_> {
        Access::new(&*self.store, &self.keyring)
    }

    /// Makes a backup: see [`backup::run`].
    ///
    /// # Errors
    /// As [`backup::run`].
    pub async fn backup(&self, name: &BackupName, spec: &BackupSpec, run: &Run) -> Result<BackupReport, BackupError> {
        let ports =
            backup::Ports::new(&*self.cluster, &*self.store).actions(self.actions.clone()).protect(&self.protection);
        let ports = self.exec.iter().fold(ports, |ports, exec| ports.exec(&**exec));
        backup::run(&ports, name, spec, run).await
    }

    /// Looks at what a backup would take, without any effect: see [`backup::preview()`].
    ///
    /// # Errors
    /// As [`backup::preview()`].
    pub async fn preview_backup(
        &self,
        name: &BackupName,
        spec: &BackupSpec,
        run: &Run,
    ) -> Result<Preview, BackupError> {
        backup::preview(&*self.cluster, self.actions.clone(), (name, spec), run).await
    }

    /// Plans a restore, without any effect: see [`restore::plan()`].
    ///
    /// # Errors
    /// As [`restore::plan()`].
    pub async fn plan_restore(
        &self,
        name: &BackupName,
        spec: &RestoreSpec,
        run: &Run,
    ) -> Result<RestorePlan, RestoreError> {
        let known = (&self.transforms, &self.actions);
        restore::plan(&*self.cluster, self.access(), known, (name, spec), run).await
    }

    /// Lets the server check a plan, without any effect: see [`restore::check`].
    ///
    /// # Errors
    /// As [`restore::check`].
    pub async fn check(&self, plan: RestorePlan, run: &Run) -> Result<RestorePlan, RestoreError> {
        restore::check(&*self.cluster, self.access(), &self.transforms, plan, run).await
    }

    /// The plan of a restore that was begun, to go on with: see [`restore::stored_plan`].
    ///
    /// # Errors
    /// As [`restore::stored_plan`].
    pub async fn begun_restore(&self, name: &BackupName) -> Result<RestorePlan, RestoreError> {
        restore::stored_plan(self.access(), name).await
    }

    /// Does what a plan says: see [`restore::apply`].
    ///
    /// # Errors
    /// As [`restore::apply`].
    pub async fn apply(&self, plan: &RestorePlan, run: &Run) -> Result<RestoreReport, RestoreError> {
        let ports = restore::Ports::new(&*self.cluster, self.access(), &self.transforms).snapshots(&self.snapshots);
        let ports = self.exec.iter().fold(ports, |ports, exec| ports.exec(&**exec));
        restore::apply(&ports, plan, run).await
    }

    /// The backups in the store, by name: see [`catalog::list`].
    ///
    /// # Errors
    /// As [`catalog::list`].
    pub async fn backups(&self, limits: &Limits) -> Result<Vec<Listed>, CatalogError> {
        catalog::list(self.access(), limits).await
    }

    /// The backups in the store and what is no backup: see [`catalog::survey`].
    ///
    /// # Errors
    /// As [`catalog::survey`].
    pub async fn survey(&self, limits: &Limits) -> Result<Survey, CatalogError> {
        catalog::survey(self.access(), limits).await
    }

    /// What a backup is: see [`read_manifest`].
    ///
    /// # Errors
    /// As [`read_manifest`].
    pub async fn describe(&self, name: &BackupName) -> Result<Manifest, FormatError> {
        read_manifest(self.access(), name).await
    }

    /// Deletes a backup: see [`catalog::delete`].
    ///
    /// # Errors
    /// As [`catalog::delete`].
    pub async fn delete(&self, name: &BackupName, run: &Run) -> Result<(), CatalogError> {
        catalog::delete(&*self.store, &self.snapshots, name, run).await
    }

    /// Deletes the backups whose time is over: see [`catalog::expire`].
    ///
    /// # Errors
    /// As [`catalog::expire`].
    pub async fn expire(&self, policies: &Policies, run: &Run) -> Result<Expired, CatalogError> {
        catalog::expire(self.access(), &self.snapshots, policies, run).await
    }

    /// Reads every file of a backup and compares it with what was written: see [`catalog::verify`].
    ///
    /// # Errors
    /// As [`catalog::verify`].
    pub async fn verify(&self, name: &BackupName, depth: Depth, run: &Run) -> Result<Verification, CatalogError> {
        catalog::verify(self.access(), name, depth, run).await
    }
}
