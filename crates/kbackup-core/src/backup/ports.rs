//! What a backup works with.

use crate::action::BackupActions;
use crate::cluster::{ClusterReader, PodExec};
use crate::crypt::{Protection, SigningKey};
use crate::store::ObjectStore;

/// What a backup works with: the cluster that it reads, the store that it writes to, and what is known about kinds. A
/// reader is enough: a backup can't change the cluster. What runs commands in containers is needed for hooks alone: without
/// it, each pod that has hooks is an issue.
///
/// ```
/// use kbackup_core::backup::Ports;
/// use kbackup_core::cluster::MemoryCluster;
/// use kbackup_core::store::MemoryStore;
///
/// let (cluster, store) = (MemoryCluster::new(), MemoryStore::new());
/// let ports = Ports::new(&cluster, &store).exec(&cluster);
/// # drop(ports);
/// ```
#[derive(Debug, Clone)]
pub struct Ports<'a> {
    pub(super) cluster: &'a dyn ClusterReader,
    pub(super) store: &'a dyn ObjectStore,
    pub(super) actions: BackupActions,
    pub(super) exec: Option<&'a dyn PodExec>,
    pub(super) protection: Option<&'a Protection>,
    /// Whether what is read is kept: a preview only looks.
    pub(super) keeps: bool,
}

impl<'a> Ports<'a> {
    /// This cluster and this store, with the built-in actions.
    #[must_use]
    pub fn new(cluster: &'a dyn ClusterReader, store: &'a dyn ObjectStore) -> Self {
        Self { cluster, store, actions: BackupActions::builtin(), exec: None, protection: None, keeps: true }
    }

    /// The same with other actions: own ones added, built-in ones taken away.
    #[must_use]
    pub fn actions(self, actions: BackupActions) -> Self {
        Self { actions, ..self }
    }

    /// The same, and this to run the commands of hooks with.
    #[must_use]
    pub fn exec(self, exec: &'a dyn PodExec) -> Self {
        Self { exec: Some(exec), ..self }
    }

    /// Encrypts and signs what is written as `protection` says. Without it nothing is encrypted and nothing signed.
    #[must_use]
    pub fn protect(self, protection: &'a Protection) -> Self {
        Self { protection: Some(protection), ..self }
    }

    /// The same, for looking only.
    pub(super) fn only_look(self) -> Self {
        Self { keeps: false, ..self }
    }

    /// Who signs the manifest.
    pub(super) fn signer(&self) -> Option<&'a SigningKey> {
        self.protection.and_then(Protection::signer)
    }
}
