//! What opens and what is trusted when backups are read.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::{Identities, Passphrase, TrustedKey};

/// What opens encrypted backups, and whose signature a backup must have. The default opens nothing and demands nothing.
///
/// ```
/// # #[cfg(feature = "encryption")] {
/// use kbackup_core::crypt::{Identities, Keyring};
///
/// let new = Identities::generate();
/// let keyring = Keyring::default().identities(Identities::parse(new.file("").as_bytes(), None)?);
/// assert!(!keyring.demands_signature());
/// # }
/// # Ok::<(), kbackup_core::crypt::InvalidKey>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    identities: Identities,
    passphrase: Option<Arc<Lock>>,
    trusted: Vec<TrustedKey>,
}

/// A passphrase, and what it opened last: deriving a key from it takes half a second, and a backup has many files.
#[derive(Debug)]
pub(crate) struct Lock {
    pub(crate) passphrase: Passphrase,
    pub(crate) last: Mutex<Option<Unlocked>>,
}

/// The identity of a backup that a passphrase has opened.
#[derive(Debug)]
pub(crate) struct Unlocked {
    /// The digest of its file.
    pub(crate) sha256: String,
    pub(crate) identities: Identities,
}

impl Keyring {
    /// Nothing.
    pub(crate) const EMPTY: Self = Self { identities: Identities::NONE, passphrase: None, trusted: Vec::new() };

    /// Adds identities.
    #[must_use]
    pub fn identities(mut self, identities: Identities) -> Self {
        self.identities.extend(identities);
        self
    }

    /// Tries this passphrase on backups that have one.
    #[must_use]
    pub fn passphrase(self, passphrase: Passphrase) -> Self {
        Self { passphrase: Some(Arc::new(Lock { passphrase, last: Mutex::new(None) })), ..self }
    }

    /// Trusts backups that this key has signed. From the first one on, a backup that none of the keys has signed is
    /// refused.
    #[must_use]
    pub fn trust(mut self, key: TrustedKey) -> Self {
        self.trusted.push(key);
        self
    }

    /// Whether a backup without a trusted signature is refused.
    #[must_use]
    pub fn demands_signature(&self) -> bool {
        !self.trusted.is_empty()
    }

    pub(crate) fn own(&self) -> &Identities {
        &self.identities
    }

    pub(crate) fn lock(&self) -> Option<&Lock> {
        self.passphrase.as_deref()
    }

    pub(crate) fn trusted(&self) -> &[TrustedKey] {
        &self.trusted
    }
}
