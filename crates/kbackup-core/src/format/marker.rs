//! Whose a location is: its marker, read and written.

use jiff::Timestamp;

use super::{FormatVersion, Location, location, velero};
use crate::store::{ObjectStore, ObjectStoreExt, PutMode, StoreError, StoreErrorKind};

/// A marker is a few hundred bytes.
const MARKER_BYTES_MAX: u64 = 64 << 10;

/// Why a prefix of a store is not a location that can be written to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocationError {
    /// It is used by something else, or by a newer kbackup.
    #[error("{store} is not a location that this kbackup can write to: {why}")]
    Foreign {
        /// The store's URL.
        store: String,
        /// What was found there.
        why: String,
    },
    /// The store refused or failed.
    #[error("the object store failed while opening the location")]
    Store(#[source] StoreError),
}

/// The marker of a location; `None` where nothing was ever written to it.
///
/// # Errors
/// `Foreign` where the marker is not ours, or of a version that is newer than this crate's.
pub async fn read_marker(store: &dyn ObjectStore) -> Result<Option<Location>, LocationError> {
    let bytes = match store.get_bytes(&location(), MARKER_BYTES_MAX).await {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == StoreErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LocationError::Store(error)),
    };
    let foreign = |why: String| LocationError::Foreign { store: store.to_string(), why };
    let marker: Location =
        serde_json::from_slice(&bytes).map_err(|error| foreign(format!("its kbackup.json is not ours ({error})")))?;
    if marker.format != Location::FORMAT {
        return Err(foreign(format!("its kbackup.json is of the format \"{}\"", marker.format)));
    }
    if !marker.version.is_readable() {
        let current = FormatVersion::CURRENT;
        return Err(foreign(format!("it has format version {}, and this kbackup writes {current}", marker.version)));
    }
    Ok(Some(marker))
}

/// Makes sure that the prefix is a location of ours, and makes it one where it is nobody's.
///
/// # Errors
/// As [`read_marker`]; nothing is written then.
pub async fn mark_location(store: &dyn ObjectStore, now: Timestamp) -> Result<(), LocationError> {
    if read_marker(store).await?.is_some() {
        return Ok(());
    }
    // Velero takes a place with a folder that it does not know for broken, and its backups are not ours to be mixed up with.
    if velero::is_location(store).await.map_err(LocationError::Store)? {
        let why = "Velero keeps its backups there: they can be restored from here, and kbackup's own need a prefix of their own";
        return Err(LocationError::Foreign { store: store.to_string(), why: why.to_owned() });
    }
    // A plain value always serialises.
    let marker = serde_json::to_vec_pretty(&Location::new(now)).unwrap_or_default();
    match store.put(&location(), marker.into(), PutMode::Create).await {
        Err(error) if error.kind() != StoreErrorKind::AlreadyExists => Err(LocationError::Store(error)),
        _ => Ok(()),
    }
}
