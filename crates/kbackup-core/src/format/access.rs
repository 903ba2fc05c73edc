//! From where, and with which keys, backups are read.

use bytes::Bytes;

use super::{BackupLayout, FileRecord, FormatError, Manifest, digest_of};
use crate::crypt::{EncryptionRecord, Identities, Keyring, OpenError, Passphrase, Unlocked, verify};
use crate::model::BackupName;
use crate::store::{ObjectStore, ObjectStoreExt, StoreErrorKind};

/// A signature has four short lines, and the identity of a backup is a key and a header.
const SMALL_BYTES_MAX: u64 = 16 << 10;

/// From where backups are read, and with which keys. A bare store stands for itself and no keys: then encrypted backups
/// can't be read, and signatures are not looked at.
///
/// ```
/// use kbackup_core::crypt::Keyring;
/// use kbackup_core::format::{Access, read_manifest};
/// use kbackup_core::store::MemoryStore;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (store, keys) = (MemoryStore::new(), Keyring::default());
/// assert!(read_manifest(&store, &"nightly".parse()?).await.is_err());
/// assert!(read_manifest(Access::new(&store, &keys), &"nightly".parse()?).await.is_err());
/// # Ok::<(), kbackup_core::model::NameError>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Access<'a> {
    store: &'a dyn ObjectStore,
    keys: &'a Keyring,
}

static NO_KEYS: Keyring = Keyring::EMPTY;

impl<'a> Access<'a> {
    /// This store with these keys.
    #[must_use]
    pub fn new(store: &'a dyn ObjectStore, keys: &'a Keyring) -> Self {
        Self { store, keys }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &'a dyn ObjectStore {
        self.store
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &'a Keyring {
        self.keys
    }

    /// Whether one of the trusted keys has signed the manifest; where none are given, nothing is demanded.
    pub(super) async fn check_signature(&self, name: &BackupName, manifest: &[u8]) -> Result<(), FormatError> {
        if !self.keys.demands_signature() {
            return Ok(());
        }
        let untrusted = |why: String| FormatError::Untrusted { name: name.clone(), why };
        let signature = match self.store.get_bytes(&BackupLayout::new(name).signature(), SMALL_BYTES_MAX).await {
            Ok(signature) => signature,
            Err(error) if error.kind() == StoreErrorKind::NotFound => {
                return Err(untrusted("it is not signed".to_owned()));
            }
            Err(error) if error.kind() == StoreErrorKind::Corrupt => {
                return Err(untrusted("its signature is too large to be one".to_owned()));
            }
            Err(error) => return Err(FormatError::store(name, error)),
        };
        verify(self.keys.trusted(), &signature, manifest).map_err(untrusted)
    }

    /// A backup of a kind that nobody signs is refused where signatures are demanded.
    pub(super) fn check_unsigned(&self, name: &BackupName) -> Result<(), FormatError> {
        if self.keys.demands_signature() {
            let why = "it is Velero's, and Velero does not sign".to_owned();
            return Err(FormatError::Untrusted { name: name.clone(), why });
        }
        Ok(())
    }

    /// What opens the files of a backup; `None` where they are not encrypted.
    pub(crate) async fn identities(&self, manifest: &Manifest) -> Result<Option<Identities>, FormatError> {
        let Some(record) = &manifest.encryption else { return Ok(None) };
        if record.scheme != EncryptionRecord::SCHEME {
            let what = format!("its files are encrypted in a way that this kbackup can't read: \"{}\"", record.scheme);
            return Err(FormatError::damaged(&manifest.name, what));
        }
        let own = self.keys.own();
        match self.keys.lock().filter(|_| record.passphrase_recipient.is_some() && !own.is_of_any(record.keys())) {
            None => Ok(Some(own.clone())),
            Some(lock) => {
                // Files that are opened at the same time wait for the first one, which does the work.
                let mut last = lock.last.lock().await;
                let file = manifest.file("identity");
                let file =
                    file.ok_or_else(|| FormatError::damaged(&manifest.name, "the manifest names no identity"))?;
                if let Some(unlocked) = last.as_ref().filter(|unlocked| unlocked.sha256 == file.sha256) {
                    return Ok(Some(unlocked.identities.clone()));
                }
                let identities = self.unlock(manifest, file, &lock.passphrase).await?;
                *last = Some(Unlocked { sha256: file.sha256.clone(), identities: identities.clone() });
                Ok(Some(identities))
            }
        }
    }

    async fn unlock(
        &self,
        manifest: &Manifest,
        file: &FileRecord,
        passphrase: &Passphrase,
    ) -> Result<Identities, FormatError> {
        let bytes: Bytes = match self.store.get_bytes(&file.key, SMALL_BYTES_MAX).await {
            Ok(bytes) => bytes,
            Err(error) => return Err(FormatError::of_file(&manifest.name, file, error)),
        };
        if digest_of(&bytes) != file.sha256 {
            return Err(FormatError::differs(&manifest.name, file));
        }
        let passphrase = passphrase.clone();
        let work = tokio::task::spawn_blocking(move || Identities::unlock(&bytes, &passphrase)).await;
        let opened = work.unwrap_or_else(|error| Err(OpenError::Damaged(error.to_string())));
        opened.map_err(|error| refused(manifest, file, error))
    }
}

/// What an encrypted file that can't be opened means.
pub(super) fn refused(manifest: &Manifest, file: &FileRecord, error: OpenError) -> FormatError {
    match error {
        OpenError::Damaged(what) => FormatError::damaged(&manifest.name, format!("{}: {what}", file.key)),
        OpenError::NoKey => {
            let recipients = manifest.encryption.as_ref().map(ToString::to_string).unwrap_or_default();
            FormatError::Encrypted { name: manifest.name.clone(), recipients }
        }
    }
}

impl<'a> From<&'a dyn ObjectStore> for Access<'a> {
    fn from(store: &'a dyn ObjectStore) -> Self {
        Self::new(store, &NO_KEYS)
    }
}

impl<'a, S: ObjectStore> From<&'a S> for Access<'a> {
    fn from(store: &'a S) -> Self {
        Self::new(store, &NO_KEYS)
    }
}
