//! Which backups there are.

use futures::{StreamExt, TryStreamExt, stream};

use super::CatalogError;
use crate::format::{BackupLayout, FormatError, Manifest, backups, read_manifest};
use crate::limits::Limits;
use crate::model::BackupName;
use crate::store::{ObjectStore, ObjectStoreExt};

/// A backup that a store lists.
#[derive(Debug)]
pub struct Listed {
    /// Its name.
    pub name: BackupName,
    /// What it is, or why that can't be read.
    pub manifest: Result<Manifest, FormatError>,
    /// Whether its deletion has begun.
    pub deleting: bool,
}

/// The backups that exist, by name. A folder without a manifest is not a backup, and is not in the list.
///
/// # Errors
/// Where the store can't be listed or read. A manifest that is damaged is in the list, as an error of its own.
pub async fn list(store: &dyn ObjectStore, limits: &Limits) -> Result<Vec<Listed>, CatalogError> {
    let names = names(store).await?;
    let looks = stream::iter(names).map(|name| look(store, name));
    let found: Vec<Option<Listed>> = looks.buffered(limits.fetches_max.max(1) * 4).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
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

async fn look(store: &dyn ObjectStore, name: BackupName) -> Result<Option<Listed>, CatalogError> {
    let during = "reading the manifests of the backups";
    let manifest = match read_manifest(store, &name).await {
        Err(FormatError::NotFound { .. }) => return Ok(None),
        Err(FormatError::Store { source, .. }) => return Err(CatalogError::Store { during, source }),
        manifest => manifest,
    };
    let deleting = store.exists(&BackupLayout::new(&name).deleting()).await.map_err(CatalogError::store(during))?;
    Ok(Some(Listed { name, manifest, deleting }))
}
