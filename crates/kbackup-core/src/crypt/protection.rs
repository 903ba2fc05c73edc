//! How what is written is protected: encrypted, signed, both or neither.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;

#[cfg(not(feature = "encryption"))]
use super::absent::{AgeSealer, Sealing};
#[cfg(feature = "encryption")]
use super::age::{AgeSealer, Sealing};
use super::{EncryptionRecord, InvalidKey, Keyring, Recipients, SigningKey};

/// How backups are protected when they are made. The default is not at all.
///
/// ```
/// # #[cfg(feature = "encryption")] {
/// use kbackup_core::crypt::{Protection, Recipients, SigningKey};
///
/// let recipients = Recipients::of(["age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"])?;
/// let signer = SigningKey::generate()?;
/// let protection = Protection::default().encrypt(recipients).sign(signer);
/// # }
/// # Ok::<(), kbackup_core::crypt::InvalidKey>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Protection {
    recipients: Option<Recipients>,
    signer: Option<SigningKey>,
}

impl Protection {
    /// Encrypts for `recipients`.
    #[must_use]
    pub fn encrypt(self, recipients: Recipients) -> Self {
        Self { recipients: Some(recipients), ..self }
    }

    /// Signs with `signer`.
    #[must_use]
    pub fn sign(self, signer: SigningKey) -> Self {
        Self { signer: Some(signer), ..self }
    }

    /// Who signs.
    #[must_use]
    pub fn signer(&self) -> Option<&SigningKey> {
        self.signer.as_ref()
    }

    /// Who can read what is written.
    #[must_use]
    pub fn recipients(&self) -> Option<&Recipients> {
        self.recipients.as_ref()
    }

    /// Whether backups that are protected so are believed where `keyring` says whose signatures count: better asked before
    /// a backup is made than found out when it is needed.
    ///
    /// # Errors
    /// Where nobody signs, or somebody who is not trusted.
    pub fn check_trusted_by(&self, keyring: &Keyring) -> Result<(), InvalidKey> {
        if !keyring.demands_signature() {
            return Ok(());
        }
        let why = "only what one of its trusted keys has signed is believed there";
        match &self.signer {
            None => Err(InvalidKey::new("a backup that nobody signs", why)),
            Some(signer) if keyring.trusted().iter().any(|key| signer.is_half_of(key)) => Ok(()),
            Some(signer) => Err(InvalidKey::new(format!("the signing key {}", signer.id()), why)),
        }
    }

    /// The seal of one backup. With a passphrase it takes a while: half a second of one core, and 128 MiB meanwhile.
    ///
    /// # Errors
    /// Where the system has no randomness.
    pub async fn seal(&self) -> Result<Seal, InvalidKey> {
        let Some(recipients) = self.recipients.clone() else { return Ok(Seal::default()) };
        let sealing = tokio::task::spawn_blocking(move || Sealing::new(&recipients)).await;
        let sealing = sealing.map_err(|error| InvalidKey::new("the passphrase", error.to_string()))??;
        Ok(Seal(Some(Arc::new(sealing))))
    }

    /// The seal of what was begun and broke off: with its identity, which is in `file`, where the passphrase opens it. It
    /// takes as long as [`seal`](Self::seal).
    pub(crate) async fn seal_again(&self, file: Bytes) -> Option<Seal> {
        let recipients = self.recipients.clone()?;
        let sealing = tokio::task::spawn_blocking(move || Sealing::again(&recipients, file)).await;
        sealing.ok().flatten().map(|sealing| Seal(Some(Arc::new(sealing))))
    }
}

/// How the files of one backup or restore are written: as they are, or encrypted.
#[derive(Clone, Default)]
pub struct Seal(Option<Arc<Sealing>>);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Seal").field(&self.record()).finish()
    }
}

impl Seal {
    /// The seal of what belongs to something that was encrypted so: for the same recipients. A passphrase is not needed.
    ///
    /// # Errors
    /// Where a recipient can't be used.
    pub fn like(record: Option<&EncryptionRecord>) -> Result<Self, InvalidKey> {
        record.map(|record| Sealing::like(record).map(Arc::new)).transpose().map(Self)
    }

    /// What the manifest says of it; `None` where nothing is encrypted.
    #[must_use]
    pub fn record(&self) -> Option<&EncryptionRecord> {
        self.0.as_ref().map(|sealing| sealing.record())
    }

    /// The identity of this backup, under the passphrase, where there is one.
    pub(crate) fn identity_file(&self) -> Option<&Bytes> {
        self.0.as_ref().and_then(|sealing| sealing.identity_file())
    }

    pub(crate) fn sealer(&self) -> io::Result<Sealer> {
        match &self.0 {
            None => Ok(Sealer::Plain(Vec::new())),
            Some(sealing) => sealing.sealer().map(Sealer::Age),
        }
    }
}

/// Takes the bytes of a file and gives what is to be stored.
pub(crate) enum Sealer {
    Plain(Vec<u8>),
    Age(AgeSealer),
}

impl Sealer {
    /// Bytes that wait to be taken.
    pub(crate) fn waiting(&self) -> usize {
        match self {
            Self::Plain(bytes) => bytes.len(),
            Self::Age(sealer) => sealer.waiting(),
        }
    }

    /// Makes room for so many bytes that wait, once and for all: a buffer that grows with each piece, in whatever thread
    /// compresses, scatters the heaps of all of them.
    pub(crate) fn with_room(mut self, bytes: usize) -> Self {
        match &mut self {
            Self::Plain(buffer) => buffer.reserve(bytes),
            Self::Age(sealer) => sealer.reserve(bytes),
        }
        self
    }

    /// What waits. There is as much room after it as before.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        match self {
            Self::Plain(buffer) => emptied(buffer),
            Self::Age(sealer) => sealer.take(),
        }
    }

    /// Ends the file: without this it can't be opened.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Age(sealer) => sealer.end(),
        }
    }
}

/// The content of a buffer, which gets new room instead.
pub(super) fn emptied(buffer: &mut Vec<u8>) -> Vec<u8> {
    let room = Vec::with_capacity(buffer.capacity());
    std::mem::replace(buffer, room)
}

impl Write for Sealer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(buffer) => buffer.write(bytes),
            Self::Age(sealer) => sealer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What comes of asking an opener for bytes.
#[cfg_attr(not(feature = "encryption"), expect(dead_code, reason = "there nothing opens"))]
pub(crate) enum Step {
    Bytes(Bytes),
    /// It needs more of the file first.
    Hungry,
    /// The file is at its end, and whole.
    End,
}
