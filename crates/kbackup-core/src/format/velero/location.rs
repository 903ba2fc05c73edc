//! Whether a place in a store is Velero's.

use futures::{StreamExt, TryStreamExt, stream};

use super::VeleroLayout;
use crate::format::backups;
use crate::model::BackupName;
use crate::store::{ObjectStore, ObjectStoreExt, Prefix, StoreResult};

/// Folders in which Velero keeps the files of volumes, beside those of its backups.
const REPOSITORIES: [&str; 2] = ["kopia", "restic"];
/// Folders that are looked into at the same time.
const LOOKS: usize = 16;

/// Whether Velero keeps backups in the store: the marker of one is there, or a repository for volumes is.
///
/// # Errors
/// The store's.
pub async fn is_location(store: &dyn ObjectStore) -> StoreResult<bool> {
    let beside = store.list_children(&Prefix::root()).await?.prefixes;
    if beside.iter().any(|prefix| REPOSITORIES.contains(&prefix.as_str())) {
        return Ok(true);
    }
    if !beside.contains(&backups()) {
        return Ok(false);
    }
    let folders = store.list_children(&backups()).await?.prefixes;
    let names = folders.iter().filter_map(|folder| folder.as_str().rsplit('/').next()?.parse::<BackupName>().ok());
    let looks = stream::iter(names.collect::<Vec<_>>()).map(|name| async move { has_marker(store, &name).await });
    let mut found = looks.buffer_unordered(LOOKS).try_filter(|found| std::future::ready(*found));
    Ok(found.try_next().await?.is_some())
}

/// Whether there is a backup of Velero's of that name.
///
/// # Errors
/// The store's.
pub async fn has_marker(store: &dyn ObjectStore, name: &BackupName) -> StoreResult<bool> {
    store.exists(&VeleroLayout::new(name).marker()).await
}
