//! What can be wrong with a backup in a store.

use crate::model::BackupName;
use crate::store::{StoreError, StoreErrorKind};

use super::{FileRecord, FormatVersion};

/// Why a backup can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// There is no backup of that name, or it is not finished.
    #[error("backup \"{name}\" does not exist in {store}")]
    NotFound {
        /// The name.
        name: BackupName,
        /// The store's URL.
        store: String,
    },
    /// Something is not what was written: damaged by the store, or changed by somebody.
    #[error("backup \"{name}\" is damaged: {what}")]
    Damaged {
        /// The backup.
        name: BackupName,
        /// The file and what is wrong with it.
        what: String,
    },
    /// A newer kbackup wrote it.
    #[error(
        "backup \"{name}\" has format version {version}, and this kbackup reads up to version {}",
        FormatVersion::CURRENT
    )]
    TooNew {
        /// The backup.
        name: BackupName,
        /// Its version.
        version: FormatVersion,
    },
    /// A newer Velero wrote it.
    #[error("backup \"{name}\" has version {version} of Velero's format, and this kbackup reads version 1")]
    VeleroTooNew {
        /// The backup.
        name: BackupName,
        /// Its version.
        version: String,
    },
    /// It is encrypted for others than those whose identities were given.
    #[error("backup \"{name}\" is encrypted for {recipients}, and nothing that was given opens it")]
    Encrypted {
        /// The backup.
        name: BackupName,
        /// Who can open it: public keys, or a passphrase.
        recipients: String,
    },
    /// Signatures are demanded, and none of the trusted keys has signed it.
    #[error("backup \"{name}\" is not trusted: {why}")]
    Untrusted {
        /// The backup.
        name: BackupName,
        /// What was found instead of a trusted signature.
        why: String,
    },
    /// The store did not answer.
    #[error("backup \"{name}\" could not be read from its store")]
    Store {
        /// The backup.
        name: BackupName,
        /// The store's error.
        source: StoreError,
    },
}

impl FormatError {
    /// `Damaged`, with what is wrong.
    pub(crate) fn damaged(name: &BackupName, what: impl Into<String>) -> Self {
        Self::Damaged { name: name.clone(), what: what.into() }
    }

    /// A file of the backup that the store does not give.
    pub(super) fn of_file(name: &BackupName, file: &FileRecord, error: StoreError) -> Self {
        match error.kind() {
            StoreErrorKind::NotFound => Self::damaged(name, format!("{} is missing", file.key)),
            _ => Self::store(name, error),
        }
    }

    /// A file that is not the one that the manifest names.
    pub(super) fn differs(name: &BackupName, file: &FileRecord) -> Self {
        Self::damaged(name, format!("{} is not what was written (its digest differs)", file.key))
    }

    /// `Store`, with the store's error.
    pub(crate) fn store(name: &BackupName, source: StoreError) -> Self {
        Self::Store { name: name.clone(), source }
    }
}
