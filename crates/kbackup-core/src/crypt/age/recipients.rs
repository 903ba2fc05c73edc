//! Whom a backup is encrypted for.

use std::fmt;

use age::ssh::ParseRecipientKeyError;

use super::super::{InvalidKey, Passphrase};
use super::lock::{WORK, WORK_MAX};

/// Whom a backup is encrypted for: each of them can open it alone. Public keys are enough to write, so a cluster that makes
/// backups need not be able to read them.
///
/// ```
/// use kbackup_core::crypt::Recipients;
///
/// let two = Recipients::of([
///     "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
///     "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN alice@example.com",
/// ])?;
/// assert!(Recipients::of(["age1zvkyg"]).is_err());
/// # Ok::<(), kbackup_core::crypt::InvalidKey>(())
/// ```
#[derive(Clone)]
pub struct Recipients {
    pub(super) keys: Vec<Recipient>,
    pub(super) passphrase: Option<Passphrase>,
    pub(super) work: u8,
}

/// One public key.
#[derive(Clone)]
pub(super) enum Recipient {
    X25519(age::x25519::Recipient),
    Ssh(age::ssh::Recipient),
}

impl Recipients {
    /// These public keys: `age1…`, `ssh-ed25519 …` or `ssh-rsa …`.
    ///
    /// # Errors
    /// Where one is none of these, or there is none.
    pub fn of<T: AsRef<str>>(keys: impl IntoIterator<Item = T>) -> Result<Self, InvalidKey> {
        let mut parsed: Vec<Recipient> = Vec::new();
        for key in keys {
            let key = Recipient::parse(key.as_ref().trim())?;
            if parsed.iter().all(|other| other.to_string() != key.to_string()) {
                parsed.push(key);
            }
        }
        if parsed.is_empty() {
            return Err(InvalidKey::new("the list of recipients", "it names none"));
        }
        Ok(Self { keys: parsed, passphrase: None, work: WORK })
    }

    /// The public keys in a file: one a line; what begins with `#` is a comment.
    ///
    /// # Errors
    /// As [`Recipients::of`].
    pub fn of_file(text: &str) -> Result<Self, InvalidKey> {
        Self::of(text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')))
    }

    /// Whoever knows the passphrase, and nobody else.
    #[must_use]
    pub fn of_passphrase(passphrase: Passphrase) -> Self {
        Self { keys: Vec::new(), passphrase: Some(passphrase), work: WORK }
    }

    /// These and those.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        let new = |key: &Recipient, keys: &[Recipient]| keys.iter().all(|known| known.to_string() != key.to_string());
        for key in other.keys {
            if new(&key, &self.keys) {
                self.keys.push(key);
            }
        }
        Self { passphrase: self.passphrase.or(other.passphrase), ..self }
    }

    /// How much work the passphrase costs, as the logarithm of scrypt's N, from 1 to 20 (17 unless set): one more doubles
    /// time and memory, for those who know it and for those who guess. Less than 15 is for tests.
    #[must_use]
    pub fn work(self, log_n: u8) -> Self {
        Self { work: log_n.clamp(1, WORK_MAX), ..self }
    }
}

impl fmt::Debug for Recipients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<String> = self.keys.iter().map(ToString::to_string).collect();
        f.debug_struct("Recipients").field("keys", &keys).field("passphrase", &self.passphrase).finish()
    }
}

impl Recipient {
    fn parse(text: &str) -> Result<Self, InvalidKey> {
        // Of a secret key that was taken for a public one not even the beginning is shown.
        let secret = text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") || text.contains("PRIVATE KEY");
        if secret {
            return Err(InvalidKey::new(
                "a recipient",
                "it is a secret key: give its public half, which is the line \"# public key\" of its file",
            ));
        }
        let invalid = |why: &str| InvalidKey::new(format!("the recipient \"{}\"", short(text)), why);
        if text.starts_with("ssh-") || text.starts_with("ecdsa-") || text.starts_with("sk-") {
            return text.parse().map(Self::Ssh).map_err(|error| match error {
                ParseRecipientKeyError::RsaModulusTooSmall => invalid("its RSA key has less than 2048 bits"),
                ParseRecipientKeyError::RsaModulusTooLarge => invalid("its RSA key is too large"),
                ParseRecipientKeyError::Unsupported(kind) => {
                    invalid(&format!("keys of the type {kind} can't encrypt: take ssh-ed25519, ssh-rsa or age1…"))
                }
                _ => invalid("it is not the public half of an SSH key"),
            });
        }
        text.parse().map(Self::X25519).map_err(|_| {
            invalid(if text.starts_with("age1") {
                "it is not a whole age recipient: 62 characters that begin with age1, with a check sum at the end"
            } else {
                "a recipient begins with age1, ssh-ed25519 or ssh-rsa"
            })
        })
    }

    pub(super) fn as_age(&self) -> &dyn age::Recipient {
        match self {
            Self::X25519(key) => key,
            Self::Ssh(key) => key,
        }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::X25519(key) => key.fmt(f),
            Self::Ssh(key) => key.fmt(f),
        }
    }
}

/// Enough of a key to tell which it is.
fn short(text: &str) -> String {
    match text.char_indices().nth(64) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
