//! What opens encrypted backups.

use std::fmt;
use std::sync::Arc;

use age::DecryptError;
use age::secrecy::ExposeSecret;

use super::super::{InvalidKey, OpenError, Passphrase};
use super::lock::{open_with_passphrase, secret};

/// What opens encrypted backups: the secret halves of recipients. `Debug` shows their public halves.
#[derive(Clone, Default)]
pub struct Identities {
    keys: Vec<Arc<dyn age::Identity + Send + Sync>>,
    public: Vec<String>,
}

/// An identity that was just made.
pub struct NewIdentity {
    key: age::x25519::Identity,
}

impl NewIdentity {
    /// What backups can be encrypted for: `age1…`.
    #[must_use]
    pub fn recipient(&self) -> String {
        self.key.to_public().to_string()
    }

    /// Its file, as age reads it, with a comment that says when it was made. It is a secret: keep it so.
    #[must_use]
    pub fn file(&self, created: &str) -> String {
        let key = self.key.to_string();
        format!("# created: {created}\n# public key: {}\n{}\n", self.recipient(), key.expose_secret())
    }
}

impl fmt::Debug for NewIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewIdentity({})", self.recipient())
    }
}

impl Identities {
    pub(crate) const NONE: Self = Self { keys: Vec::new(), public: Vec::new() };

    /// Makes a new identity.
    ///
    /// ```
    /// use kbackup_core::crypt::{Identities, Recipients};
    ///
    /// let new = Identities::generate();
    /// Recipients::of([new.recipient()])?; // in the cluster
    /// Identities::parse(new.file("2026-11-25T00:00:00Z").as_bytes(), None)?; // where the restore is
    /// # Ok::<(), kbackup_core::crypt::InvalidKey>(())
    /// ```
    #[must_use]
    pub fn generate() -> NewIdentity {
        NewIdentity { key: age::x25519::Identity::generate() }
    }

    /// The identities in a file: one that age or `kbackup keygen` has made (also one under a passphrase), or an SSH private
    /// key. `passphrase` is for files that have one.
    ///
    /// # Errors
    /// Where it is none of these, or the passphrase is missing or wrong.
    pub fn parse(file: &[u8], passphrase: Option<&Passphrase>) -> Result<Self, InvalidKey> {
        let plain;
        let file = if is_locked(file) {
            plain = unlocked(file, passphrase)?;
            &plain[..]
        } else {
            file
        };
        let text = std::str::from_utf8(file).map_err(|_| invalid("it is not a text"))?;
        if text.contains("PRIVATE KEY-----") { Self::of_ssh(text, passphrase) } else { Self::of_lines(text) }
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.keys.extend(other.keys);
        self.public.extend(other.public);
    }

    /// Whether one of them is the secret half of one of these keys.
    pub(crate) fn is_of_any<'a>(&self, mut keys: impl Iterator<Item = &'a str>) -> bool {
        keys.any(|key| self.public.iter().any(|own| own == key))
    }

    /// The identity of a backup, out of its file. Takes as long as a passphrase costs.
    pub(crate) fn unlock(file: &[u8], passphrase: &Passphrase) -> Result<Self, OpenError> {
        let plain = open_with_passphrase(file, passphrase).map_err(|error| match error {
            // This says only that the key that the passphrase makes is another one.
            DecryptError::DecryptionFailed => OpenError::NoKey,
            error => super::open::refused(&error),
        })?;
        let text = std::str::from_utf8(&plain).map_err(|_| OpenError::Damaged("it holds no identity".to_owned()))?;
        Self::of_lines(text).map_err(|error| OpenError::Damaged(error.why().to_owned()))
    }

    pub(super) fn as_age(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.keys.iter().map(|key| &**key as &dyn age::Identity)
    }

    fn of_lines(text: &str) -> Result<Self, InvalidKey> {
        let mut identities = Self::NONE;
        for (number, line) in (1..).zip(text.lines().map(str::trim)) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key: age::x25519::Identity = line.parse().map_err(|_| not_an_identity(line, number))?;
            identities.public.push(key.to_public().to_string());
            identities.keys.push(Arc::new(key));
        }
        if identities.keys.is_empty() { Err(invalid("there is none in it")) } else { Ok(identities) }
    }

    fn of_ssh(text: &str, passphrase: Option<&Passphrase>) -> Result<Self, InvalidKey> {
        use age::ssh::{Identity, Recipient};
        let key = Identity::from_buffer(text.as_bytes(), None).map_err(|_| invalid("its SSH key can't be read"))?;
        let public = Recipient::try_from(key.clone()).map(|public| public.to_string());
        let key = match (key, passphrase) {
            (Identity::Encrypted(locked), Some(passphrase)) => locked
                .decrypt(secret(passphrase))
                .map(Identity::Unencrypted)
                .map_err(|_| invalid("the passphrase does not open its SSH key"))?,
            (Identity::Encrypted(_), None) => return Err(needs_passphrase()),
            (Identity::Unsupported(_), _) => {
                return Err(invalid("its SSH key is of a type that can't decrypt: ssh-ed25519 and ssh-rsa can"));
            }
            (plain, _) => plain,
        };
        Ok(Self { keys: vec![Arc::new(key)], public: public.into_iter().collect() })
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identities").field(&self.public).finish()
    }
}

/// Whether the file of identities is an age file itself.
fn is_locked(file: &[u8]) -> bool {
    file.starts_with(b"age-encryption.org/") || file.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----")
}

fn unlocked(file: &[u8], passphrase: Option<&Passphrase>) -> Result<Vec<u8>, InvalidKey> {
    let passphrase = passphrase.ok_or_else(needs_passphrase)?;
    open_with_passphrase(file, passphrase).map_err(|error| match super::open::refused(&error) {
        OpenError::NoKey => invalid("it is encrypted, and not under a passphrase"),
        OpenError::Damaged(_) if matches!(error, DecryptError::DecryptionFailed) => {
            invalid("the passphrase does not open it")
        }
        OpenError::Damaged(why) => invalid(&why),
    })
}

fn not_an_identity(line: &str, number: usize) -> InvalidKey {
    if line.starts_with("age1") || line.starts_with("ssh-") {
        return invalid(&format!("line {number} is a public key: an identity is the secret half"));
    }
    invalid(&format!("line {number} is neither a comment nor AGE-SECRET-KEY-1…"))
}

fn needs_passphrase() -> InvalidKey {
    invalid("it is under a passphrase, and none was given")
}

fn invalid(why: &str) -> InvalidKey {
    InvalidKey::new("the file of identities", why)
}
