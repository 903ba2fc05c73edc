//! Which backups there are, and what is on its way to become one or to be gone.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use super::CatalogError;
use crate::format::{Access, BackupLayout, Claim, FormatError, Manifest, Writer, backups, read_claim, read_manifest};
use crate::issue::Outcome;
use crate::limits::Limits;
use crate::model::{BackupName, LabelSelector, Revision};
use crate::spec::SCHEDULE_LABEL;
use crate::store::{ObjectStore, ObjectStoreExt, StoreResult};

/// All that stands where backups stand.
#[derive(Debug, Default)]
pub struct Survey {
    /// The backups, by name. Those that are being deleted, or can't be read, are among them.
    pub backups: Vec<Listed>,
    /// Folders without a manifest, by name: runs that go on or broke off, and the last of deletions. None is a backup.
    pub unfinished: Vec<Unfinished>,
}

/// A backup that a store lists.
#[derive(Debug)]
pub struct Listed {
    /// Its name.
    pub name: BackupName,
    /// The most important of what it is, or why that can't be read.
    pub summary: Result<Summary, FormatError>,
    /// Whether its deletion has begun.
    pub deleting: bool,
}

/// The most important of a manifest: what a list shows, and what decides how long the backup is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Whether all that was asked for is in it.
    pub outcome: Outcome,
    /// When the run began.
    pub started_at: Timestamp,
    /// When it was whole.
    pub completed_at: Timestamp,
    /// When the backup is no longer wanted.
    pub expires_at: Timestamp,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Objects in it.
    pub objects: u64,
    /// Bytes in the store, without the manifest.
    pub bytes_stored: u64,
    /// Issues that are warnings.
    pub warnings: u64,
    /// Issues that are errors.
    pub errors: u64,
    /// The revision at which the cluster was read.
    pub revision: Revision,
    /// Where the cluster was.
    pub cluster: String,
    /// What wrote it.
    pub writer: Writer,
}

/// A folder that has the name of a backup, and no manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// The name.
    pub name: BackupName,
    /// Who is writing it, where that can be read.
    pub claim: Option<Claim>,
    /// The last sign of life: the claim's, or else the newest file's.
    pub last_sign: Option<Timestamp>,
    /// Whether it is what a deletion has left.
    pub deleting: bool,
}

impl Survey {
    /// Whether there is a backup of that name.
    #[must_use]
    pub fn has(&self, name: &BackupName) -> bool {
        self.backups.iter().any(|backup| backup.name == *name)
    }

    /// Keeps what has one of `names` (none: all) and labels that match. A backup that can't be read, and a folder that is
    /// no backup, has no labels that could be seen: a selector leaves it out.
    pub fn choose(&mut self, names: &[BackupName], selector: Option<&LabelSelector>) {
        let named = |name: &BackupName| names.is_empty() || names.contains(name);
        let matches = |backup: &Listed| match (selector, &backup.summary) {
            (None, _) => true,
            (Some(selector), Ok(summary)) => selector.matches(&summary.labels),
            (Some(_), Err(_)) => false,
        };
        self.backups.retain(|backup| named(&backup.name) && matches(backup));
        self.unfinished.retain(|unfinished| named(&unfinished.name) && selector.is_none());
    }

    /// Sorts by when the runs began, the newest first; what can't be read comes last.
    pub fn newest_first(&mut self) {
        let began = |backup: &Listed| backup.summary.as_ref().ok().map(|summary| summary.started_at);
        self.backups.sort_by(|a, b| (began(b), &a.name).cmp(&(began(a), &b.name)));
    }
}

impl Summary {
    /// The schedule that made the backup, where one did.
    #[must_use]
    pub fn schedule(&self) -> Option<&str> {
        self.labels.get(SCHEDULE_LABEL).map(String::as_str)
    }

    /// Whether Velero made the backup: its end is Velero's too.
    #[must_use]
    pub fn is_velero(&self) -> bool {
        self.writer.is_velero()
    }
}

impl From<&Manifest> for Summary {
    fn from(manifest: &Manifest) -> Self {
        Self {
            outcome: manifest.outcome,
            started_at: manifest.started_at,
            completed_at: manifest.completed_at,
            expires_at: manifest.expires_at,
            labels: manifest.spec.labels.clone(),
            objects: manifest.counts.objects,
            bytes_stored: manifest.counts.bytes_stored,
            warnings: manifest.counts.warnings,
            errors: manifest.counts.errors,
            revision: manifest.consistency.revision,
            cluster: manifest.cluster.name.clone(),
            writer: manifest.writer.clone(),
        }
    }
}

impl Unfinished {
    /// Whether the run that writes it has given a sign of life in the last five minutes.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        !self.deleting && self.claim.as_ref().is_some_and(|claim| claim.is_alive(now))
    }
}

/// The backups that exist, by name. A folder without a manifest is not a backup, and is not in the list.
///
/// # Errors
/// As [`survey`].
pub async fn list<'a>(from: impl Into<Access<'a>> + Send, limits: &Limits) -> Result<Vec<Listed>, CatalogError> {
    survey(from, limits).await.map(|survey| survey.backups)
}

/// The backups that exist, and the folders that are none, by name.
///
/// Two small requests a backup, [`Limits::looks_max`] of them at a time. Of each manifest only a [`Summary`] is kept.
///
/// # Errors
/// Where the store can't be listed or read. A manifest that is damaged, or not trusted, is in the list, as an error of
/// its own.
pub async fn survey<'a>(from: impl Into<Access<'a>> + Send, limits: &Limits) -> Result<Survey, CatalogError> {
    let access: Access<'a> = from.into();
    let names = names(access.store()).await?;
    let mut looks = stream::iter(names).map(|name| look(access, name)).buffered(limits.looks_max.max(1));
    let mut survey = Survey::default();
    while let Some(found) = looks.try_next().await? {
        match found {
            Found::Backup(listed) => survey.backups.push(listed),
            Found::Unfinished(unfinished) => survey.unfinished.push(unfinished),
            Found::Nothing => {}
        }
    }
    Ok(survey)
}

/// The names that have a folder, whether or not there is a backup in it: one request, for looking up what somebody may
/// have meant.
///
/// # Errors
/// Where the store can't be listed.
pub async fn names(store: &dyn ObjectStore) -> Result<Vec<BackupName>, CatalogError> {
    let folders = store.list_children(&backups()).await.map_err(CatalogError::store("listing the backups"))?;
    let name = |folder: &str| folder.rsplit('/').next().and_then(|name| name.parse().ok());
    Ok(folders.prefixes.iter().filter_map(|folder| name(folder.as_str())).collect())
}

/// What stands in the folder of that name where it is no backup; `None` where nothing does, or a backup.
///
/// # Errors
/// Where the store can't be read.
pub async fn unfinished(store: &dyn ObjectStore, name: &BackupName) -> Result<Option<Unfinished>, CatalogError> {
    match look_inside(store, name).await.map_err(CatalogError::store("looking for an unfinished backup"))? {
        Found::Unfinished(unfinished) => Ok(Some(unfinished)),
        Found::Backup(_) | Found::Nothing => Ok(None),
    }
}

/// What a folder turned out to be.
enum Found {
    Backup(Listed),
    Unfinished(Unfinished),
    Nothing,
}

async fn look(access: Access<'_>, name: BackupName) -> Result<Found, CatalogError> {
    let store = access.store();
    let during = "reading the manifests of the backups";
    let layout = BackupLayout::new(&name);
    let note = layout.deleting();
    let (manifest, deleting) = futures::join!(read_manifest(access, &name), store.exists(&note));
    let summary = match manifest {
        Err(FormatError::NotFound { .. }) => {
            return look_inside(store, &name).await.map_err(CatalogError::store(during));
        }
        Err(FormatError::Store { source, .. }) => return Err(CatalogError::Store { during, source }),
        Err(error) => Err(error),
        Ok(manifest) => Ok(Summary::from(&manifest)),
    };
    let deleting = deleting.map_err(CatalogError::store(during))?;
    Ok(Found::Backup(Listed { name, summary, deleting }))
}

/// A folder without a manifest.
async fn look_inside(store: &dyn ObjectStore, name: &BackupName) -> StoreResult<Found> {
    let layout = BackupLayout::new(name);
    let children = store.list_children(&layout.folder()).await?;
    let has = |key| children.objects.iter().any(|object| object.key == key);
    if (children.objects.is_empty() && children.prefixes.is_empty()) || has(layout.manifest()) {
        // It was deleted, or finished, while we looked: the next list will know.
        return Ok(Found::Nothing);
    }
    let claim = if has(layout.claim()) { read_claim(store, &layout).await? } else { None };
    let last_sign = match &claim {
        Some(claim) => Some(claim.heartbeat_at),
        None => newest(store, &layout).await?,
    };
    Ok(Found::Unfinished(Unfinished { name: name.clone(), claim, last_sign, deleting: has(layout.deleting()) }))
}

/// When the newest file of a folder was written.
async fn newest(store: &dyn ObjectStore, layout: &BackupLayout) -> StoreResult<Option<Timestamp>> {
    let times = store.list(&layout.folder()).map_ok(|stored| stored.modified);
    times.try_fold(None, async |newest, time| Ok(newest.max(Some(time)))).await
}
